#include "xstate.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

namespace {

/// More than any processor's: with AMX tiles it's about 11 KiB.
constexpr size_t kMaxSize = 32768;
constexpr size_t kLegacySize = 512;
/// Offsets in the XSAVE area.
constexpr size_t kFcw = 0;
constexpr size_t kMxcsr = 24;
constexpr size_t kMxcsrMask = 28;
constexpr size_t kFirstRegister = 32;
constexpr size_t kLegacyRegistersEnd = 416;
constexpr size_t kInUse = kLegacySize;

constexpr uint16_t kInitialFcw = 0x37f;
constexpr uint32_t kInitialMxcsr = 0x1f80;
constexpr uint64_t kX87AndSse = 3;
/// PKRU is no vector register: the kernel has set it for the handler.
constexpr uint64_t kProtectionKeys = 1 << 9;

Status regset(__ptrace_request request, pid_t tid, iovec& io) {
  if (ptrace(request, tid, reinterpret_cast<void*>(NT_X86_XSTATE), &io) == 0) return {};
  return last_error("ptrace");
}

}  // namespace

Result<std::vector<uint8_t>> get_xstate(const StoppedTask& task) {
  std::vector<uint8_t> state(kMaxSize);
  iovec io = {state.data(), state.size()};
  if (const Status status = regset(PTRACE_GETREGSET, task.tid(), io); !status.ok()) return status.error();
  state.resize(io.iov_len);
  return state;
}

Status set_xstate(const StoppedTask& task, const uint8_t* state, size_t size) {
  iovec io = {const_cast<uint8_t*>(state), size};
  return regset(PTRACE_SETREGSET, task.tid(), io);
}

Status use_xstate(const StoppedTask& task) {
  user_fpregs_struct legacy = {};
  legacy.cwd = kInitialFcw;
  legacy.mxcsr = kInitialMxcsr;
  if (ptrace(PTRACE_SETFPREGS, task.tid(), nullptr, &legacy) == 0) return {};
  return last_error("ptrace");
}

Status init_xstate(const StoppedTask& task) {
  auto current = get_xstate(task);
  if (!current.ok()) return current.error();
  std::vector<uint8_t>& state = current.value();
  memset(state.data(), 0, kMxcsrMask);
  memset(state.data() + kFirstRegister, 0, kLegacyRegistersEnd - kFirstRegister);
  memcpy(state.data() + kFcw, &kInitialFcw, sizeof kInitialFcw);
  memcpy(state.data() + kMxcsr, &kInitialMxcsr, sizeof kInitialMxcsr);

  // In use, though with initial values: the kernel's own form has them unused, and a hypervisor that switches away from
  // this CPU, whenever it likes, makes that "in use". XSAVEC shows the difference to whoever looks at what it stores.
  uint64_t in_use;
  memcpy(&in_use, state.data() + kInUse, sizeof in_use);
  in_use = kX87AndSse | (in_use & kProtectionKeys);
  memcpy(state.data() + kInUse, &in_use, sizeof in_use);
  return set_xstate(task, state.data(), state.size());
}
