#include "wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "clock.h"
#include "own_traps.h"
#include "stopped_task.h"
#include "task_file.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace {

constexpr int kWaitFlags = __WALL | __WNOTHREAD;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;
/// A wait for one task looks for its silent end this often.
constexpr int64_t kLookNs = 20 * kNsPerMs;

/// Rings the thread's interrupt signal from a deadline on, again and again: the first one may come just before the
/// blocking call, and would be lost if it were the only one.
class ArmedTimer {
 public:
  ArmedTimer(timer_t timer, int64_t delay_ns, int64_t interval_ns) : timer_(timer) {
    const itimerspec spec = {
        .it_interval = {0, interval_ns},
        .it_value = {delay_ns / kNsPerSecond, delay_ns % kNsPerSecond},
    };
    timer_settime(timer_, 0, &spec, nullptr);
  }
  ~ArmedTimer() {
    const itimerspec off = {};
    timer_settime(timer_, 0, &off, nullptr);
  }
  ArmedTimer(const ArmedTimer&) = delete;
  ArmedTimer& operator=(const ArmedTimer&) = delete;

 private:
  timer_t timer_;
};

/// A child or tracee of this thread that nobody has reaped.
bool is_ours(pid_t tid) {
  siginfo_t info;
  return waitid(P_PID, static_cast<id_t>(tid), &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | kWaitFlags) == 0;
}

/// Exit status of a task that is a zombie (`proc_pid_stat(5)`, fields 3 and 52).
std::optional<int> zombie_status(pid_t tid) {
  const auto text = read_task_file(tid, "stat");
  if (!text) return std::nullopt;
  const char* const name_end = strrchr(text->c_str(), ')');
  const char* const last = strrchr(text->c_str(), ' ');
  if (name_end == nullptr || last == nullptr || name_end[1] != ' ' || name_end[2] != 'Z') return std::nullopt;
  return atoi(last + 1);
}

class WaitBracket {
 public:
  explicit WaitBracket(InterruptTarget& target) : target_(target) { target_.enter_wait(); }
  ~WaitBracket() { target_.leave_wait(); }
  WaitBracket(const WaitBracket&) = delete;
  WaitBracket& operator=(const WaitBracket&) = delete;

 private:
  InterruptTarget& target_;
};

}  // namespace

WaitEvent classify(pid_t tid, int status) {
  WaitEvent event = {tid, EventKind::Exited, 0, status};
  if (!WIFSTOPPED(status)) return event;
  const int signal = WSTOPSIG(status);
  const int ptrace_event = status >> 16;
  if (signal == (SIGTRAP | 0x80)) {
    event.kind = EventKind::Syscall;
  } else if (ptrace_event == PTRACE_EVENT_STOP) {
    event.kind = signal == SIGTRAP ? EventKind::InterruptStop : EventKind::GroupStop;
    event.detail = signal;
  } else if (ptrace_event != 0) {
    event.kind = EventKind::Event;
    event.detail = ptrace_event;
  } else {
    event.kind = EventKind::Signal;
    event.detail = signal;
  }
  return event;
}

Waiter::Waiter() {
  prepare_interrupt_signal();
  silence_child_stops();
  target_ = std::make_shared<InterruptTarget>();
}

void Waiter::silence_child_stops() {
  struct sigaction action;
  if (sigaction(SIGCHLD, nullptr, &action) != 0 || (action.sa_flags & SA_NOCLDSTOP) != 0) return;
  action.sa_flags |= SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
}

Waiter::~Waiter() {
  if (has_timer_) timer_delete(timer_);
}

bool Waiter::take_given_back(pid_t tid, WaitEvent& event) {
  for (size_t i = 0; i < given_back_.size(); i++) {
    if (tid >= 0 && given_back_[i].tid != tid) continue;
    event = given_back_[i];
    given_back_.erase(given_back_.begin() + static_cast<ptrdiff_t>(i));
    return true;
  }
  return false;
}

std::optional<siginfo_t> Waiter::take_stop(pid_t tid) {
  const auto is_its = [tid](const KeptStop& stop) { return stop.tid == tid; };
  const auto found = std::find_if(kept_stops_.begin(), kept_stops_.end(), is_its);
  if (found == kept_stops_.end()) return std::nullopt;
  const siginfo_t info = found->info;
  kept_stops_.erase(found);
  return info;
}

WaitEvent Waiter::note(pid_t tid, int status) {
  stops_++;
  const WaitEvent event = classify(tid, status);
  if (event.kind == EventKind::InterruptStop) {
    tracees_.insert(tid);
  } else if (event.kind == EventKind::Exited) {
    tracees_.erase(tid);
  } else if (event.kind == EventKind::Event && event.detail == PTRACE_EVENT_EXEC) {
    // An exec from a thread that isn't the leader: its old tid vanishes without a word.
    const auto former = StoppedTask(tid).event_message();
    if (former.ok() && static_cast<pid_t>(former.value()) != tid) tracees_.erase(static_cast<pid_t>(former.value()));
    tracees_.insert(tid);
  }
  return event;
}

bool Waiter::takes_ring(pid_t tid, int status) {
  if (tid != loan_.tid || !WIFSTOPPED(status) || status >> 8 != SIGSYS || !take_full_ring(loan_, taken_)) return false;
  stops_++;
  return true;
}

RingTaken Waiter::end_loan() {
  const RingTaken taken = taken_;
  taken_ = {};
  loan_.tid = 0;
  return taken;
}

Result<WaitEvent> Waiter::wait(int timeout_ms) {
  match_tsc();
  WaitEvent event;
  if (target_->consume()) return event;
  if (!given_back_.empty() && take_given_back(-1, event)) return event;

  int status;
  if (timeout_ms >= 0) {
    const pid_t tid = waitpid(-1, &status, kWaitFlags | WNOHANG);
    if (tid > 0 && !takes_ring(tid, status)) return note(tid, status);
    if (tid < 0 && errno == ECHILD) return WaitEvent{0, EventKind::NoTracees, 0, 0};
    if (tid < 0 && errno != EINTR) return last_error("waitpid");
    if (timeout_ms == 0) return event;
  }

  int64_t deadline_ns = -1;
  std::optional<ArmedTimer> armed;
  if (timeout_ms > 0) {
    if (const Status status = prepare_timer(); !status.ok()) return status.error();
    deadline_ns = monotonic_ns() + timeout_ms * kNsPerMs;
    armed.emplace(timer_, timeout_ms * kNsPerMs, kNsPerMs);
  }

  const WaitBracket bracket(*target_);
  while (true) {
    if (target_->consume()) return event;
    if (deadline_ns >= 0 && monotonic_ns() >= deadline_ns) return event;
    const pid_t tid = waitpid(-1, &status, kWaitFlags);
    if (tid > 0) {
      if (takes_ring(tid, status)) continue;
      return note(tid, status);
    }
    if (errno == ECHILD) return WaitEvent{0, EventKind::NoTracees, 0, 0};
    if (errno != EINTR) return last_error("waitpid");
  }
}

Result<WaitEvent> Waiter::wait_for(pid_t tid, bool is_alone) {
  match_tsc();
  WaitEvent event;
  if (!given_back_.empty() && take_given_back(tid, event)) return event;
  std::optional<ArmedTimer> armed;
  if (!is_alone) {
    if (const Status status = prepare_timer(); !status.ok()) return status.error();
    armed.emplace(timer_, kLookNs, kLookNs);
  }
  std::optional<int> zombie;
  while (true) {
    int status;
    const pid_t waited = waitpid(tid, &status, kWaitFlags | (zombie ? WNOHANG : 0));
    if (waited == tid) return note(tid, status);
    if (waited == 0) return WaitEvent{tid, EventKind::Zombie, 0, *zombie};
    if (errno == ECHILD) return WaitEvent{tid, EventKind::NoTracees, 0, 0};
    if (errno != EINTR) return last_error("waitpid");
    zombie = zombie_status(tid);
  }
}

Status Waiter::prepare_timer() {
  if (has_timer_) return {};
  sigevent notify = {};
  notify.sigev_notify = SIGEV_THREAD_ID;
  notify.sigev_signo = interrupt_signal();
  notify.sigev_notify_thread_id = target_->tid();
  if (timer_create(CLOCK_MONOTONIC, &notify, &timer_) != 0) return last_error("timer_create");
  has_timer_ = true;
  return {};
}

void Waiter::kill_all() {
  const int64_t deadline_ns = monotonic_ns() + kNsPerSecond;
  const auto end = [](pid_t tid) {
    ::kill(tid, SIGKILL);
    // SIGKILL doesn't wake a task from its PTRACE_EVENT_EXIT stop.
    (void)StoppedTask(tid).resume(ResumeHow::Cont, 0);
  };
  // The pid of one that somebody else has reaped may be another process's by now.
  std::erase_if(tracees_, [](pid_t tid) { return !is_ours(tid); });
  for (const pid_t tid : tracees_) end(tid);
  while (!tracees_.empty() && monotonic_ns() < deadline_ns) {
    bool idle = true;
    // Each by itself: a wait for any would take the events of the thread's other tracers.
    for (const pid_t tid : std::vector<pid_t>(tracees_.begin(), tracees_.end())) {
      int status;
      const pid_t waited = waitpid(tid, &status, kWaitFlags | WNOHANG);
      if (waited == 0 || (waited < 0 && errno == EINTR)) continue;
      idle = false;
      if (waited < 0) {
        tracees_.erase(tid);
      } else if (note(tid, status).stopped()) {
        end(tid);
      }
    }
    if (!idle) continue;
    const timespec pause = {0, 200'000};
    nanosleep(&pause, nullptr);
  }
}
