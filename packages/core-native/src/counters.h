#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>

#include "errors.h"
#include "unique_fd.h"

/// lib/binding.ts's COUNTER_NAMES, in that order.
inline constexpr int kCounterCount = 7;

using CounterValues = std::array<std::optional<uint64_t>, kCounterCount>;

/// perf counters of one task, from the opening on. One that the machine lacks or its policy refuses has no value.
/// Without the right to see the kernel's side only user code is counted, and what the kernel does itself (context
/// switches, migrations) isn't at all.
class TaskCounters {
 public:
  /// ESRCH if there is no such task.
  static Result<TaskCounters> open(pid_t tid);
  CounterValues read() const;

 private:
  std::array<UniqueFd, kCounterCount> fds_;
};
