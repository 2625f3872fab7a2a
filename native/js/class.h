// JavaScript classes whose objects own something native, and which the addon alone can make.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "helpers.h"

namespace evengrad {

// One environment's class. Its objects share their native part with whatever else needs it, so that
// the order in which they are collected does not matter.
template <class Native>
class Class {
 public:
  // To be called once. `Wrapper` derives from Wrap<Wrapper, Native>.
  template <class Wrapper>
  void define(Napi::Env env) {
    constructor_ = Napi::Persistent(
        Wrapper::DefineClass(env, Wrapper::kName, Wrapper::methods(), static_cast<void*>(this)));
  }

  // Nothing, with an exception, on failure.
  Napi::Maybe<Napi::Object> make(std::shared_ptr<Native> native) {
    making_ = std::move(native);
    Napi::Maybe<Napi::Object> object = constructor_.Value().New({});
    making_.reset();
    return object;
  }

  // For the constructor: null if JavaScript called it by itself.
  std::shared_ptr<Native> take() { return std::move(making_); }

 private:
  Napi::FunctionReference constructor_;
  std::shared_ptr<Native> making_;
};

template <class Wrapper, class Native>
class Wrap : public Napi::ObjectWrap<Wrapper> {
 public:
  explicit Wrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Wrapper>(info), native_(static_cast<Class<Native>*>(info.Data())->take()) {
    if (!native_) js::fail(info.Env(), "internal: addon: not an object that the addon made");
  }

 protected:
  const std::shared_ptr<Native> native_;
};

}  // namespace evengrad
