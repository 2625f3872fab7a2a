// A run whose promise JavaScript holds.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "../run.h"

namespace evengrad {

// What a failed run rejects with or throws.
inline Napi::Error errorOf(Napi::Env env, const Run& run) {
  Napi::Error error = Napi::Error::New(env, run.error);
  if (run.failedInstruction >= 0) {
    error.Set("instruction", static_cast<double>(run.failedInstruction));
    error.Set("step", static_cast<double>(run.completed));
  }
  return error;
}

struct PendingRun : Run {
  std::shared_ptr<const void> binding;  // what it reads and writes
  std::optional<Napi::Promise::Deferred> deferred;
  std::shared_ptr<PendingRun> self;  // while it is queued

  void settle(Napi::Env env) {
    const Napi::HandleScope scope(env);
    if (failed) {
      deferred->Reject(errorOf(env, *this).Value());
    } else {
      deferred->Resolve(Napi::Number::New(env, static_cast<double>(completed)));
    }
  }

  // It left the queue. JavaScript may keep it to call abort, but not what it ran on.
  void release() {
    binding.reset();
    slots = {};
    strides = {};
    const std::shared_ptr<PendingRun> last = std::move(self);
  }
};

}  // namespace evengrad
