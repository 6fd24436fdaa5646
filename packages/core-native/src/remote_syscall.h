#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "errors.h"
#include "memory.h"
#include "remote_ptr.h"
#include "stopped_task.h"
#include "wait.h"

using SyscallArgs = std::array<uint64_t, 6>;

struct RemoteCall {
  uint64_t number = 0;
  SyscallArgs args = {};
};

/// An argument that is what an earlier call returned.
struct RemoteLink {
  uint32_t call = 0;
  uint32_t argument = 0;
  uint32_t result_of = 0;
};

/// Code of ours in tasks' memory by which calls need one stop together, instead of two each: it ends in a trap. The signal is
/// forced: only for tasks that neither handle nor ignore SIGTRAP. One that waits for the task is sent again by us.
struct TrapCalls {
  /// A `syscall` instruction; int3 comes behind it, as behind any other that is named while this is in use.
  RemotePtr insn = {0};
  /// Makes the calls of a table from rbx to r12, and stores the results in it. `end` is behind its trap.
  RemotePtr loop = {0};
  RemotePtr end = {0};
  RemotePtr table = {0};
  size_t table_size = 0;
};

/// Makes system calls in a stopped task, one after the other and whatever they return, through the `syscall`
/// instruction at `insn`, all signals blocked, and puts registers and signal mask back. Returns the raw results
/// (negative errno).
///
/// What is left behind, by the stop the task was in:
///  - syscall-exit-stop, PTRACE_EVENT_STOP, group-stop: the same state; the next resume goes on as it would have.
///  - syscall-entry-stop: the pending call is dropped, as after PTRACE_SYSEMU. A caller that wants it run sets rip back
///  by 2
///    and rax to orig_rax.
///  - PTRACE_EVENT_EXEC, FORK, CLONE, VFORK_DONE: the interrupted call is finished first, so the task is past its
///    syscall-exit-stop, with the registers of that stop.
///  - signal-delivery-stop: the task is in a new signal-delivery-stop of the same signal with the same siginfo.
///  (Another
///    pending instance of the same signal below SIGRTMIN merges with it, as the kernel merges them; a pending SIGWINCH
///    is lost with SIGCONT and its like.)
///  - PTRACE_EVENT_VFORK, where the task would wait for its child: EBUSY, nothing done.
/// If the task dies or is in its PTRACE_EVENT_EXIT stop: ESRCH. A stop or end that was seen here first is reported by
/// the next wait. EFAULT: no `syscall` instruction at `insn`; the task is as it was, unless what is there has done
/// something. A SIGSTOP that comes in between takes effect, and is kept by the waiter (`take_stop`), as no
/// signal-delivery-stop will tell of it; for it, and for a PTRACE_INTERRUPT that comes in between, the task is interrupted
/// at the end. With `traps` the stop that is left is as good as a syscall-exit-stop, and says so.
Result<std::vector<int64_t>> remote_syscalls(Waiter& waiter, pid_t tid, RemotePtr insn, std::vector<RemoteCall> calls,
                                             const std::vector<RemoteLink>& links = {},
                                             const TrapCalls* traps = nullptr, const TaskMemory* memory = nullptr);
