// The JavaScript objects Program, Binding and Run: what they own, their methods and their end.
#pragma once

#include <node_api.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "js.h"
#include "kernel.h"
#include "program.h"
#include "run.h"

namespace evengrad {
namespace {

constexpr int64_t kMaxExact = int64_t{1} << 53;
constexpr int64_t kMaxStride = int64_t{1} << 40;
constexpr size_t kMaxNumbers = size_t{1} << 26;

struct RunHandle;

// What one environment (the main thread, or a worker) owns. Shared by the objects made in it, so
// that the order in which they are finalized at the end does not matter.
struct State {
  explicit State(napi_env env) : env(env), runner(notify, this) {}

  static void notify(void* state) {
    napi_call_threadsafe_function(static_cast<State*>(state)->wake, nullptr, napi_tsfn_nonblocking);
  }

  // Tells V8 what lies outside of its heap, so that it collects programs in time.
  void account(int64_t change) {
    programBytes += change;
    const int64_t total = programBytes + runner.bytes();
    if (total == accounted || closing) return;
    int64_t ignored;
    napi_adjust_external_memory(env, total - accounted, &ignored);
    accounted = total;
  }

  napi_env env;
  Runner runner;
  const KernelTable* table = nullptr;
  napi_ref programClass = nullptr;
  napi_ref bindingClass = nullptr;
  napi_ref runClass = nullptr;
  napi_ref findResizable = nullptr;
  napi_ref arrayBufferClass = nullptr;
  napi_ref arrayClasses[3] = {};            // Float32Array, Int32Array, Uint8Array
  napi_threadsafe_function wake = nullptr;  // called when a run has finished
  int64_t unfinished = 0;                   // runs whose promise is pending
  int64_t programBytes = 0;
  int64_t accounted = 0;
  bool closing = false;
};

struct ProgramHandle {
  ProgramHandle(std::shared_ptr<State> state, std::unique_ptr<Program> program)
      : state(std::move(state)), program(std::move(program)) {
    this->state->runner.addProgram(this->program->arenaBytes());
    this->state->account(this->program->bytes());
  }
  ~ProgramHandle() {
    state->runner.removeProgram(program->arenaBytes(), state->unfinished == 0);
    state->account(-program->bytes());
  }

  std::shared_ptr<State> state;
  std::unique_ptr<Program> program;
};

struct Binding {
  // What a slot is bound to: the buffer is referenced rather than the typed array, because asking a
  // buffer whether it is still whole costs a tenth.
  struct Bound {
    napi_ref buffer;
    int64_t byteOffset;
    int64_t byteLength;  // of the typed array
    char* shared;        // data of a SharedArrayBuffer's, which Node-API gives only once
  };

  ~Binding() {
    for (const Bound& b : bound) napi_delete_reference(program->state->env, b.buffer);
  }

  std::shared_ptr<ProgramHandle> program;
  std::vector<Bound> bound;
  std::vector<int64_t> strides;
};

// Freed when it is neither queued nor within reach of JavaScript.
struct RunHandle : Run {
  std::shared_ptr<Binding> binding;
  napi_deferred deferred = nullptr;
  bool queued = false;
  bool collected = false;
};

const char* className(DType dtype) {
  switch (dtype) {
    case DType::f32: return "Float32Array";
    case DType::i32: return "Int32Array";
    default: return "Uint8Array";
  }
}

napi_typedarray_type arrayType(DType dtype) {
  switch (dtype) {
    case DType::f32: return napi_float32_array;
    case DType::i32: return napi_int32_array;
    default: return napi_uint8_array;
  }
}

const std::shared_ptr<State>& stateOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<std::shared_ptr<State>*>(data);
}

// Makes an object of one of our classes around `native`, which `finalize` frees. On failure the
// result is null, an exception is pending, and `native` is still the caller's.
napi_value instance(napi_env env, napi_ref classRef, void* native, napi_finalize finalize) {
  napi_value constructor, object;
  EVENGRAD_TRY(napi_get_reference_value(env, classRef, &constructor));
  EVENGRAD_TRY(napi_new_instance(env, constructor, 0, nullptr, &object));
  EVENGRAD_TRY(napi_wrap(env, object, native, finalize, nullptr, nullptr));
  return object;
}

// The receiver and arguments of a method. Node-API calls a method only on instances of its class;
// one that JavaScript constructed by itself has nothing native inside, which throws here.
template <class Native>
Native* receiver(napi_env env, napi_callback_info info, size_t argc, napi_value* argv) {
  napi_value self;
  void* native = nullptr;
  if (napi_get_cb_info(env, info, &argc, argv, &self, nullptr) != napi_ok ||
      napi_unwrap(env, self, &native) != napi_ok || !native) {
    js::throwError(env, "internal: addon: not an object that the addon made");
    return nullptr;
  }
  return static_cast<Native*>(native);
}

// ---- Runs

// Where the slot's data is now, or null if its buffer has been detached since.
char* address(napi_env env, const Binding::Bound& bound) {
  // Empty arrays may have no address, and kernels want one.
  alignas(64) static char empty[64];
  if (bound.byteLength == 0) return empty;
  if (bound.shared) return bound.shared;
  napi_value buffer;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_reference_value(env, bound.buffer, &buffer) != napi_ok ||
      napi_get_arraybuffer_info(env, buffer, &data, &length) != napi_ok ||
      static_cast<int64_t>(length) < bound.byteOffset + bound.byteLength) {
    return nullptr;
  }
  return static_cast<char*>(data) + bound.byteOffset;
}

// False, with an exception, if the binding cannot run that many steps.
bool prepare(napi_env env, const Binding& binding, int64_t steps, Run* run) {
  const std::vector<Slot>& slots = binding.program->program->slots();
  char message[200];
  run->program = binding.program->program.get();
  run->strides = binding.strides;
  run->steps = steps;
  run->slots.resize(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    const Binding::Bound& bound = binding.bound[i];
    const int64_t length = bound.byteLength / bytesOf(slots[i].dtype);
    const int64_t stride = binding.strides[i];
    // Without products that could overflow: count + stride * (steps - 1) <= length.
    if (stride > 0 && steps > 1 && (length - slots[i].count) / stride < steps - 1) {
      std::snprintf(message, sizeof message,
                    "internal: run: slot %zu must hold %lld elements + %lld per further step, got "
                    "%lld for %lld steps",
                    i, static_cast<long long>(slots[i].count), static_cast<long long>(stride),
                    static_cast<long long>(length), static_cast<long long>(steps));
      js::throwError(env, message);
      return false;
    }
    run->slots[i] = address(env, bound);
    if (!run->slots[i]) {
      std::snprintf(message, sizeof message,
                    "internal: run: the buffer of slot %zu must not be detached (transferred)", i);
      js::throwError(env, message);
      return false;
    }
  }
  return true;
}

napi_value errorOf(napi_env env, const Run& run) {
  napi_value error = nullptr;
  napi_create_error(env, nullptr, js::text(env, run.error.c_str()), &error);
  if (run.failedInstruction >= 0) {
    napi_set_named_property(env, error, "instruction",
                            js::number(env, static_cast<double>(run.failedInstruction)));
    napi_set_named_property(env, error, "step",
                            js::number(env, static_cast<double>(run.completed)));
  }
  return error;
}

void settle(napi_env env, RunHandle* run) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (run->failed) {
    napi_reject_deferred(env, run->deferred, errorOf(env, *run));
  } else {
    napi_resolve_deferred(env, run->deferred, js::number(env, static_cast<double>(run->completed)));
  }
  napi_close_handle_scope(env, scope);
}

void release(RunHandle* run) {
  run->queued = false;
  if (run->collected) {
    delete run;
  } else {  // JavaScript may keep it to call abort
    run->binding.reset();
    run->slots = {};
    run->strides = {};
  }
}

// On the environment's thread; `env` is null while the environment ends.
void onWake(napi_env env, napi_value, void* context, void*) {
  if (!env) return;
  State* state = static_cast<State*>(context);
  for (Run* finished : state->runner.takeFinished()) {
    RunHandle* run = static_cast<RunHandle*>(finished);
    if (--state->unfinished == 0) napi_unref_threadsafe_function(env, state->wake);
    settle(env, run);
    release(run);
  }
  state->account(0);
}

void onCleanup(void* argument) {
  State* state = static_cast<State*>(argument);
  state->closing = true;
  for (Run* run : state->runner.close()) release(static_cast<RunHandle*>(run));
}

// The first run of an environment starts its thread.
bool startRunner(napi_env env, State* state) {
  if (!state->wake) {
    napi_value name = js::text(env, "evengrad");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, state,
                                        onWake, &state->wake) != napi_ok) {
      js::failed(env, "napi_create_threadsafe_function");
      return false;
    }
    napi_unref_threadsafe_function(env, state->wake);
    // Cleanup hooks run in reverse order: this one joins the thread before the one that Node-API
    // has just added for the thread-safe function frees what the thread calls.
    napi_add_env_cleanup_hook(env, onCleanup, state);
  }
  if (state->runner.start()) return true;
  js::throwError(env, "run: a thread is needed, but the system has no more. Raise its limit?");
  return false;
}

napi_value runAbort(napi_env env, napi_callback_info info) {
  RunHandle* run = receiver<RunHandle>(env, info, 0, nullptr);
  if (run) run->aborted.store(true, std::memory_order_relaxed);
  return nullptr;
}

bool stepsArgument(napi_env env, napi_value value, int64_t* steps) {
  if (js::integer(env, value, 0, kMaxExact, steps)) return true;
  js::throwError(env, "internal: run: steps must be an integer that is not negative");
  return false;
}

napi_value bindingRun(napi_env env, napi_callback_info info) {
  napi_value argument;
  auto* binding = receiver<std::shared_ptr<Binding>>(env, info, 1, &argument);
  int64_t steps;
  if (!binding || !stepsArgument(env, argument, &steps)) return nullptr;
  State* state = (*binding)->program->state.get();
  auto run = std::make_unique<RunHandle>();
  if (!prepare(env, **binding, steps, run.get()) || !startRunner(env, state)) return nullptr;

  napi_value promise;
  napi_value object = instance(env, state->runClass, run.get(), [](napi_env, void* data, void*) {
    RunHandle* run = static_cast<RunHandle*>(data);
    run->collected = true;
    if (!run->queued) delete run;
  });
  if (!object) return nullptr;
  RunHandle* queued = run.release();  // the object's now
  EVENGRAD_TRY(napi_create_promise(env, &queued->deferred, &promise));
  EVENGRAD_TRY(napi_set_named_property(env, object, "promise", promise));
  queued->binding = *binding;
  queued->queued = true;
  if (state->unfinished++ == 0) napi_ref_threadsafe_function(env, state->wake);
  state->runner.submit(queued);
  return object;
}

napi_value bindingRunSync(napi_env env, napi_callback_info info) {
  napi_value argument;
  auto* binding = receiver<std::shared_ptr<Binding>>(env, info, 1, &argument);
  int64_t steps;
  if (!binding || !stepsArgument(env, argument, &steps)) return nullptr;
  State* state = (*binding)->program->state.get();
  if (state->unfinished) {
    return js::throwError(env, "internal: runSync: other runs must have settled first");
  }
  Run run;
  if (!prepare(env, **binding, steps, &run)) return nullptr;
  state->runner.execute(run);
  state->account(0);
  if (run.failed) {
    napi_throw(env, errorOf(env, run));
    return nullptr;
  }
  return js::number(env, static_cast<double>(run.completed));
}

// ---- Programs and bindings

napi_value bindError(napi_env env, size_t slot, const char* reason) {
  char message[240];
  std::snprintf(message, sizeof message, "internal: bind: slot %zu: %s", slot, reason);
  return js::throwError(env, message);
}

// Appends what the slot is bound to, or returns false with an exception. `buffer` is set for an
// ArrayBuffer that might be resizable.
bool bindSlot(napi_env env, napi_value value, size_t index, double stride, Binding* binding,
              napi_value* buffer) {
  const Slot& slot = binding->program->program->slots()[index];
  if (!(stride >= 0 && stride <= static_cast<double>(kMaxStride)) || stride != std::floor(stride)) {
    return bindError(env, index, "a stride must be an integer that is not negative");
  }
  if (stride != 0 && slot.access == Access::variable) {
    return bindError(env, index, "a variable must stay in its place, got a stride");
  }
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0, byteOffset = 0;
  void* data = nullptr;
  const bool typed =
      napi_get_typedarray_info(env, value, &type, &length, &data, buffer, &byteOffset) == napi_ok;
  const int64_t count = static_cast<int64_t>(length);
  if (!typed || type != arrayType(slot.dtype) ||
      (stride > 0 ? count < slot.count : count != slot.count)) {
    char reason[160];
    std::snprintf(reason, sizeof reason, "must be a %s of %lld%s elements, got %s of %lld",
                  className(slot.dtype), static_cast<long long>(slot.count),
                  stride > 0 ? " or more" : "",
                  !typed                          ? "another value"
                  : type == arrayType(slot.dtype) ? "one"
                                                  : "another typed array",
                  static_cast<long long>(count));
    return bindError(env, index, reason);
  }
  napi_ref reference;
  bool isArrayBuffer = false;
  if (napi_is_arraybuffer(env, *buffer, &isArrayBuffer) != napi_ok ||
      napi_create_reference(env, *buffer, 1, &reference) != napi_ok) {
    return js::failed(env, "bindSlot");
  }
  binding->strides.push_back(static_cast<int64_t>(stride));
  binding->bound.push_back({reference, static_cast<int64_t>(byteOffset),
                            count * bytesOf(slot.dtype),
                            isArrayBuffer ? nullptr : static_cast<char*>(data)});
  if (!isArrayBuffer) *buffer = nullptr;
  return true;
}

// A run could not notice that a buffer shrinks under it. False, with an exception, if one might.
bool noneResizable(napi_env env, const State& state, const std::vector<napi_value>& buffers) {
  napi_value function, global, result;
  int64_t found;
  if (napi_get_reference_value(env, state.findResizable, &function) != napi_ok ||
      napi_get_global(env, &global) != napi_ok ||
      napi_call_function(env, global, function, buffers.size(), buffers.data(), &result) !=
          napi_ok ||
      !js::integer(env, result, -1, kMaxExact, &found)) {
    return js::failed(env, "findResizable");
  }
  if (found < 0) return true;
  return js::throwError(env, "internal: bind: buffers must not be resizable, got one that is");
}

napi_value programBind(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  auto* program = receiver<std::shared_ptr<ProgramHandle>>(env, info, 2, arguments);
  if (!program) return nullptr;
  const State& state = *(*program)->state;
  const size_t count = (*program)->program->slots().size();

  std::vector<double> strides;
  napi_valuetype type;
  EVENGRAD_TRY(napi_typeof(env, arguments[1], &type));
  if (type == napi_undefined) {
    strides.assign(count, 0);
  } else if (!js::float64s(env, arguments[1], kMaxNumbers, &strides) || strides.size() != count) {
    return js::throwError(env, "internal: bind: strides must be a Float64Array, one per slot");
  }
  bool isArray = false;
  uint32_t length = 0;
  EVENGRAD_TRY(napi_is_array(env, arguments[0], &isArray));
  if (isArray) EVENGRAD_TRY(napi_get_array_length(env, arguments[0], &length));
  if (!isArray || length != count) {
    char message[160];
    std::snprintf(message, sizeof message, "internal: bind: must get an array of %zu, got %s of %u",
                  count, isArray ? "one" : "another value", length);
    return js::throwError(env, message);
  }

  auto binding = std::make_shared<Binding>();
  binding->program = *program;
  binding->bound.reserve(count);
  binding->strides.reserve(count);
  std::vector<napi_value> buffers;
  buffers.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element, buffer;
    EVENGRAD_TRY(napi_get_element(env, arguments[0], i, &element));
    if (!bindSlot(env, element, i, strides[i], binding.get(), &buffer)) return nullptr;
    if (buffer) buffers.push_back(buffer);
  }
  if (!noneResizable(env, state, buffers)) return nullptr;
  auto owned = std::make_unique<std::shared_ptr<Binding>>(std::move(binding));
  napi_value object = instance(
      env, state.bindingClass, owned.get(),
      [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Binding>*>(data); });
  if (object) owned.release();
  return object;
}

napi_value createProgram(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument, value;
  EVENGRAD_TRY(napi_get_cb_info(env, info, &argc, &argument, nullptr, nullptr));
  napi_valuetype type;
  EVENGRAD_TRY(napi_typeof(env, argument, &type));
  if (type != napi_object) return js::throwError(env, "internal: program: must be an object");
  Encoded encoded;
  const std::pair<const char*, std::vector<double>*> lists[] = {
      {"slots", &encoded.slots}, {"buffers", &encoded.buffers}, {"code", &encoded.code}};
  for (const auto& [name, list] : lists) {
    if (napi_get_named_property(env, argument, name, &value) != napi_ok ||
        !js::float64s(env, value, kMaxNumbers, list)) {
      char message[120];
      std::snprintf(message, sizeof message,
                    "internal: program: %s must be a Float64Array, and not too long", name);
      return js::throwError(env, message);
    }
  }
  if (napi_get_named_property(env, argument, "arenaBytes", &value) != napi_ok ||
      napi_get_value_double(env, value, &encoded.arenaBytes) != napi_ok) {
    return js::throwError(env, "internal: program: arenaBytes must be a number");
  }

  const std::shared_ptr<State>& state = stateOf(env);
  std::string error;
  std::unique_ptr<Program> program = Program::create(encoded, *state->table, &error);
  if (!program) return js::throwError(env, error.c_str());
  auto owned = std::make_unique<std::shared_ptr<ProgramHandle>>(
      std::make_shared<ProgramHandle>(state, std::move(program)));
  napi_value object =
      instance(env, state->programClass, owned.get(), [](napi_env, void* data, void*) {
        delete static_cast<std::shared_ptr<ProgramHandle>*>(data);
      });
  if (object) owned.release();
  return object;
}

}  // namespace
}  // namespace evengrad
