#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

/// One waiting thread's doorbell. Any thread may ring; only the owner waits. A ring is never lost: it is a flag first,
/// and a signal repeated until the owner has seen the flag or has left its wait (when it will see the flag at the next
/// one).
class InterruptTarget {
 public:
  /// Made by the thread that will wait.
  InterruptTarget();

  /// Brackets the blocking system call, which must give EINTR on `signal_number()`.
  void enter_wait() { waiting_.store(true); }
  void leave_wait() { waiting_.store(false); }
  /// True once for one or more rings since the last call; always after `shut_down_interrupts`. To be asked after
  /// enter_wait and before each blocking call.
  bool consume() { return requested_.load() && acknowledge(); }

  void ring();
  pid_t tid() const { return tid_; }

 private:
  bool acknowledge();

  std::atomic<bool> requested_{false};
  std::atomic<bool> waiting_{false};
  std::atomic<uint64_t> acknowledged_{0};
  pid_t tid_;
};

/// The signal that ends a blocking wait; its handler does nothing and has no SA_RESTART. Unblocked in the calling
/// thread.
int prepare_interrupt_signal();
int interrupt_signal();

/// Process-wide, because the one who rings lives in another environment than the one who waits.
uint32_t register_interrupt_target(std::shared_ptr<InterruptTarget> target);
void unregister_interrupt_target(uint32_t token);
/// False if nobody waits under this token (any more).
bool ring_interrupt_target(uint32_t token);
/// Rings everybody, for good: from now on every wait ends at once. For the process's end, where a thread blocked in a
/// wait would never be joined.
void shut_down_interrupts();
