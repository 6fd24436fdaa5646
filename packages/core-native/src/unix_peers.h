#pragma once

#include <cstdint>

#include "unique_fd.h"

/// Asks the kernel which unix sockets are connected with each other (sock_diag(7)), by their inodes.
class UnixPeers {
 public:
  /// The other end of a unix socket of this process's network namespace; 0 if it is closed, or not to be known.
  uint32_t peer_of(uint32_t inode);

 private:
  UniqueFd socket_;
  bool is_missing_ = false;
};
