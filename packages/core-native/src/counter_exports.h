#pragma once

#include <napi.h>

/// perf counters: those of a recording's statistics, and exact ones of single events.
void export_counters(Napi::Env env, Napi::Object exports);
