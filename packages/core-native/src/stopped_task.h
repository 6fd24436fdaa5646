#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <optional>

#include "errors.h"

/// si_code of a SIGSYS that Syscall User Dispatch has raised.
constexpr int kUserDispatch = 2;

/// How a task goes on. The values are lib/binding.ts's `Resume`.
enum class ResumeHow : int { Cont = 0, Syscall, Step, Sysemu, SysemuStep, Listen };
inline constexpr int kResumeHowCount = 6;

/// The kernel's signal set: 64 bits, signal N at bit N - 1.
using KernelSigset = uint64_t;

static_assert(sizeof(user_regs_struct) == 27 * 8, "lib/binding.ts lists 27 registers");

/// A task this thread traces, claimed to be in a ptrace-stop. Every call may answer ESRCH: the task was killed
/// meanwhile (or the claim was false).
class StoppedTask {
 public:
  explicit StoppedTask(pid_t tid) : tid_(tid) {}
  pid_t tid() const { return tid_; }

  Status get_registers(user_regs_struct& regs) const;
  Status set_registers(const user_regs_struct& regs) const;
  Status get_siginfo(siginfo_t& info) const;
  Status set_siginfo(const siginfo_t& info) const;
  Status get_sigmask(KernelSigset& mask) const;
  Status set_sigmask(KernelSigset mask) const;
  /// Whether a signal is queued for it, or for its process, that is not in `mask`: what it blocks, if none is given.
  Result<bool> has_waiting_signal(std::optional<KernelSigset> mask) const;
  Result<uint64_t> event_message() const;
  /// Stops the task before it executes what is at one of `count` addresses, at most four, by debug registers: no byte of
  /// its code changes. The stop is a SIGTRAP with si_code TRAP_HWBKPT; the resume after it executes the instruction.
  Status set_breakpoints(const uint64_t* addrs, size_t count) const;

  /// After this the task runs: the object is used up.
  Status resume(ResumeHow how, int signal) &&;
  Status detach(int signal) &&;

 private:
  pid_t tid_;
};
