#include "counters.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

struct Counter {
  uint32_t type;
  uint64_t config;
  /// Counts events of the kernel's own doing: with the kernel excluded it would be 0 for ever, a wrong value.
  bool kernel_only;
};

constexpr Counter kCounters[kCounterCount] = {
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, true},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, true},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, false},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, false},
};

UniqueFd open_counter(const Counter& counter, pid_t tid, bool exclude_kernel) {
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = counter.type;
  attr.config = counter.config;
  attr.exclude_kernel = exclude_kernel;
  attr.exclude_hv = exclude_kernel;
  return UniqueFd(static_cast<int>(syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

Result<TaskCounters> TaskCounters::open(pid_t tid) {
  TaskCounters counters;
  for (size_t i = 0; i < counters.fds_.size(); i++) {
    UniqueFd fd = open_counter(kCounters[i], tid, false);
    if (!fd.valid() && errno == ESRCH) return last_error("perf_event_open");
    const bool refused = !fd.valid() && (errno == EACCES || errno == EPERM);
    if (refused && !kCounters[i].kernel_only) fd = open_counter(kCounters[i], tid, true);
    counters.fds_[i] = std::move(fd);
  }
  return counters;
}

CounterValues TaskCounters::read() const {
  CounterValues values;
  for (size_t i = 0; i < fds_.size(); i++) {
    uint64_t value;
    if (fds_[i].valid() && ::read(fds_[i].get(), &value, sizeof value) == sizeof value) values[i] = value;
  }
  return values;
}
