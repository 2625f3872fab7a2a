// The JavaScript class Binding: runs a program on the arrays that it was bound to.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "binding.h"
#include "class.h"
#include "environment.h"
#include "helpers.h"
#include "pending_run.h"

namespace evengrad {

class BindingObject : public Wrap<BindingObject, Binding> {
 public:
  using Wrap::Wrap;

  static constexpr const char* kName = "Binding";
  static std::vector<PropertyDescriptor> methods() {
    return {InstanceMethod<&BindingObject::run>("run", napi_default_method),
            InstanceMethod<&BindingObject::runSync>("runSync", napi_default_method)};
  }

 private:
  // run(steps): a Run, queued, whose `promise` resolves to the steps that it completed.
  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Environment& environment = *native_->program->environment;
    int64_t steps;
    if (!stepsOf(info, &steps)) return {};
    const auto run = std::make_shared<PendingRun>();
    if (!native_->prepare(steps, run.get()) || !environment.start()) return {};
    Napi::Object object;
    if (!environment.runs.make(run).UnwrapTo(&object)) return {};
    run->deferred.emplace(env);
    if (object.Set("promise", run->deferred->Promise()).IsNothing()) return {};
    run->binding = native_;
    environment.submit(run);
    return object;
  }

  // runSync(steps): the steps that it completed, at once.
  Napi::Value runSync(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Environment& environment = *native_->program->environment;
    int64_t steps;
    if (!stepsOf(info, &steps)) return {};
    if (!environment.idle()) {
      return js::fail(env, "internal: runSync: other runs must have settled first");
    }
    Run run;
    if (!native_->prepare(steps, &run)) return {};
    environment.execute(run);
    if (run.failed) {
      errorOf(env, run).ThrowAsJavaScriptException();
      return {};
    }
    return Napi::Number::New(env, static_cast<double>(run.completed));
  }

  static bool stepsOf(const Napi::CallbackInfo& info, int64_t* steps) {
    if (js::integer(info[0], 0, js::kMaxExact, steps)) return true;
    js::fail(info.Env(), "internal: run: steps must be an integer that is not negative");
    return false;
  }
};

}  // namespace evengrad
