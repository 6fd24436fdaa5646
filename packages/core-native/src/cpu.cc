#include "cpu.h"

#include <cpuid.h>
#include <x86intrin.h>

namespace {

Napi::Value cpuid(const Napi::CallbackInfo& info) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __cpuid_count(info[0].ToNumber().Uint32Value(), info[1].ToNumber().Uint32Value(), a, b, c, d);
  Napi::Array values = Napi::Array::New(info.Env(), 4);
  values.Set(0U, a);
  values.Set(1U, b);
  values.Set(2U, c);
  values.Set(3U, d);
  return values;
}

Napi::Value read_tsc(const Napi::CallbackInfo& info) {
  const uint64_t tsc = __rdtsc();
  Napi::Object value = Napi::Object::New(info.Env());
  value.Set("low", static_cast<uint32_t>(tsc));
  value.Set("high", static_cast<uint32_t>(tsc >> 32));
  return value;
}

}  // namespace

void define_cpu(Napi::Env env, Napi::Object exports) {
  exports.Set("cpuid", Napi::Function::New<cpuid>(env));
  exports.Set("readTsc", Napi::Function::New<read_tsc>(env));
}
