// What one environment (the main thread, or a worker) owns: its classes and its runner.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

#include "../kernel.h"
#include "../run.h"
#include "class.h"
#include "helpers.h"
#include "pending_run.h"

namespace evengrad {

struct Binding;
struct LiveProgram;

// Shared by the native parts of its objects, so that the order in which they are finalized at the
// end does not matter.
class Environment {
 public:
  Environment(Napi::Env env, const KernelTable& table)
      : env(env), table(table), runner_(notify, this) {}

  static const std::shared_ptr<Environment>& of(Napi::Env env) {
    return *env.GetInstanceData<std::shared_ptr<Environment>>();
  }

  // The first run starts the environment's thread. False, with an exception, if that fails.
  bool start() {
    if (!wake_) {
      // Raw, since GCC's undefined-behaviour sanitizer makes Napi::TypedThreadSafeFunction fail to
      // compile: it takes the comparison of a function's address with null for no constant.
      if (napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "evengrad"),
                                          0, 1, nullptr, nullptr, this, onWake,
                                          &wake_) != napi_ok) {
        js::fail(env, "internal: addon: the environment must not be ending");
        return false;
      }
      napi_unref_threadsafe_function(env, wake_);
      // Cleanup hooks run in reverse order: this one joins the thread before the one that Node-API
      // has just added for the thread-safe function frees what the thread calls.
      env.AddCleanupHook([](Environment* environment) { environment->close(); }, this);
    }
    if (runner_.start()) return true;
    js::fail(env, "run: a thread is needed, but the system has no more. Raise its limit?");
    return false;
  }

  void submit(const std::shared_ptr<PendingRun>& run) {
    run->self = run;
    if (unfinished_++ == 0) napi_ref_threadsafe_function(env, wake_);
    runner_.submit(run.get());
  }

  // True while the promises of all runs have settled: only then may execute be called.
  bool idle() const { return unfinished_ == 0; }

  void execute(Run& run) {
    runner_.execute(run);
    account(0);
  }

  void addProgram(int64_t arenaBytes, int64_t bytes) {
    runner_.addProgram(arenaBytes);
    account(bytes);
  }

  void removeProgram(int64_t arenaBytes, int64_t bytes) {
    runner_.removeProgram(arenaBytes, idle());
    account(-bytes);
  }

  int64_t arenaBytes() const { return runner_.arenaBytes(); }

  Napi::Env env;
  const KernelTable& table;
  Class<LiveProgram> programs;
  Class<Binding> bindings;
  Class<PendingRun> runs;
  Napi::FunctionReference hold;  // from buffers to a list of them, unless one is resizable
  Napi::FunctionReference arrayBuffer;
  Napi::FunctionReference arrays[3];  // Float32Array, Int32Array, Uint8Array
  uint32_t largeArrays = 0;           // made by alignedArray so far

 private:
  // On the runner's thread, when a run has finished.
  static void notify(void* self) {
    napi_call_threadsafe_function(static_cast<Environment*>(self)->wake_, nullptr,
                                  napi_tsfn_nonblocking);
  }

  // On the environment's own thread; `env` is null while the environment ends.
  static void onWake(napi_env env, napi_value, void* context, void*) {
    if (!env) return;
    auto* self = static_cast<Environment*>(context);
    for (Run* finished : self->runner_.takeFinished()) {
      PendingRun* run = static_cast<PendingRun*>(finished);
      if (--self->unfinished_ == 0) napi_unref_threadsafe_function(env, self->wake_);
      run->settle(env);
      run->release();
    }
    self->account(0);
  }

  void close() {
    closing_ = true;
    for (Run* run : runner_.close()) static_cast<PendingRun*>(run)->release();
  }

  // Tells V8 what lies outside of its heap, so that it collects programs in time.
  void account(int64_t change) {
    programBytes_ += change;
    const int64_t total = programBytes_ + runner_.bytes();
    if (total == accounted_ || closing_) return;
    Napi::MemoryManagement::AdjustExternalMemory(env, total - accounted_);
    accounted_ = total;
  }

  Runner runner_;
  napi_threadsafe_function wake_ = nullptr;
  int64_t unfinished_ = 0;  // runs whose promise is pending
  int64_t programBytes_ = 0;
  int64_t accounted_ = 0;
  bool closing_ = false;
};

}  // namespace evengrad
