#pragma once

#include <sys/types.h>

#include <cstddef>
#include <unordered_map>

#include "errors.h"
#include "remote_ptr.h"
#include "unique_fd.h"

/// Reads and writes tracees' memory. Transfers stop at the first byte that can't be had: a short count is the ordinary
/// answer at an unmapped page; an error means that not even the task's memory could be reached (ESRCH: it died).
class TaskMemory {
 public:
  Result<size_t> read(pid_t tid, RemotePtr addr, void* into, size_t length) const;
  /// Also writes pages the task itself can't write, as a debugger's poke does (private pages are copied first).
  Result<size_t> write(pid_t tid, RemotePtr addr, const void* from, size_t length) const;
  /// Writes as the kernel does for a call of the task's: stops at a page that the task can't write.
  Result<size_t> store(pid_t tid, RemotePtr addr, const void* from, size_t length) const;

  /// Keeps /proc/TID/mem open. The descriptor stays with the address space it was opened on: an exec makes it useless,
  /// so it must be opened again (`forget` at the exec).
  Status open(pid_t tid);
  bool keeps(pid_t tid) const { return mem_fds_.contains(tid); }
  void forget(pid_t tid) { mem_fds_.erase(tid); }

 private:
  template <class Transfer>
  Result<size_t> through_mem_file(pid_t tid, size_t length, Transfer transfer) const;

  std::unordered_map<pid_t, UniqueFd> mem_fds_;
};
