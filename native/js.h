// Small helpers over the C Node-API: errors, arguments and numbers.
#pragma once

#include <node_api.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace evengrad::js {

// Leaves the function with a JavaScript exception if a Node-API call fails.
#define EVENGRAD_TRY(call)                                \
  do {                                                    \
    if ((call) != napi_ok) return js::failed(env, #call); \
  } while (0)

inline bool exceptionPending(napi_env env) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  return pending;
}

// Throws unless JavaScript code that we called has thrown already. All throwing helpers return
// null.
inline napi_value throwError(napi_env env, const char* message) {
  if (!exceptionPending(env)) napi_throw_error(env, nullptr, message);
  return nullptr;
}

inline napi_value throwRangeError(napi_env env, const char* message) {
  if (!exceptionPending(env)) napi_throw_range_error(env, nullptr, message);
  return nullptr;
}

inline napi_value failed(napi_env env, const char* call) {
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  const char* reason = info && info->error_message ? info->error_message : "no reason given";
  char message[400];
  std::snprintf(message, sizeof message, "internal: addon: %s: %s", reason, call);
  return throwError(env, message);
}

inline napi_value number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value text(napi_env env, const char* value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

// False for what is no number, or no integer from min to max.
inline bool integer(napi_env env, napi_value value, int64_t min, int64_t max, int64_t* result) {
  double number;
  if (!value || napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max))) return false;
  *result = static_cast<int64_t>(number);
  return static_cast<double>(*result) == number;
}

struct TypedArray {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

// False for what is no typed array. A detached one has length 0.
inline bool typedArray(napi_env env, napi_value value, TypedArray* result) {
  return value && napi_get_typedarray_info(env, value, &result->type, &result->length,
                                           &result->data, nullptr, nullptr) == napi_ok;
}

// Copies, since JavaScript, or another thread if the buffer is shared, may write at any time.
inline bool float64s(napi_env env, napi_value value, size_t max, std::vector<double>* result) {
  TypedArray array;
  if (!typedArray(env, value, &array) || array.type != napi_float64_array || array.length > max) {
    return false;
  }
  const double* data = static_cast<const double*>(array.data);
  result->assign(data, data + array.length);
  return true;
}

}  // namespace evengrad::js
