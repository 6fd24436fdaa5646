#pragma once

#include <napi.h>

/// Adds `mapShared` and `unmapShared`: pages of a file that this process and a tracee have in common.
void export_shared_pages(Napi::Env env, Napi::Object exports);
