#pragma once

#include <napi.h>

/// Adds to the addon: cpuid(leaf, subleaf) -> [eax, ebx, ecx, edx] as the CPU itself answers, and readTsc() -> {low, high}.
void define_cpu(Napi::Env env, Napi::Object exports);
