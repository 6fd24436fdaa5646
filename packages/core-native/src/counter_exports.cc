#include "counter_exports.h"

#include "arguments.h"
#include "counters.h"
#include "environment.h"
#include "event_counter.h"

namespace {

Napi::Value open_counters(const Napi::CallbackInfo& info) {
  const pid_t tid = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return {};
  auto counters = TaskCounters::open(tid);
  if (!counters.ok()) {
    throw_os_error(info.Env(), counters.error());
    return {};
  }
  Environment& environment = Environment::of(info.Env());
  const int32_t handle = environment.next_counters++;
  environment.counters.emplace(handle, std::move(counters.value()));
  return Napi::Number::New(info.Env(), handle);
}

/// The values in the order of COUNTER_NAMES.
Napi::Value read_counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int32_t handle = int_argument(info, 0);
  if (env.IsExceptionPending()) return {};
  const auto& all = Environment::of(env).counters;
  const auto found = all.find(handle);
  if (found == all.end()) {
    throw_range_error(env, "no such counters");
    return {};
  }
  const auto result = Napi::Array::New(env, kCounterCount);
  uint32_t index = 0;
  for (const auto& value : found->second.read()) {
    result.Set(index++, value ? Napi::Number::New(env, static_cast<double>(*value)) : env.Null());
  }
  return result;
}

void close_counters(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).counters.erase(int_argument(info, 0));
}

napi_value open_event_counter(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  const auto type = static_cast<uint32_t>(arguments.word(1));
  const uint64_t config = arguments.word(2);
  if (!arguments.ok()) return nullptr;
  auto counter = EventCounter::open(tid, type, config);
  if (!counter.ok()) {
    throw_os_error(env, counter.error());
    return nullptr;
  }
  // The signals of a counter tell its descriptor, so that is its handle.
  const int fd = counter.value().fd();
  Environment::of(env).event_counters.emplace(fd, std::move(counter.value()));
  return js_int(env, fd);
}

/// nullptr and a RangeError if there is none with this handle.
const EventCounter* find_event_counter(napi_env env, int32_t handle) {
  const auto& all = Environment::of(env).event_counters;
  const auto found = all.find(handle);
  if (found != all.end()) return &found->second;
  throw_range_error(env, "no such counter");
  return nullptr;
}

napi_value read_event_counter(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const int32_t handle = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  const EventCounter* const counter = find_event_counter(env, handle);
  if (counter == nullptr) return nullptr;
  const auto value = counter->read();
  if (value.ok()) return js_number(env, static_cast<double>(value.value()));
  throw_os_error(env, value.error());
  return nullptr;
}

napi_value stop_after_events(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  const int32_t handle = arguments.int32(0);
  const uint64_t events = arguments.word(1);
  if (!arguments.ok()) return nullptr;
  const EventCounter* const counter = find_event_counter(env, handle);
  if (counter == nullptr) return nullptr;
  if (const Status status = counter->stop_after(events); !status.ok()) throw_os_error(env, status.error());
  return nullptr;
}

napi_value close_event_counter(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const int32_t handle = arguments.int32(0);
  if (arguments.ok()) Environment::of(env).event_counters.erase(handle);
  return nullptr;
}

void export_plain(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, name, function);
  }
}

}  // namespace

void export_counters(Napi::Env env, Napi::Object exports) {
  exports.Set("openCounters", Napi::Function::New<open_counters>(env));
  exports.Set("readCounters", Napi::Function::New<read_counters>(env));
  exports.Set("closeCounters", Napi::Function::New<close_counters>(env));
  export_plain(env, exports, "openEventCounter", open_event_counter);
  export_plain(env, exports, "readEventCounter", read_event_counter);
  export_plain(env, exports, "stopAfterEvents", stop_after_events);
  export_plain(env, exports, "closeEventCounter", close_event_counter);
}
