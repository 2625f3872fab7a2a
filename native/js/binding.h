// A program with the arrays of its slots, ready to run.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../kernel.h"
#include "../program.h"
#include "../run.h"
#include "helpers.h"
#include "live_program.h"

namespace evengrad {

struct Binding {
  // What a slot is bound to. The buffer is kept rather than the typed array: it tells whether it is
  // still whole.
  struct Bound {
    uint32_t buffer;  // where it is in the list of buffers, of no meaning if it is shared
    int64_t byteOffset;
    int64_t byteLength;  // of the typed array
    char* shared;        // data of a SharedArrayBuffer's, which Node-API gives only once
  };

  explicit Binding(std::shared_ptr<LiveProgram> owner) : program(std::move(owner)) {
    bound.reserve(slots().size());
    strides.reserve(slots().size());
  }

  const std::vector<Slot>& slots() const { return program->program->slots(); }

  bool append(const Napi::Value& value, double stride, std::vector<napi_value>* list);
  bool prepare(int64_t steps, Run* run) const;

  const std::shared_ptr<LiveProgram> program;
  // All buffers but shared ones, as an array that JavaScript never sees: one reference, where a
  // hundred of them would cost more than the rest of a binding.
  Napi::Reference<Napi::Value> buffers;
  std::vector<Napi::Reference<Napi::Value>> sharedBuffers;
  std::vector<Bound> bound;
  std::vector<int64_t> strides;
};

inline const char* className(DType dtype) {
  switch (dtype) {
    case DType::f32: return "Float32Array";
    case DType::i32: return "Int32Array";
    default: return "Uint8Array";
  }
}

inline napi_typedarray_type arrayType(DType dtype) {
  switch (dtype) {
    case DType::f32: return napi_float32_array;
    case DType::i32: return napi_int32_array;
    default: return napi_uint8_array;
  }
}

// Binds the next slot, or returns false with an exception. `list` gets each buffer that is not
// shared.
inline bool Binding::append(const Napi::Value& value, double stride,
                            std::vector<napi_value>* list) {
  constexpr int64_t kMaxStride = int64_t{1} << 40;
  const Napi::Env env = program->environment->env;
  const size_t index = bound.size();
  const Slot& slot = slots()[index];
  const auto fail = [&](const char* reason) {
    js::fail(env, "internal: bind: slot %zu: %s", index, reason);
    return false;
  };
  if (!(stride >= 0 && stride <= static_cast<double>(kMaxStride)) || stride != std::floor(stride)) {
    return fail("a stride must be an integer that is not negative");
  }
  if (stride != 0 && slot.access == Access::variable) {
    return fail("a variable must stay in its place, got a stride");
  }
  // One call of Node-API gives all; Napi::TypedArray calls it for each property.
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0, byteOffset = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  const bool typed =
      napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, &byteOffset) == napi_ok;
  const bool right = typed && type == arrayType(slot.dtype);
  const int64_t count = static_cast<int64_t>(length);
  if (!right || (stride > 0 ? count < slot.count : count != slot.count)) {
    js::fail(env, "internal: bind: slot %zu: must be a %s of %lld%s elements, got %s of %lld",
             index, className(slot.dtype), static_cast<long long>(slot.count),
             stride > 0 ? " or more" : "",
             !typed  ? "another value"
             : right ? "one"
                     : "another typed array",
             static_cast<long long>(count));
    return false;
  }
  const Napi::Value owner(env, buffer);
  const bool shared = !owner.IsArrayBuffer();
  bound.push_back({static_cast<uint32_t>(list->size()), static_cast<int64_t>(byteOffset),
                   count * bytesOf(slot.dtype), shared ? static_cast<char*>(data) : nullptr});
  strides.push_back(static_cast<int64_t>(stride));
  if (!shared) {
    list->push_back(buffer);
    return true;
  }
  sharedBuffers.push_back(Napi::Reference<Napi::Value>::New(owner, 1));
  return !sharedBuffers.back().IsEmpty();
}

// Where a slot's data is now, or null if its buffer has been detached since.
inline char* address(napi_env env, napi_value buffers, const Binding::Bound& bound) {
  // Empty arrays may have no address, and kernels want one.
  alignas(64) static char empty[64];
  if (bound.byteLength == 0) return empty;
  if (bound.shared) return bound.shared;
  // One call of Node-API gives both; Napi::ArrayBuffer calls it for each.
  napi_value buffer = nullptr;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_element(env, buffers, bound.buffer, &buffer) != napi_ok ||
      napi_get_arraybuffer_info(env, buffer, &data, &length) != napi_ok ||
      static_cast<int64_t>(length) < bound.byteOffset + bound.byteLength) {
    return nullptr;
  }
  return static_cast<char*>(data) + bound.byteOffset;
}

// False, with an exception, if the binding cannot run that many steps.
inline bool Binding::prepare(int64_t steps, Run* run) const {
  const Napi::Env env = program->environment->env;
  run->program = program->program.get();
  run->strides = strides;
  run->steps = steps;
  run->slots.reserve(bound.size());
  const napi_value list = buffers.Value();
  for (size_t i = 0; i < bound.size(); ++i) {
    const Slot& slot = slots()[i];
    const int64_t length = bound[i].byteLength / bytesOf(slot.dtype);
    // Without products that could overflow: count + stride * (steps - 1) <= length.
    if (strides[i] > 0 && steps > 1 && (length - slot.count) / strides[i] < steps - 1) {
      js::fail(env,
               "internal: run: slot %zu must hold %lld elements + %lld per further step, got %lld "
               "for %lld steps",
               i, static_cast<long long>(slot.count), static_cast<long long>(strides[i]),
               static_cast<long long>(length), static_cast<long long>(steps));
      return false;
    }
    char* const data = address(env, list, bound[i]);
    if (!data) {
      js::fail(env, "internal: run: the buffer of slot %zu must not be detached (transferred)", i);
      return false;
    }
    run->slots.push_back(data);
  }
  return true;
}

}  // namespace evengrad
