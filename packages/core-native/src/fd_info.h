#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "errors.h"

/// An open file of a task, as /proc/TID/fd and /proc/TID/fdinfo show it.
struct FdInfo {
  struct stat stat;
  /// The link's text: a path (' (deleted)' kept), or 'pipe:[N]', 'socket:[N]', 'anon_inode:NAME'.
  std::string path;
  /// O_* bits, O_CLOEXEC included.
  uint32_t flags;
  uint64_t position;
};

/// Without flags and position, which take three more system calls. Errors as read_fd_info.
Result<FdInfo> read_fd_identity(pid_t tid, int fd);

/// EBADF: no such descriptor; ESRCH: no such task.
Result<FdInfo> read_fd_info(pid_t tid, int fd);
