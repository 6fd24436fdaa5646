#include "stopped_task.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

namespace {

constexpr int kPtraceSysemu = 31;
constexpr int kPtraceSysemuSinglestep = 32;
/// Queued signals that are looked at with one request.
constexpr int kPeekedAtOnce = 8;
constexpr int kPtraceGetSigmask = 0x420a;
constexpr int kPtraceSetSigmask = 0x420b;

Status request(int what, pid_t tid, uintptr_t addr, uintptr_t data) {
  const auto op = static_cast<__ptrace_request>(what);
  if (ptrace(op, tid, reinterpret_cast<void*>(addr), reinterpret_cast<void*>(data)) == 0) return {};
  return last_error("ptrace");
}

constexpr uintptr_t debug_register(size_t number) {
  return offsetof(user, u_debugreg) + number * sizeof(user::u_debugreg[0]);
}

uintptr_t address_of(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace

Status StoppedTask::get_registers(user_regs_struct& regs) const {
  return request(PTRACE_GETREGS, tid_, 0, address_of(&regs));
}

Status StoppedTask::set_registers(const user_regs_struct& regs) const {
  return request(PTRACE_SETREGS, tid_, 0, address_of(&regs));
}

Status StoppedTask::get_siginfo(siginfo_t& info) const {
  return request(PTRACE_GETSIGINFO, tid_, 0, address_of(&info));
}

Status StoppedTask::set_siginfo(const siginfo_t& info) const {
  return request(PTRACE_SETSIGINFO, tid_, 0, address_of(&info));
}

Status StoppedTask::get_sigmask(KernelSigset& mask) const {
  return request(kPtraceGetSigmask, tid_, sizeof mask, address_of(&mask));
}

Status StoppedTask::set_sigmask(KernelSigset mask) const {
  return request(kPtraceSetSigmask, tid_, sizeof mask, address_of(&mask));
}

Result<bool> StoppedTask::has_waiting_signal(std::optional<KernelSigset> mask) const {
  for (const uint32_t queue : {0u, uint32_t{PTRACE_PEEKSIGINFO_SHARED}}) {
    siginfo_t infos[kPeekedAtOnce];
    __ptrace_peeksiginfo_args args = {};
    args.flags = queue;
    args.nr = kPeekedAtOnce;
    while (true) {
      const long count = ptrace(PTRACE_PEEKSIGINFO, tid_, &args, infos);
      if (count < 0) return last_error("ptrace");
      // Nearly always none waits.
      if (count > 0 && !mask) {
        KernelSigset own;
        if (const Status status = get_sigmask(own); !status.ok()) return status.error();
        mask = own;
      }
      for (long i = 0; i < count; i++)
        if ((*mask >> (infos[i].si_signo - 1) & 1) == 0) return true;
      if (count < kPeekedAtOnce) break;
      args.off += static_cast<uint64_t>(count);
    }
  }
  return false;
}

Result<uint64_t> StoppedTask::event_message() const {
  unsigned long message = 0;
  const Status status = request(PTRACE_GETEVENTMSG, tid_, 0, address_of(&message));
  if (!status.ok()) return status.error();
  return static_cast<uint64_t>(message);
}

Status StoppedTask::set_breakpoints(const uint64_t* addrs, size_t count) const {
  // Debug register 7: bits 0, 2, 4, 6 enable registers 0 to 3; their types (execute) and lengths are zeros.
  uintptr_t enabled = 0;
  if (const Status status = request(PTRACE_POKEUSER, tid_, debug_register(7), 0); !status.ok()) return status;
  for (size_t i = 0; i < count; i++) {
    if (const Status status = request(PTRACE_POKEUSER, tid_, debug_register(i), addrs[i]); !status.ok()) return status;
    enabled |= uintptr_t{1} << (2 * i);
  }
  if (enabled == 0) return {};
  return request(PTRACE_POKEUSER, tid_, debug_register(7), enabled);
}

Status StoppedTask::resume(ResumeHow how, int signal) && {
  static constexpr int kRequests[kResumeHowCount] = {
      PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, kPtraceSysemu, kPtraceSysemuSinglestep, PTRACE_LISTEN,
  };
  const Status status = request(kRequests[static_cast<int>(how)], tid_, 0, static_cast<uintptr_t>(signal));
  // ptrace_request: the task is in no group-stop any more, as it has been killed meanwhile.
  if (how == ResumeHow::Listen && !status.ok() && status.error().number == EIO) return OsError{ESRCH, "ptrace"};
  return status;
}

Status StoppedTask::detach(int signal) && { return request(PTRACE_DETACH, tid_, 0, static_cast<uintptr_t>(signal)); }
