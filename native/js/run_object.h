// The JavaScript class Run: the promise of one run, and how to stop it.
#pragma once

#include <napi.h>

#include <atomic>
#include <vector>

#include "class.h"
#include "pending_run.h"

namespace evengrad {

class RunObject : public Wrap<RunObject, PendingRun> {
 public:
  using Wrap::Wrap;

  static constexpr const char* kName = "Run";
  static std::vector<PropertyDescriptor> methods() {
    return {InstanceMethod<&RunObject::abort>("abort", napi_default_method)};
  }

 private:
  void abort(const Napi::CallbackInfo&) { native_->aborted.store(true, std::memory_order_relaxed); }
};

}  // namespace evengrad
