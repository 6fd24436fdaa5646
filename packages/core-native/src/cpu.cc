#include "cpu.h"

#include <cpuid.h>
#include <sched.h>
#include <string.h>
#include <x86intrin.h>

namespace {

/// The kernel's limit (CONFIG_NR_CPUS) is at most this; it refuses a mask smaller than its own when reading.
constexpr int kMaxCpus = 8192;
constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);

struct CpuMask {
  unsigned long words[kMaxCpus / kBitsPerWord] = {};
  cpu_set_t* set() { return reinterpret_cast<cpu_set_t*>(words); }
};

}  // namespace

std::array<uint32_t, 4> cpuid(uint32_t leaf, uint32_t subleaf) {
  std::array<uint32_t, 4> out = {};
  __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
  return out;
}

uint64_t read_tsc() { return __rdtsc(); }

Result<std::vector<int>> get_affinity(pid_t tid) {
  CpuMask mask;
  if (sched_getaffinity(tid, sizeof mask.words, mask.set()) != 0) return last_error("sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < kMaxCpus; cpu++) {
    if (CPU_ISSET_S(static_cast<size_t>(cpu), sizeof mask.words, mask.set())) cpus.push_back(cpu);
  }
  return cpus;
}

Status set_affinity(pid_t tid, const std::vector<int>& cpus) {
  CpuMask mask;
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= kMaxCpus) return OsError{EINVAL, "sched_setaffinity"};
    CPU_SET_S(static_cast<size_t>(cpu), sizeof mask.words, mask.set());
  }
  if (sched_setaffinity(tid, sizeof mask.words, mask.set()) != 0) return last_error("sched_setaffinity");
  return {};
}
