#include "socket_ends.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unique_fd.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

Result<SocketEnds> read_socket_ends(pid_t pid, int fd) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return last_error("pidfd_open");
  const UniqueFd copy(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
  if (!copy.valid()) return last_error("pidfd_getfd");

  SocketEnds ends;
  socklen_t size = sizeof ends.type;
  if (getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &ends.type, &size) != 0) return SocketEnds{};
  size = sizeof ends.local;
  if (getsockname(copy.get(), reinterpret_cast<sockaddr*>(&ends.local), &size) == 0) ends.local_size = size;
  size = sizeof ends.peer;
  if (getpeername(copy.get(), reinterpret_cast<sockaddr*>(&ends.peer), &size) == 0) ends.peer_size = size;
  ucred credentials = {};
  size = sizeof credentials;
  if (getsockopt(copy.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) ends.peer_pid = credentials.pid;
  struct stat status;
  if (fstat(copy.get(), &status) == 0) ends.inode = status.st_ino;
  return ends;
}
