#include "fd_info.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unique_fd.h"

namespace {

OsError missing(pid_t tid, const char* operation) {
  if (errno != ENOENT) return last_error(operation);
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", tid);
  return OsError{access(path, F_OK) == 0 ? EBADF : ESRCH, operation};
}

/// The number behind `key` in fdinfo's text; 0 if there's none.
uint64_t field(const char* text, const char* key, int base) {
  const char* const found = strstr(text, key);
  return found == nullptr ? 0 : strtoull(found + strlen(key), nullptr, base);
}

}  // namespace

Result<FdInfo> read_fd_identity(pid_t tid, int fd) {
  char path[64];
  FdInfo info = {};
  snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
  // Follows the link to the open file itself, also where its text is no path.
  if (::stat(path, &info.stat) != 0) return missing(tid, "stat /proc/TID/fd");
  char link[PATH_MAX];
  const ssize_t length = readlink(path, link, sizeof link);
  if (length < 0) return missing(tid, "readlink /proc/TID/fd");
  info.path.assign(link, static_cast<size_t>(length));
  return info;
}

Result<FdInfo> read_fd_info(pid_t tid, int fd) {
  auto identity = read_fd_identity(tid, fd);
  if (!identity.ok()) return identity;
  FdInfo info = identity.value();
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, fd);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return missing(tid, "open /proc/TID/fdinfo");
  char text[512];
  const ssize_t count = read(file.get(), text, sizeof text - 1);
  if (count < 0) return missing(tid, "read /proc/TID/fdinfo");
  text[count] = '\0';
  info.position = field(text, "pos:", 10);
  info.flags = static_cast<uint32_t>(field(text, "flags:", 8));
  return info;
}
