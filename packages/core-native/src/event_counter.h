#pragma once

#include <sys/types.h>

#include <cstdint>

#include "errors.h"
#include "unique_fd.h"

/// Signal by which an EventCounter stops its task: one that Linux itself never sends.
inline constexpr int kOverflowSignal = 16;  // SIGSTKFLT

/// Counts one perf event of one task, in user code alone, from the opening on. Unlike TaskCounters it has to be exact:
/// it is pinned (never shares its hardware counter), and a count that has missed some of the time is an error.
class EventCounter {
 public:
  /// `type`, `config`: those of perf_event_attr. ENOENT, ENODEV, EOPNOTSUPP where the machine has no such counter,
  /// EACCES or EPERM where it must not be used, ESRCH if there is no such task.
  static Result<EventCounter> open(pid_t tid, uint32_t type, uint64_t config);
  /// ENODATA if the counter was another's for some of the time, or the task on a CPU that lacks it.
  Result<uint64_t> read() const;
  /// Sends kOverflowSignal to the task when so many events more have been counted, and again after as many, or some
  /// events later: the CPU goes on while it raises its interrupt. 0: no more. The task must be stopped.
  Status stop_after(uint64_t events) const;
  /// What the signal's si_fd is.
  int fd() const { return fd_.get(); }

 private:
  explicit EventCounter(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};
