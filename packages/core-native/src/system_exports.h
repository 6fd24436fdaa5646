#pragma once

#include <napi.h>

/// Adds the functions that need no tracer: interrupt, cpu, affinity, descriptors, mappings, counters.
void export_system(Napi::Env env, Napi::Object exports);
