#include "cpuid_trap.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <mutex>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

namespace {

/// What handled SIGSEGV before. A signal disposition belongs to the process, so this does too.
struct sigaction previous;
std::once_flag installed;

bool set_cpuid(bool enabled) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, enabled ? 1L : 0L) == 0; }

void on_segv(int signo, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  // A general protection fault has no address; only then is it safe to look at the instruction.
  if (info->si_code == SI_KERNEL) {
    const auto* code = reinterpret_cast<const unsigned char*>(registers[REG_RIP]);
    if (code[0] == 0x0f && code[1] == 0xa2) {
      unsigned a = 0, b = 0, c = 0, d = 0;
      set_cpuid(true);
      __cpuid_count(static_cast<unsigned>(registers[REG_RAX]), static_cast<unsigned>(registers[REG_RCX]), a, b, c, d);
      set_cpuid(false);
      registers[REG_RAX] = a;
      registers[REG_RBX] = b;
      registers[REG_RCX] = c;
      registers[REG_RDX] = d;
      registers[REG_RIP] += 2;
      return;
    }
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signo, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signo);
  } else {
    // Not ours: the instruction is run again and ends the process as it would have.
    signal(SIGSEGV, SIG_DFL);
  }
}

}  // namespace

bool trap_cpuid_here() {
  std::call_once(installed, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_segv;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous);
  });
  return set_cpuid(false);
}
