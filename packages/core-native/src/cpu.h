#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "errors.h"

/// The cpuid instruction's eax, ebx, ecx, edx.
std::array<uint32_t, 4> cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t read_tsc();

/// CPU numbers, ascending.
Result<std::vector<int>> get_affinity(pid_t tid);
Status set_affinity(pid_t tid, const std::vector<int>& cpus);
