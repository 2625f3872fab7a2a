// Small helpers over node-addon-api: throwing, and reading numbers.
#pragma once

#include <napi.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace evengrad::js {

constexpr int64_t kMaxExact = int64_t{1} << 53;

// Throws a formatted message, unless JavaScript code that we called has thrown already: a second
// exception would end the process. The result is empty, for the caller to return.
template <class Error = Napi::Error>
[[gnu::format(printf, 2, 3)]] Napi::Value fail(Napi::Env env, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (!env.IsExceptionPending()) Error::New(env, message).ThrowAsJavaScriptException();
  return {};
}

// False for what is no number, or no integer from min to max.
inline bool integer(const Napi::Value& value, int64_t min, int64_t max, int64_t* result) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max))) return false;
  *result = static_cast<int64_t>(number);
  return static_cast<double>(*result) == number;
}

// Copies, since JavaScript, or another thread if the buffer is shared, may write at any time. False
// for what is no Float64Array, or too long. A detached one has length 0.
inline bool float64s(const Napi::Value& value, std::vector<double>* result) {
  constexpr size_t kMaxNumbers = size_t{1} << 26;
  // One call of Node-API gives all; Napi::TypedArray calls it for each property.
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_float64_array || length > kMaxNumbers) {
    return false;
  }
  const double* numbers = static_cast<const double*>(data);
  result->assign(numbers, numbers + length);
  return true;
}

}  // namespace evengrad::js
