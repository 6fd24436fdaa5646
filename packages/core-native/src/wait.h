#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "errors.h"
#include "interrupt.h"
#include "ring_loan.h"

/// What a wait found. The values are lib/binding.ts's `EventKind`.
enum class EventKind : int {
  None = 0,
  Syscall,
  Signal,
  Event,
  GroupStop,
  InterruptStop,
  Exited,
  NoTracees,
  Zombie,
};

struct WaitEvent {
  pid_t tid = 0;
  EventKind kind = EventKind::None;
  /// The signal, or the PTRACE_EVENT number.
  int detail = 0;
  /// As waitpid gave it.
  int status = 0;

  bool stopped() const { return kind >= EventKind::Syscall && kind <= EventKind::InterruptStop; }
};

/// Names a wait status. PTRACE_O_TRACESYSGOOD and PTRACE_SEIZE are presumed.
WaitEvent classify(pid_t tid, int status);

/// Waits for the tracees of one thread, and knows which there are.
class Waiter {
 public:
  Waiter();
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Any tracee. timeout_ms < 0: for ever; 0: don't block. Kind None: timed out or interrupted.
  Result<WaitEvent> wait(int timeout_ms);
  /// For the next wait: full rings of that task are emptied in the course of it.
  void lend(const RingLoan& loan) { loan_ = loan; }
  /// Ends that, and tells what has been taken.
  RingTaken end_loan();
  /// One tracee, for ever; not interruptible. ECHILD becomes kind NoTracees. Only here is there a kind Zombie: nothing
  /// can be waited for from a leader that has ended while threads of its group live on: not looked for if it `is_alone`.
  Result<WaitEvent> wait_for(pid_t tid, bool is_alone = false);

  /// An event someone took who isn't its reader: the next wait gives it, before any new one.
  void give_back(const WaitEvent& event) { given_back_.push_back(event); }

  /// A SIGSTOP that has taken effect in a task while somebody else had it: kept until `take_stop`, past the task's end.
  void keep_stop(pid_t tid, const siginfo_t& info) { kept_stops_.push_back({tid, info}); }
  /// The task's oldest one that is kept.
  std::optional<siginfo_t> take_stop(pid_t tid);

  /// How many stops and ends have been waited for so far, those of remote calls as well.
  uint64_t stops() const { return stops_; }

  void add(pid_t tid) { tracees_.insert(tid); }
  void remove(pid_t tid) { tracees_.erase(tid); }
  /// Kills all tracees and reaps them; gives up after a second on what can't die.
  void kill_all();

  /// Keeps the kernel from sending this process a SIGCHLD at every ptrace-stop (SA_NOCLDSTOP; the disposition stays as
  /// it is). Once child_process was used, each one would run libuv's handler and wake the main thread.
  static void silence_child_stops();

  const std::shared_ptr<InterruptTarget>& interrupt_target() const { return target_; }

 private:
  struct KeptStop {
    pid_t tid;
    siginfo_t info;
  };

  bool take_given_back(pid_t tid, WaitEvent& event);
  WaitEvent note(pid_t tid, int status);
  /// Whether what waitpid has returned was a full ring, which is empty now.
  bool takes_ring(pid_t tid, int status);
  /// Makes the thread's timer if there is none yet.
  Status prepare_timer();

  std::shared_ptr<InterruptTarget> target_;
  std::vector<WaitEvent> given_back_;
  std::vector<KeptStop> kept_stops_;
  std::unordered_set<pid_t> tracees_;
  uint64_t stops_ = 0;
  RingLoan loan_;
  RingTaken taken_;
  /// timer_t of the thread's timeout signal; made at the first wait that needs it.
  void* timer_ = nullptr;
  bool has_timer_ = false;
};
