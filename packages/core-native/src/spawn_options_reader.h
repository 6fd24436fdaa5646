#pragma once

#include <optional>
#include <string>
#include <vector>
#include <napi.h>

#include "environment.h"

/// Reads the properties of SpawnOptions. After the first wrong one it answers nothing but defaults: with an exception
/// pending no more JavaScript may run. A NUL in a string would silently cut it off, so it's wrong.
class SpawnOptionsReader {
 public:
  explicit SpawnOptionsReader(const Napi::Object& object) : env_(object.Env()), object_(object) {}

  bool ok() const { return ok_; }

  std::string text(const char* name) { return to_text(get(name)); }
  std::optional<std::string> optional_text(const char* name) {
    const Napi::Value value = get(name);
    if (value.IsUndefined()) return std::nullopt;
    return to_text(value);
  }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> result;
    for (const Napi::Value& element : elements(get(name))) result.push_back(to_text(element));
    return result;
  }
  bool flag(const char* name) {
    const Napi::Value value = get(name);
    if (value.IsUndefined()) return false;
    if (!value.IsBoolean()) return fail(), false;
    return value.As<Napi::Boolean>().Value();
  }
  std::optional<uint64_t> optional_number(const char* name) {
    const Napi::Value value = get(name);
    if (value.IsUndefined()) return std::nullopt;
    return static_cast<uint64_t>(to_number(value));
  }
  void stdio(int (&fds)[3]) {
    const Napi::Value value = get("stdio");
    if (value.IsUndefined()) return;
    const std::vector<Napi::Value> values = elements(value);
    if (values.size() != 3) return fail();
    for (size_t i = 0; i < 3; i++) fds[i] = static_cast<int>(to_number(values[i]));
  }

 private:
  Napi::Value get(const char* name) {
    if (!ok_) return env_.Undefined();
    const Napi::Value value = object_.Get(name);
    if (!env_.IsExceptionPending()) return value;
    ok_ = false;
    return env_.Undefined();
  }
  std::vector<Napi::Value> elements(const Napi::Value& value) {
    std::vector<Napi::Value> result;
    if (!value.IsArray()) return fail(), result;
    const auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; ok_ && i < array.Length(); i++) {
      result.push_back(array.Get(i));
      if (env_.IsExceptionPending()) ok_ = false;
    }
    return result;
  }
  std::string to_text(const Napi::Value& value) {
    if (!ok_ || !value.IsString()) return fail(), std::string();
    std::string text = value.As<Napi::String>().Utf8Value();
    if (text.find('\0') != std::string::npos) return fail(), std::string();
    return text;
  }
  int64_t to_number(const Napi::Value& value) {
    if (!ok_ || !value.IsNumber()) return fail(), 0;
    return value.As<Napi::Number>().Int64Value();
  }
  void fail() {
    if (ok_) throw_type_error(env_, "wrong spawn options");
    ok_ = false;
  }

  Napi::Env env_;
  Napi::Object object_;
  bool ok_ = true;
};
