// The addon's JavaScript surface, and nothing else: programs and what the process is set to.
#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "cpu.h"
#include "js/binding_object.h"
#include "js/environment.h"
#include "js/helpers.h"
#include "js/program_object.h"
#include "js/run_object.h"
#include "kernel.h"
#include "memory.h"
#include "pool.h"
#include "program.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#ifdef __GLIBCXX__
// What libstdc++ calls when memory runs out in code without exceptions. Its own version prints the
// exception's name, for which it brings a demangler along: 60 KB of the binary.
namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx
#endif

namespace evengrad {
namespace {

// alignedArray(dtype, count): zeros whose address is a multiple of 64. Made by JavaScript's own
// constructors: those throw where Node-API's abort the process for want of memory.
//
// Large ones would all begin at the same place of a page. A processor that walks several of them
// takes loads for those of what it has just stored at an equal place, so each begins elsewhere.
Napi::Value alignedArray(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int64_t index, count;
  if (!js::integer(info[0], 0, 3, &index) || !js::integer(info[1], 0, js::kMaxExact, &count)) {
    return js::fail<Napi::RangeError>(
        env, "internal: alignedArray: needs a dtype from 0 to 3 and a count that is not negative");
  }
  constexpr int page = 4096, line = 64, stride = 17 * line;  // 17 reaches every line of a page
  const double width = static_cast<double>(bytesOf(static_cast<DType>(index)));
  const double size = static_cast<double>(count) * width;
  const bool large = size >= 8 * page;
  const double bytes = size + line + (large ? page : 0);
  if (bytes > static_cast<double>(physicalBytes())) {
    return js::fail<Napi::RangeError>(
        env, "out of memory: this tensor needs %.1f GB and this machine has %.1f GB", bytes / 1e9,
        static_cast<double>(physicalBytes()) / 1e9);
  }
  Environment& environment = *Environment::of(env);
  const auto number = [&](double value) { return Napi::Number::New(env, value); };
  Napi::Object buffer;
  if (!environment.arrayBuffer.New({number(bytes)}).UnwrapTo(&buffer)) return {};
  const auto address = reinterpret_cast<uintptr_t>(buffer.As<Napi::ArrayBuffer>().Data());
  const uint32_t place = large ? environment.largeArrays++ * stride % page : 0;
  return environment.arrays[std::min<int64_t>(index, 2)]
      .New({buffer, number(static_cast<double>(-address % line + place)),
            number(static_cast<double>(count))})
      .UnwrapOr({});
}

// threads(): how many the next run uses; threads(n) sets it.
Napi::Value threads(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsUndefined()) {
    int64_t count;
    if (!js::integer(info[0], 1, kMaxThreads, &count)) {
      if (!info[0].IsNumber()) {
        return js::fail<Napi::RangeError>(
            env, "threads: must be an integer from 1 to %d, got no number", kMaxThreads);
      }
      return js::fail<Napi::RangeError>(env, "threads: must be an integer from 1 to %d, got %g",
                                        kMaxThreads, info[0].As<Napi::Number>().DoubleValue());
    }
    setThreadCount(static_cast<int>(count));
  }
  return Napi::Number::New(env, threadCount());
}

Napi::Value arenaBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           static_cast<double>(Environment::of(info.Env())->arenaBytes()));
}

Napi::Value isa(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), Environment::of(info.Env())->table.isa);
}

// An array of `count` values, the i-th made by make(i).
template <class Make>
Napi::Value list(Napi::Env env, int count, Make make) {
  auto array = Napi::Array::New(env, static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) array.Set(static_cast<uint32_t>(i), make(i));
  return array;
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  int count = 0;
  const KernelTable* const* tables = availableTables(&count);
  return list(info.Env(), count, [&](int i) { return tables[i]->isa; });
}

Napi::Value kernels(const Napi::CallbackInfo& info) {
  return list(info.Env(), kKernelCount, [](int i) { return kKernelNames[i]; });
}

Napi::Value mapOps(const Napi::CallbackInfo& info) {
  static const char* const rows[][2] = {
#define MAP(name, signature) {#name, signature},
#include "ops.def"
  };
  return list(info.Env(), static_cast<int>(sizeof rows / sizeof *rows), [&](int i) {
    auto row = Napi::Object::New(info.Env());
    row.Set("name", rows[i][0]);
    row.Set("signature", rows[i][1]);
    return row;
  });
}

Napi::Value reduceOps(const Napi::CallbackInfo& info) {
  static const char* const names[] = {
#define REDUCE(name) #name,
#include "ops.def"
  };
  return list(info.Env(), static_cast<int>(sizeof names / sizeof *names),
              [](int i) { return names[i]; });
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

// False, with an exception, if there is no such function.
bool persist(const Napi::Maybe<Napi::Value>& function, Napi::FunctionReference* result) {
  Napi::Value value;
  if (!function.UnwrapTo(&value)) return false;
  *result = Napi::Persistent(value.As<Napi::Function>());
  return !result->IsEmpty();
}

// Its arguments, all ArrayBuffers, as a list, or undefined if one is resizable. The getter is taken
// now, so that a property of the same name on a buffer does not deceive. (Node-API cannot tell.)
constexpr const char* kHold = R"JS((() => {
  const get = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable")?.get;
  return (...buffers) => {
    for (let i = 0; get && i < buffers.length; i++) if (get.call(buffers[i])) return undefined;
    return buffers;
  };
})())JS";

Napi::Object init(Napi::Env env, Napi::Object exports) {
  std::string error;
  const KernelTable* table = configure(&error);
  if (!table) {
    js::fail(env, "%s", error.c_str());
    return exports;
  }
  const auto environment = std::make_shared<Environment>(env, *table);
  env.SetInstanceData(new std::shared_ptr<Environment>(environment));
  environment->programs.define<ProgramObject>(env);
  environment->bindings.define<BindingObject>(env);
  environment->runs.define<RunObject>(env);
  const Napi::Object global = env.Global();
  if (!persist(env.RunScript(kHold), &environment->hold) ||
      !persist(global.Get("ArrayBuffer"), &environment->arrayBuffer) ||
      !persist(global.Get("Float32Array"), &environment->arrays[0]) ||
      !persist(global.Get("Int32Array"), &environment->arrays[1]) ||
      !persist(global.Get("Uint8Array"), &environment->arrays[2])) {
    return exports;
  }
  const auto method = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    return Napi::PropertyDescriptor::Function(env, exports, name, call, napi_default_method);
  };
  exports.DefineProperties({
      method("kernels", kernels),
      method("mapOps", mapOps),
      method("reduceOps", reduceOps),
      method("isa", isa),
      method("isas", isas),
      method("threads", threads),
      method("alignedArray", alignedArray),
      method("createProgram", ProgramObject::create),
      method("arenaBytes", arenaBytes),
  });
  return exports;
}

}  // namespace
}  // namespace evengrad

using evengrad::init;
NODE_API_MODULE(evengrad, init)
