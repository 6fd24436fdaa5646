#include "own_traps.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "clock.h"

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

namespace {

/// What handled SIGSEGV before. A signal disposition belongs to the process, so this does too.
struct sigaction previous;
std::once_flag installed;

bool set_cpuid(bool enabled) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, enabled ? 1L : 0L) == 0; }

/// Fewer waits are over before it pays.
constexpr int kManyWaits = 500;
/// Two system calls take less, with a register that is rewritten at no cost, ns.
constexpr int64_t kSlowNs = 4000;
constexpr int kTries = 5;

enum class Tsc { Left, Unknown, Trapped, Opened };
/// The handler reads it: it must need no memory of its own there.
__attribute__((tls_model("initial-exec"))) thread_local Tsc tsc = Tsc::Left;
thread_local int waits = 0;

bool set_tsc(bool enabled) { return prctl(PR_SET_TSC, enabled ? PR_TSC_ENABLE : PR_TSC_SIGSEGV, 0, 0, 0) == 0; }

bool is_tsc_slow_to_set() {
  int64_t best = INT64_MAX;
  for (int i = 0; i < kTries; i++) {
    const int64_t start = monotonic_ns();
    if (!set_tsc(false) || !set_tsc(true)) return false;
    best = std::min(best, monotonic_ns() - start);
  }
  return best > kSlowNs;
}

/// True if the instruction is rdtsc or rdtscp, and traps in this thread no more.
bool opened_for(const unsigned char* code) {
  if (code[0] != 0x0f || (code[1] != 0x31 && (code[1] != 0x01 || code[2] != 0xf9))) return false;
  int mode = PR_TSC_ENABLE;
  if (prctl(PR_GET_TSC, &mode, 0, 0, 0) != 0 || mode == PR_TSC_ENABLE || !set_tsc(true)) return false;
  // A thread that was made by one in which it traps has never waited for tasks: there it stays open.
  if (tsc == Tsc::Trapped) tsc = Tsc::Opened;
  return true;
}

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
    if (opened_for(code)) return;
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

void install() {
  std::call_once(installed, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_segv;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous);
  });
}

}  // namespace

bool trap_cpuid_here() {
  install();
  return set_cpuid(false);
}

void match_tsc_here() {
  if (tsc == Tsc::Left) tsc = Tsc::Unknown;
}

void match_tsc() {
  if (tsc == Tsc::Trapped || tsc == Tsc::Left) return;
  if (tsc == Tsc::Unknown) {
    if (++waits < kManyWaits) return;
    tsc = Tsc::Left;
    install();
    if (!is_tsc_slow_to_set()) return;
  }
  if (set_tsc(false)) tsc = Tsc::Trapped;
}

void open_tsc() {
  if (tsc == Tsc::Trapped) set_tsc(true);
}
