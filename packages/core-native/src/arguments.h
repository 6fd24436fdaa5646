#pragma once

#include <napi.h>

#include <cstdint>
#include <cstring>

#include "environment.h"

/// The arguments of one call, read by the plain C API: the wrappers of napi.h cost as much as a short system call. The
/// first wrong one raises a TypeError and makes `ok()` false; readers then answer zeros.
template <size_t Count, size_t OptionalCount = 0>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    count_ = Count + OptionalCount;
    ok_ = napi_get_cb_info(env, info, &count_, values_, &this_, nullptr) == napi_ok;
    if (count_ < Count) fail("too few arguments");
  }

  bool ok() const { return ok_; }
  bool given(size_t index) const { return index < count_; }
  napi_value at(size_t index) const { return values_[index]; }

  /// The native object behind `this`.
  template <class Wrapped>
  Wrapped* receiver() {
    void* pointer = nullptr;
    if (ok_ && napi_unwrap(env_, this_, &pointer) != napi_ok) fail("called on something else");
    return static_cast<Wrapped*>(pointer);
  }

  int32_t int32(size_t index) {
    int32_t value = 0;
    if (ok_ && napi_get_value_int32(env_, values_[index], &value) != napi_ok) fail("a number was expected");
    return value;
  }

  bool boolean(size_t index) {
    bool value = false;
    if (ok_ && napi_get_value_bool(env_, values_[index], &value) != napi_ok) fail("true or false was expected");
    return value;
  }

  /// A number or a bigint, as 64 bits (negative numbers in two's complement).
  uint64_t word(size_t index) { return ok_ ? to_word(values_[index]) : 0; }

  uint64_t to_word(napi_value value) {
    double number;
    if (napi_get_value_double(env_, value, &number) == napi_ok) {
      if (number >= 0) return number < 0x1p64 ? static_cast<uint64_t>(number) : ~0ULL;
      return number > -0x1p63 ? static_cast<uint64_t>(static_cast<int64_t>(number)) : 0;
    }
    uint64_t word = 0;
    bool lossless;
    if (napi_get_value_bigint_uint64(env_, value, &word, &lossless) != napi_ok) {
      fail("a number or bigint was expected");
    }
    return word;
  }

  /// The elements of a Float64Array.
  const double* doubles(size_t index, size_t& count) {
    bool is_typed = false;
    napi_typedarray_type type = napi_int8_array;
    void* data = nullptr;
    count = 0;
    if (!ok_) return nullptr;
    if (napi_is_typedarray(env_, values_[index], &is_typed) != napi_ok || !is_typed ||
        napi_get_typedarray_info(env_, values_[index], &type, &count, &data, nullptr, nullptr) != napi_ok ||
        type != napi_float64_array) {
      fail("a Float64Array was expected");
      count = 0;
    }
    return static_cast<const double*>(data);
  }

  /// [offset, offset + length) of the Uint8Array at `array`, checked against its size; nullptr if it isn't inside.
  uint8_t* bytes(size_t array, size_t offset_at, size_t length_at, size_t& length) {
    length = 0;
    const int32_t offset = int32(offset_at);
    const int32_t wanted = int32(length_at);
    size_t size = 0;
    uint8_t* const data = whole_array(array, size);
    if (!ok_) return nullptr;
    if (offset < 0 || wanted < 0 || static_cast<size_t>(offset) > size ||
        static_cast<size_t>(wanted) > size - static_cast<size_t>(offset)) {
      out_of_range();
      return nullptr;
    }
    length = static_cast<size_t>(wanted);
    return data + offset;
  }

  /// The first `length` bytes of the Uint8Array at `array`; nullptr if it has not so many.
  uint8_t* bytes(size_t array, size_t length) {
    size_t size = 0;
    uint8_t* const data = whole_array(array, size);
    if (!ok_ || length <= size) return data;
    out_of_range();
    return nullptr;
  }

 private:
  uint8_t* whole_array(size_t array, size_t& size) {
    if (!ok_) return nullptr;
    napi_typedarray_type type;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[array], &type, &size, &data, nullptr, nullptr) == napi_ok &&
        type == napi_uint8_array) {
      return static_cast<uint8_t*>(data);
    }
    fail("a Uint8Array was expected");
    return nullptr;
  }

  void out_of_range() {
    ok_ = false;
    throw_range_error(env_, "offset and length exceed the array");
  }

  void fail(const char* message) {
    if (ok_) throw_type_error(env_, message);
    ok_ = false;
  }

  napi_env env_;
  size_t count_;
  napi_value values_[Count + OptionalCount];
  napi_value this_ = nullptr;
  bool ok_ = false;
};

inline napi_value js_number(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value js_int(napi_env env, int32_t number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

inline napi_value js_bool(napi_env env, bool flag) {
  napi_value value = nullptr;
  napi_get_boolean(env, flag, &value);
  return value;
}

/// A new Uint8Array with these bytes.
inline Napi::Value js_bytes(Napi::Env env, const void* data, size_t size) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, size);
  if (size > 0) memcpy(array.Data(), data, size);
  return array;
}

/// An int that a call was given, for the wrappers of napi.h; -1 and a TypeError if it wasn't.
inline int32_t int_argument(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() > index && info[index].IsNumber()) return info[index].As<Napi::Number>().Int32Value();
  if (!info.Env().IsExceptionPending()) throw_type_error(info.Env(), "a number was expected");
  return -1;
}
