#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>

#include "errors.h"

/// What a socket of another process is, and what it is connected with. Addresses of 0 bytes: it has none.
struct SocketEnds {
  /// SOCK_STREAM and so on; 0: it is no socket.
  int type = 0;
  sockaddr_storage local = {};
  socklen_t local_size = 0;
  sockaddr_storage peer = {};
  socklen_t peer_size = 0;
  /// The process that a unix socket was connected by, or that made it listen (SO_PEERCRED), as seen from here; 0: none.
  pid_t peer_pid = 0;
  uint64_t inode = 0;
};

/// Looks at a copy of the descriptor, without a call of the process (pidfd_getfd). `pid`: the process's leader.
Result<SocketEnds> read_socket_ends(pid_t pid, int fd);
