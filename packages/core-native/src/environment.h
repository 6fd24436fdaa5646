#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <unordered_map>

#include "counters.h"
#include "errors.h"
#include "event_counter.h"
#include "unix_peers.h"

/// What belongs to one JavaScript environment (the main thread or one worker).
class Environment {
 public:
  static Environment& of(Napi::Env env);

  Napi::FunctionReference native_error;
  /// Open counters by handle.
  std::unordered_map<int32_t, TaskCounters> counters;
  int32_t next_counters = 1;
  /// Open counters of single events by descriptor.
  std::unordered_map<int32_t, EventCounter> event_counters;
  UnixPeers unix_peers;
};

/// Raises lib/index.ts's NativeError. `detail` (a path, a descriptor) only goes into the message.
void throw_os_error(Napi::Env env, OsError error, const std::string& detail = {});
void throw_type_error(napi_env env, const char* message);
void throw_range_error(napi_env env, const char* message);
