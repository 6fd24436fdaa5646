#include "remote_syscall.h"

#include <signal.h>
#include <stddef.h>
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
/// And of the int3 behind it.
constexpr uint64_t kTrapLength = 1;

/// A call in the table of the loop in the task. The arguments are named by address: one's may be another's result.
struct TableEntry {
  /// The number; afterwards the result.
  uint64_t number;
  uint64_t argument_at[6];
  uint64_t arguments[6];
};
static_assert(sizeof(TableEntry) == 104, "the loop in the task (lib/reserved.ts) steps by this");

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
  /// Syscall User Dispatch has raised that signal.
  bool dispatched = false;
};

StopKind kind_of(const siginfo_t& info) {
  // ptrace's own codes are (event << 8 | signal) and SIGTRAP | 0x80; no signal has a code above SI_KERNEL (0x80).
  if (info.si_code > 0xff) return {info.si_code >> 8, info.si_code & 0x7f, false};
  if (info.si_signo == SIGTRAP && info.si_code == (SIGTRAP | 0x80)) return {};
  return {0, info.si_signo, true, info.si_signo == SIGSYS && info.si_code == kUserDispatch};
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
  /// As `run`, up to the trap behind the instruction.
  Result<int64_t> run_to_trap(RemotePtr insn, uint64_t number, const SyscallArgs& args);
  /// Has the loop make `calls`, of which the table has room for all.
  Status run_table(const TrapCalls& traps, const TaskMemory& memory, const std::vector<RemoteCall>& calls,
                   const std::vector<RemoteLink>& links, std::vector<int64_t>& results);
  Status give_back();

 private:
  StoppedTask task() const { return StoppedTask(tid_); }
  /// Resumes up to the next syscall-stop, or the delivery of `awaited_signal`; what else happens is kept for later.
  /// ESRCH if the task is on its way out.
  Status step(ResumeHow how, int awaited_signal = 0);
  /// From the entry-stop of a system call that nobody asked for to its exit-stop, the call not run.
  Status drop_call(user_regs_struct& regs);
  /// Lets it run with these registers up to a trap before `end`.
  Status go_to_trap(user_regs_struct& regs, uint64_t end);
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
  /// It stands at a trap of ours.
  bool trapped_ = false;
  bool send_trap_again_ = false;
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

Status Loan::go_to_trap(user_regs_struct& regs, uint64_t end) {
  // The last trap has unblocked itself, and one that somebody sends would come as ours.
  if (trapped_) {
    if (const Status status = task().set_sigmask(kAllSignals); !status.ok()) return status;
  }
  regs.orig_rax = ~0ULL;
  if (const Status status = task().set_registers(regs); !status.ok()) return status;
  if (const Status status = step(ResumeHow::Cont, SIGTRAP); !status.ok()) return status;
  trapped_ = true;
  siginfo_t info;
  if (const Status status = task().get_siginfo(info); !status.ok()) return status;
  // The kernel has found one waiting that somebody has sent, and made the two one.
  if (info.si_code <= 0) send_trap_again_ = true;
  if (const Status status = task().get_registers(regs); !status.ok()) return status;
  return regs.rip == end ? Status{} : Status(OsError{EFAULT, kOperation});
}

Result<int64_t> Loan::run_to_trap(RemotePtr insn, uint64_t number, const SyscallArgs& args) {
  user_regs_struct regs = saved_;
  regs.rip = insn.value;
  regs.rax = number;
  regs.rdi = args[0];
  regs.rsi = args[1];
  regs.rdx = args[2];
  regs.r10 = args[3];
  regs.r8 = args[4];
  regs.r9 = args[5];
  const uint64_t end = insn.value + kSyscallLength + kTrapLength;
  if (const Status status = go_to_trap(regs, end); !status.ok()) return status.error();
  return static_cast<int64_t>(regs.rax);
}

Status Loan::run_table(const TrapCalls& traps, const TaskMemory& memory, const std::vector<RemoteCall>& calls,
                       const std::vector<RemoteLink>& links, std::vector<int64_t>& results) {
  std::vector<TableEntry> entries(calls.size());
  const auto address_of = [&](size_t call) { return traps.table.value + call * sizeof(TableEntry); };
  for (size_t call = 0; call < calls.size(); call++) {
    TableEntry& entry = entries[call];
    entry.number = calls[call].number;
    for (size_t i = 0; i < calls[call].args.size(); i++) {
      entry.arguments[i] = calls[call].args[i];
      entry.argument_at[i] = address_of(call) + offsetof(TableEntry, arguments) + i * sizeof(uint64_t);
    }
  }
  for (const RemoteLink& link : links) entries[link.call].argument_at[link.argument] = address_of(link.result_of);
  const size_t size = entries.size() * sizeof(TableEntry);
  const auto written = memory.write(tid_, traps.table, entries.data(), size);
  if (!written.ok()) return written.error();
  if (written.value() != size) return OsError{EFAULT, kOperation};
  user_regs_struct regs = saved_;
  regs.rip = traps.loop.value;
  regs.rbx = traps.table.value;
  regs.r12 = traps.table.value + size;
  if (const Status status = go_to_trap(regs, traps.end.value); !status.ok()) return status;
  const auto read = memory.read(tid_, traps.table, entries.data(), size);
  if (!read.ok()) return read.error();
  if (read.value() != size) return OsError{EFAULT, kOperation};
  for (const TableEntry& entry : entries) results.push_back(static_cast<int64_t>(entry.number));
  return {};
}

Status Loan::drop_call(user_regs_struct& regs) {
  regs.orig_rax = ~0ULL;
  if (const Status status = task().set_registers(regs); !status.ok()) return status;
  return step(ResumeHow::Syscall);
}

Status Loan::give_back() {
  if (const Status status = task().set_registers(saved_); !status.ok()) return status;
  // Whoever uses traps knows by now which call dispatch has stopped it at.
  if (stop_.signal_delivery && !(stop_.dispatched && trapped_)) {
    if (const Status status = enter_signal_stop(); !status.ok()) return status;
  } else if (stop_.event == PTRACE_EVENT_STOP || awaits_restart(saved_)) {
    if (const Status status = enter_trap_stop(); !status.ok()) return status;
  } else if (trapped_) {
    // Whoever looks at this stop finds one that is nobody's signal.
    siginfo_t info = {};
    info.si_signo = SIGTRAP;
    info.si_code = SIGTRAP | 0x80;
    if (const Status status = task().set_siginfo(info); !status.ok()) return status;
  }
  if (const Status status = task().set_sigmask(mask_); !status.ok()) return status;
  if (send_trap_again_ && syscall(SYS_tkill, tid_, SIGTRAP) != 0) return last_error("tkill");

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

Result<std::vector<int64_t>> remote_syscalls(Waiter& waiter, pid_t tid, RemotePtr insn, std::vector<RemoteCall> calls,
                                             const std::vector<RemoteLink>& links, const TrapCalls* traps,
                                             const TaskMemory* memory) {
  Loan loan(waiter, tid);
  if (const Status status = loan.take(); !status.ok()) return status.error();
  std::vector<int64_t> results;
  std::optional<OsError> failure;
  const bool has_loop = traps != nullptr && insn.value == traps->insn.value;
  if (has_loop && calls.size() > 1 && calls.size() * sizeof(TableEntry) <= traps->table_size) {
    if (const Status status = loan.run_table(*traps, *memory, calls, links, results); !status.ok())
      failure = status.error();
  } else {
    for (size_t i = 0; i < calls.size(); i++) {
      for (const RemoteLink& link : links) {
        if (link.call == i) calls[i].args[link.argument] = static_cast<uint64_t>(results[link.result_of]);
      }
      const auto result = traps != nullptr ? loan.run_to_trap(insn, calls[i].number, calls[i].args)
                                           : loan.run(insn, calls[i].number, calls[i].args);
      if (!result.ok()) {
        failure = result.error();
        break;
      }
      results.push_back(result.value());
    }
  }
  if (failure && failure->number == ESRCH) return kTaskGone;
  const Status status = loan.give_back();
  if (failure) return *failure;
  if (!status.ok()) return status.error();
  return results;
}
