#include "environment.h"

#include <string.h>

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

void throw_os_error(Napi::Env env, OsError error, const std::string& detail) {
  if (env.IsExceptionPending()) return;
  const Napi::FunctionReference& constructor = Environment::of(env).native_error;
  if (constructor.IsEmpty()) {
    napi_throw_error(env, nullptr, strerror(error.number));
    return;
  }
  const Napi::Object instance = constructor.New(
      {Napi::Number::New(env, error.number), Napi::String::New(env, error.operation), Napi::String::New(env, detail)});
  if (!env.IsExceptionPending()) napi_throw(env, instance);
}

void throw_type_error(napi_env env, const char* message) { napi_throw_type_error(env, nullptr, message); }
void throw_range_error(napi_env env, const char* message) { napi_throw_range_error(env, nullptr, message); }
