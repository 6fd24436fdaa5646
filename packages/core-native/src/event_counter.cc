#include "event_counter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(kOverflowSignal == SIGSTKFLT);

namespace {

/// Further away than any task comes. Not 0, which would make an event that can never overflow.
constexpr uint64_t kNever = uint64_t{1} << 60;

struct CounterReading {
  uint64_t value;
  uint64_t time_enabled;
  uint64_t time_running;
};
static_assert(sizeof(CounterReading) == 24, "PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING");

}  // namespace

Result<EventCounter> EventCounter::open(pid_t tid, uint32_t type, uint64_t config) {
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = type;
  attr.config = config;
  attr.sample_period = kNever;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.exclude_guest = 1;
  attr.pinned = 1;
  UniqueFd fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!fd.valid()) return last_error("perf_event_open");
  const f_owner_ex owner = {F_OWNER_TID, tid == 0 ? static_cast<pid_t>(syscall(SYS_gettid)) : tid};
  if (fcntl(fd.get(), F_SETOWN_EX, &owner) != 0 || fcntl(fd.get(), F_SETSIG, kOverflowSignal) != 0 ||
      fcntl(fd.get(), F_SETFL, O_ASYNC) != 0) {
    return last_error("fcntl");
  }
  return EventCounter(std::move(fd));
}

Result<uint64_t> EventCounter::read() const {
  CounterReading reading;
  const ssize_t got = ::read(fd_.get(), &reading, sizeof reading);
  if (got < 0) return last_error("read");
  // Nothing: a pinned event that found no free counter is in its error state for good (perf_event_open(2)).
  if (got != sizeof reading || reading.time_running != reading.time_enabled) return OsError{ENODATA, "read"};
  return reading.value;
}

Status EventCounter::stop_after(uint64_t events) const {
  // Also begins the period anew (_perf_event_period).
  uint64_t period = events == 0 ? kNever : events;
  if (ioctl(fd_.get(), PERF_EVENT_IOC_PERIOD, &period) != 0) return last_error("ioctl");
  return {};
}
