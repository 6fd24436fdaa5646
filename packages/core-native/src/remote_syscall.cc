#include "remote_syscall.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

namespace {

constexpr const char* kOperation = "remoteSyscall";
constexpr OsError kTaskGone = {ESRCH, kOperation};
constexpr KernelSigset kAllSignals = ~KernelSigset{0};
/// Length of the `syscall` instruction.
constexpr uint64_t kSyscallLength = 2;

constexpr KernelSigset bit_of(int signal) { return KernelSigset{1} << (signal - 1); }

bool is_job_control(int signal) {
  return signal == SIGCONT || signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/// The stop a task is in, read from the siginfo that ptrace made up for it.
struct StopKind {
  /// PTRACE_EVENT number, 0 if it's none.
  int event = 0;
  /// Signal of a signal-delivery-stop or of a group-stop.
  int signal = 0;
  bool signal_delivery = false;
};

StopKind kind_of(const siginfo_t& info) {
  // ptrace's own codes are (event << 8 | signal) and SIGTRAP | 0x80; no signal has a code above SI_KERNEL (0x80).
  if (info.si_code > 0xff) return {info.si_code >> 8, info.si_code & 0x7f, false};
  if (info.si_signo == SIGTRAP && info.si_code == (SIGTRAP | 0x80)) return {};
  return {0, info.si_signo, true};
}

/// The kernel's internal results that ask for the call to be run again: -ERESTARTSYS, NOINTR, NOHAND, RESTARTBLOCK.
bool awaits_restart(const user_regs_struct& regs) {
  const auto result = static_cast<int64_t>(regs.rax);
  return static_cast<int64_t>(regs.orig_rax) >= 0 &&
         (result == -512 || result == -513 || result == -514 || result == -516);
}

/// A stopped task on loan: registers and signal mask as they were found are put back by `give_back`.
class Loan {
 public:
  Loan(Waiter& waiter, pid_t tid) : waiter_(waiter), tid_(tid) {}

  Status take();
  Result<int64_t> run(RemotePtr insn, uint64_t number, const SyscallArgs& args);
  Status give_back();

 private:
  StoppedTask task() const { return StoppedTask(tid_); }
  /// Resumes up to the next syscall-stop, or the delivery of `awaited_signal`; what else happens is kept for later.
  /// ESRCH if the task is on its way out.
  Status step(ResumeHow how, int awaited_signal = 0);
  /// From the entry-stop of a system call that nobody asked for to its exit-stop, the call not run.
  Status drop_call(user_regs_struct& regs);
  Status enter_trap_stop();
  Status enter_signal_stop();
  /// At the signal-delivery-stop of a SIGSTOP, which nobody else is going to see.
  Status keep_stop();

  Waiter& waiter_;
  pid_t tid_;
  user_regs_struct saved_ = {};
  siginfo_t info_ = {};
  KernelSigset mask_ = 0;
  StopKind stop_;
  bool interrupt_again_ = false;
};

Status Loan::step(ResumeHow how, int awaited_signal) {
  int signal = 0;
  while (true) {
    if (const Status status = task().resume(how, signal); !status.ok()) return status;
    signal = 0;
    const auto waited = waiter_.wait_for(tid_);
    if (!waited.ok()) return waited.error();
    const WaitEvent event = waited.value();
    switch (event.kind) {
      case EventKind::Syscall:
        return {};
      case EventKind::Signal:
        if (event.detail == awaited_signal) return {};
        // The only one that no mask holds back. Any other was forced: there's no `syscall` instruction at `insn`.
        if (event.detail != SIGSTOP) return OsError{EFAULT, kOperation};
        // Its stop begins now. Sent again later, it would come after a SIGCONT that has been sent meanwhile.
        if (const Status status = keep_stop(); !status.ok()) return status;
        signal = SIGSTOP;
        break;
      case EventKind::GroupStop:
      case EventKind::InterruptStop:
        interrupt_again_ = true;
        break;
      case EventKind::Event:
        // A clone or fork that we make: its result tells. An exec is another thread's, and the end of this one.
        if (event.detail != PTRACE_EVENT_EXIT && event.detail != PTRACE_EVENT_EXEC) break;
        waiter_.give_back(event);
        return kTaskGone;
      case EventKind::Exited:
      case EventKind::Zombie:
        waiter_.give_back(event);
        return kTaskGone;
      default:
        return kTaskGone;
    }
  }
}

Status Loan::keep_stop() {
  siginfo_t info;
  if (const Status status = task().get_siginfo(info); !status.ok()) return status;
  waiter_.keep_stop(tid_, info);
  return {};
}

Status Loan::take() {
  if (const Status status = task().get_siginfo(info_); !status.ok()) return OsError{status.error().number, kOperation};
  stop_ = kind_of(info_);
  if (stop_.event == PTRACE_EVENT_EXIT) return kTaskGone;
  if (stop_.event == PTRACE_EVENT_VFORK) return OsError{EBUSY, kOperation};
  if (const Status status = task().get_sigmask(mask_); !status.ok()) return status;
  if (const Status status = task().set_sigmask(kAllSignals); !status.ok()) return status;
  if (stop_.event != 0 && stop_.event != PTRACE_EVENT_STOP) {
    // In the middle of a call whose result the kernel has yet to store: it would overwrite rax.
    if (const Status status = step(ResumeHow::Syscall); !status.ok()) return status;
  }
  return task().get_registers(saved_);
}

Result<int64_t> Loan::run(RemotePtr insn, uint64_t number, const SyscallArgs& args) {
  user_regs_struct regs = saved_;
  regs.rip = insn.value;
  regs.rax = number;
  // Neither restart the interrupted call nor run one that is at its entry.
  regs.orig_rax = ~0ULL;
  regs.rdi = args[0];
  regs.rsi = args[1];
  regs.rdx = args[2];
  regs.r10 = args[3];
  regs.r8 = args[4];
  regs.r9 = args[5];

  // Syscall-stops, not single steps: a step's SIGTRAP is forced, which resets the handler of a task that ignores
  // SIGTRAP.
  const user_regs_struct wanted = regs;
  int syscall_stops = 0;
  while (true) {
    if (syscall_stops == 0) {
      if (const Status status = task().set_registers(wanted); !status.ok()) return status.error();
    }
    if (const Status status = step(ResumeHow::Syscall); !status.ok()) return status.error();
    if (const Status status = task().get_registers(regs); !status.ok()) return status.error();
    // Leaving the system call we found the task in gives an exit-stop of its own, before `insn` runs.
    if (regs.rip == insn.value) continue;
    if (regs.rip != insn.value + kSyscallLength) {
      if (const Status status = drop_call(regs); !status.ok()) return status.error();
      return OsError{EFAULT, kOperation};
    }
    if (++syscall_stops < 2) continue;
    if (!awaits_restart(regs)) return static_cast<int64_t>(regs.rax);
    syscall_stops = 0;
  }
}

Status Loan::drop_call(user_regs_struct& regs) {
  regs.orig_rax = ~0ULL;
  if (const Status status = task().set_registers(regs); !status.ok()) return status;
  return step(ResumeHow::Syscall);
}

Status Loan::give_back() {
  if (const Status status = task().set_registers(saved_); !status.ok()) return status;
  if (stop_.signal_delivery) {
    if (const Status status = enter_signal_stop(); !status.ok()) return status;
  } else if (stop_.event == PTRACE_EVENT_STOP || awaits_restart(saved_)) {
    if (const Status status = enter_trap_stop(); !status.ok()) return status;
  }
  if (const Status status = task().set_sigmask(mask_); !status.ok()) return status;

  if (interrupt_again_) ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr);
  return {};
}

/// Into a PTRACE_EVENT_STOP without running user code. Only from inside the kernel's signal handling, where that stop
/// is, is an interrupted call restarted.
Status Loan::enter_trap_stop() {
  if (ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr) != 0) return last_error("ptrace");
  const bool interrupt_before = interrupt_again_;
  if (const Status status = task().resume(ResumeHow::Cont, 0); !status.ok()) return status;
  auto waited = waiter_.wait_for(tid_);
  if (!waited.ok()) return waited.error();
  const WaitEvent event = waited.value();
  if (event.kind == EventKind::GroupStop || event.kind == EventKind::InterruptStop) {
    // A stop that nobody has been told of yet: the task would go on in the midst of it.
    const bool is_new = event.kind == EventKind::GroupStop && (stop_.event != PTRACE_EVENT_STOP || stop_.signal == SIGTRAP);
    interrupt_again_ = interrupt_before || is_new;
    return {};
  }
  waiter_.give_back(event);
  return kTaskGone;
}

/// Back into a signal-delivery-stop of the signal that was being delivered.
Status Loan::enter_signal_stop() {
  // Sending SIGCONT undoes stops that wait, and sending a stop undoes SIGCONT: another signal carries what such a one tells.
  const int carrier = is_job_control(stop_.signal) ? SIGWINCH : stop_.signal;
  if (syscall(SYS_tkill, tid_, carrier) != 0) return last_error("tkill");
  if (const Status status = task().set_sigmask(kAllSignals & ~bit_of(carrier)); !status.ok()) return status;
  if (const Status status = step(ResumeHow::Cont, carrier); !status.ok()) return status;
  return task().set_siginfo(info_);
}

}  // namespace

Result<std::vector<int64_t>> remote_syscalls(Waiter& waiter, pid_t tid, RemotePtr insn,
                                             const std::vector<RemoteCall>& calls) {
  Loan loan(waiter, tid);
  if (const Status status = loan.take(); !status.ok()) return status.error();
  std::vector<int64_t> results;
  std::optional<OsError> failure;
  for (const RemoteCall& call : calls) {
    const auto result = loan.run(insn, call.number, call.args);
    if (!result.ok()) {
      if (result.error().number == ESRCH) return kTaskGone;
      failure = result.error();
      break;
    }
    results.push_back(result.value());
  }
  const Status status = loan.give_back();
  if (failure) return *failure;
  if (!status.ok()) return status.error();
  return results;
}
