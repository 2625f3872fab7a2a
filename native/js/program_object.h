// The JavaScript class Program: made by createProgram, bound to arrays.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../program.h"
#include "binding.h"
#include "class.h"
#include "environment.h"
#include "helpers.h"
#include "live_program.h"

namespace evengrad {

class ProgramObject : public Wrap<ProgramObject, LiveProgram> {
 public:
  using Wrap::Wrap;

  static constexpr const char* kName = "Program";
  static std::vector<PropertyDescriptor> methods() {
    return {InstanceMethod<&ProgramObject::bind>("bind", napi_default_method),
            InstanceMethod<&ProgramObject::profile>("profile", napi_default_method)};
  }

  // createProgram({ slots, buffers, code, arenaBytes, profile? })
  static Napi::Value create(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info[0].Type() != napi_object) {
      return js::fail(env, "internal: program: must be an object");
    }
    const auto argument = info[0].As<Napi::Object>();
    Encoded encoded;
    const std::pair<const char*, std::vector<double>*> lists[] = {
        {"slots", &encoded.slots}, {"buffers", &encoded.buffers}, {"code", &encoded.code}};
    Napi::Value value;
    for (const auto& [name, list] : lists) {
      if (!argument.Get(name).UnwrapTo(&value)) return {};
      if (!js::float64s(value, list)) {
        return js::fail(env, "internal: program: %s must be a Float64Array, and not too long",
                        name);
      }
    }
    if (!argument.Get("arenaBytes").UnwrapTo(&value)) return {};
    if (!value.IsNumber()) return js::fail(env, "internal: program: arenaBytes must be a number");
    encoded.arenaBytes = value.As<Napi::Number>().DoubleValue();
    if (!argument.Get("profile").UnwrapTo(&value)) return {};
    const bool profiled = value.IsBoolean() && value.As<Napi::Boolean>();

    const std::shared_ptr<Environment>& environment = Environment::of(env);
    std::string error;
    std::unique_ptr<Program> program = Program::create(encoded, environment->table, &error);
    if (!program) return js::fail(env, "%s", error.c_str());
    if (profiled) program->startProfile();
    return environment->programs
        .make(std::make_shared<LiveProgram>(environment, std::move(program)))
        .UnwrapOr({});
  }

 private:
  // bind(arrays, strides?): a Binding; strides, in elements per step, are a Float64Array.
  Napi::Value bind(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const size_t count = native_->program->slots().size();
    std::vector<double> strides;
    if (info[1].IsUndefined()) {
      strides.assign(count, 0);
    } else if (!js::float64s(info[1], &strides) || strides.size() != count) {
      return js::fail(env, "internal: bind: strides must be a Float64Array, one per slot");
    }
    const bool isArray = info[0].IsArray();
    const auto arrays = info[0].As<Napi::Array>();
    const uint32_t length = isArray ? arrays.Length() : 0;
    if (!isArray || length != count) {
      return js::fail(env, "internal: bind: must get an array of %zu, got %s of %u", count,
                      isArray ? "one" : "another value", length);
    }

    auto binding = std::make_shared<Binding>(native_);
    std::vector<napi_value> buffers;
    buffers.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      Napi::Value array;
      if (!arrays.Get(i).UnwrapTo(&array) || !binding->append(array, strides[i], &buffers)) {
        return {};
      }
    }
    Environment& environment = *native_->environment;
    if (!hold(environment, buffers, binding.get())) return {};
    return environment.bindings.make(std::move(binding)).UnwrapOr({});
  }

  // profile(): milliseconds that each instruction took in the runs so far, a Float64Array; of
  // programs made with `profile`.
  Napi::Value profile(const Napi::CallbackInfo& info) {
    const Program& program = *native_->program;
    if (!program.profile()) {
      return js::fail(info.Env(), "internal: profile: the program must be made with profile: true");
    }
    const size_t count = program.instructions().size();
    auto spent = Napi::Float64Array::New(info.Env(), count);
    for (size_t i = 0; i < count; ++i) {
      spent[i] = static_cast<double>(program.profile()[i].load(std::memory_order_relaxed)) / 1e6;
    }
    return spent;
  }

  // Keeps the buffers alive. A run could not notice that one shrinks under it: false, with an
  // exception, if one might.
  static bool hold(const Environment& environment, const std::vector<napi_value>& buffers,
                   Binding* binding) {
    Napi::Value list;
    if (!environment.hold.Call(buffers).UnwrapTo(&list)) return false;
    if (list.IsUndefined()) {
      js::fail(list.Env(), "internal: bind: buffers must not be resizable, got one that is");
      return false;
    }
    binding->buffers = Napi::Reference<Napi::Value>::New(list, 1);
    return !binding->buffers.IsEmpty();
  }
};

}  // namespace evengrad
