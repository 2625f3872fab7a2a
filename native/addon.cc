// The addon's JavaScript surface, and nothing else: programs and what the process is set to.
#include <node_api.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cpu.h"
#include "js.h"
#include "kernel.h"
#include "memory.h"
#include "objects.h"
#include "pool.h"
#include "program.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace evengrad {
namespace {

// alignedArray(dtype, count): zeros whose address is a multiple of 64. Made by JavaScript's own
// constructors: those throw where Node-API's abort the process for want of memory.
napi_value alignedArray(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value argv[2], constructor, arguments[3], array;
  EVENGRAD_TRY(napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr));
  int64_t index, count;
  if (!js::integer(env, argv[0], 0, 3, &index) ||
      !js::integer(env, argv[1], 0, kMaxExact, &count)) {
    return js::throwRangeError(
        env, "internal: alignedArray: needs a dtype from 0 to 3 and a count that is not negative");
  }
  const DType dtype = static_cast<DType>(index);
  const double bytes = static_cast<double>(count) * static_cast<double>(bytesOf(dtype)) + 64;
  if (bytes > static_cast<double>(physicalBytes())) {
    char message[160];
    std::snprintf(message, sizeof message,
                  "out of memory: this tensor needs %.1f GB and this machine has %.1f GB",
                  bytes / 1e9, static_cast<double>(physicalBytes()) / 1e9);
    return js::throwRangeError(env, message);
  }
  const State& state = *stateOf(env);
  arguments[0] = js::number(env, bytes);
  EVENGRAD_TRY(napi_get_reference_value(env, state.arrayBufferClass, &constructor));
  EVENGRAD_TRY(napi_new_instance(env, constructor, 1, arguments, &arguments[0]));
  void* data = nullptr;
  size_t length = 0;
  EVENGRAD_TRY(napi_get_arraybuffer_info(env, arguments[0], &data, &length));
  arguments[1] = js::number(env, static_cast<double>(-reinterpret_cast<uintptr_t>(data) & 63));
  arguments[2] = js::number(env, static_cast<double>(count));
  EVENGRAD_TRY(
      napi_get_reference_value(env, state.arrayClasses[std::min<int64_t>(index, 2)], &constructor));
  EVENGRAD_TRY(napi_new_instance(env, constructor, 3, arguments, &array));
  return array;
}

// threads(): how many the next run uses; threads(n) sets it.
napi_value threads(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  EVENGRAD_TRY(napi_get_cb_info(env, info, &argc, &argument, nullptr, nullptr));
  napi_valuetype type;
  EVENGRAD_TRY(napi_typeof(env, argument, &type));
  if (type != napi_undefined) {
    int64_t count;
    if (!js::integer(env, argument, 1, kMaxThreads, &count)) {
      char message[120];
      double number;
      if (napi_get_value_double(env, argument, &number) == napi_ok) {
        std::snprintf(message, sizeof message, "threads: must be an integer from 1 to %d, got %g",
                      kMaxThreads, number);
      } else {
        std::snprintf(message, sizeof message,
                      "threads: must be an integer from 1 to %d, got no number", kMaxThreads);
      }
      return js::throwRangeError(env, message);
    }
    setThreadCount(static_cast<int>(count));
  }
  return js::number(env, threadCount());
}

napi_value arenaBytes(napi_env env, napi_callback_info) {
  return js::number(env, static_cast<double>(stateOf(env)->runner.arenaBytes()));
}

napi_value isa(napi_env env, napi_callback_info) { return js::text(env, stateOf(env)->table->isa); }

// An array of `count` values, the i-th made by make(i).
template <class Make>
napi_value list(napi_env env, int count, Make make) {
  napi_value array;
  EVENGRAD_TRY(napi_create_array_with_length(env, static_cast<size_t>(count), &array));
  for (int i = 0; i < count; ++i) {
    EVENGRAD_TRY(napi_set_element(env, array, static_cast<uint32_t>(i), make(i)));
  }
  return array;
}

napi_value isas(napi_env env, napi_callback_info) {
  int count = 0;
  const KernelTable* const* tables = availableTables(&count);
  return list(env, count, [&](int i) { return js::text(env, tables[i]->isa); });
}

napi_value kernels(napi_env env, napi_callback_info) {
  return list(env, kKernelCount, [&](int i) { return js::text(env, kKernelNames[i]); });
}

napi_value mapOps(napi_env env, napi_callback_info) {
  static const char* const rows[][2] = {
#define MAP(name, signature) {#name, signature},
#include "ops.def"
  };
  return list(env, static_cast<int>(sizeof rows / sizeof *rows), [&](int i) {
    napi_value row = nullptr;
    napi_create_object(env, &row);
    napi_set_named_property(env, row, "name", js::text(env, rows[i][0]));
    napi_set_named_property(env, row, "signature", js::text(env, rows[i][1]));
    return row;
  });
}

napi_value reduceOps(napi_env env, napi_callback_info) {
  static const char* const names[] = {
#define REDUCE(name) #name,
#include "ops.def"
  };
  return list(env, static_cast<int>(sizeof names / sizeof *names),
              [&](int i) { return js::text(env, names[i]); });
}

// ---- Loading

// The pool's helpers run our code for as long as the process lives, but Node unloads an addon when
// the last worker that loaded it ends.
void pinLibrary() {
#ifdef _WIN32
  HMODULE module;
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                     reinterpret_cast<LPCSTR>(&pinLibrary), &module);
#else
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&pinLibrary), &self)) {
    dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

// What the process is set to, once for all environments: the kernels, or null with a reason.
const KernelTable* configure(std::string* error) {
  static std::mutex mutex;
  static const KernelTable* table = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  if (table) return table;
  if (const char* text = std::getenv("EVENGRAD_THREADS"); text && *text) {
    char* end;
    const long count = std::strtol(text, &end, 10);
    if (*end || count < 1 || count > kMaxThreads) {
      *error = "EVENGRAD_THREADS: must be an integer from 1 to " + std::to_string(kMaxThreads) +
               ", got " + std::string(text).substr(0, 100);
      return nullptr;
    }
    setThreadCount(static_cast<int>(count));
  }
  const char* forced = std::getenv("EVENGRAD_ISA");
  const char* reason = nullptr;
  table = chooseTable(forced && *forced ? forced : nullptr, &reason);
  if (table) {
    pinLibrary();
  } else {
    *error = reason ? reason : "internal: addon: no kernels for this CPU";
  }
  return table;
}

napi_value construct(napi_env env, napi_callback_info info) {
  napi_value self;
  EVENGRAD_TRY(napi_get_cb_info(env, info, nullptr, nullptr, &self, nullptr));
  return self;
}

bool defineClass(napi_env env, const char* name, std::vector<napi_property_descriptor> methods,
                 napi_ref* result) {
  napi_value constructor;
  return napi_define_class(env, name, NAPI_AUTO_LENGTH, construct, nullptr, methods.size(),
                           methods.data(), &constructor) == napi_ok &&
         napi_create_reference(env, constructor, 1, result) == napi_ok;
}

bool globalClass(napi_env env, const char* name, napi_ref* result) {
  napi_value global, constructor;
  return napi_get_global(env, &global) == napi_ok &&
         napi_get_named_property(env, global, name, &constructor) == napi_ok &&
         napi_create_reference(env, constructor, 1, result) == napi_ok;
}

// Which of its arguments, all ArrayBuffers, is resizable, or -1. The getter is taken now, so that a
// property of the same name on a buffer does not deceive. (Node-API cannot tell.)
bool defineFindResizable(napi_env env, napi_ref* result) {
  napi_value function;
  return napi_run_script(env, js::text(env, R"JS((() => {
      const get = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable")?.get;
      return (...buffers) => {
        for (let i = 0; get && i < buffers.length; i++) if (get.call(buffers[i])) return i;
        return -1;
      };
    })())JS"),
                         &function) == napi_ok &&
         napi_create_reference(env, function, 1, result) == napi_ok;
}

napi_property_descriptor method(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

napi_value init(napi_env env, napi_value exports) {
  auto* state = new std::shared_ptr<State>(std::make_shared<State>(env));
  EVENGRAD_TRY(napi_set_instance_data(
      env, state,
      [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<State>*>(data); },
      nullptr));
  State& s = **state;
  std::string error;
  s.table = configure(&error);
  if (!s.table) return js::throwError(env, error.c_str());
  if (!defineClass(env, "Program", {method("bind", programBind)}, &s.programClass) ||
      !defineClass(env, "Binding", {method("run", bindingRun), method("runSync", bindingRunSync)},
                   &s.bindingClass) ||
      !defineClass(env, "Run", {method("abort", runAbort)}, &s.runClass) ||
      !defineFindResizable(env, &s.findResizable) ||
      !globalClass(env, "ArrayBuffer", &s.arrayBufferClass) ||
      !globalClass(env, "Float32Array", &s.arrayClasses[0]) ||
      !globalClass(env, "Int32Array", &s.arrayClasses[1]) ||
      !globalClass(env, "Uint8Array", &s.arrayClasses[2])) {
    return js::failed(env, "init");
  }
  const napi_property_descriptor functions[] = {
      method("kernels", kernels),
      method("mapOps", mapOps),
      method("reduceOps", reduceOps),
      method("isa", isa),
      method("isas", isas),
      method("threads", threads),
      method("alignedArray", alignedArray),
      method("createProgram", createProgram),
      method("arenaBytes", arenaBytes),
  };
  EVENGRAD_TRY(
      napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions));
  return exports;
}

}  // namespace
}  // namespace evengrad

NAPI_MODULE_INIT() { return evengrad::init(env, exports); }
