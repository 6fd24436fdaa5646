#include "task_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "unique_fd.h"

std::optional<std::string> read_task_file(pid_t tid, const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::string text;
  char piece[4096];
  while (true) {
    const ssize_t count = read(file.get(), piece, sizeof piece);
    if (count > 0) {
      text.append(piece, static_cast<size_t>(count));
    } else if (count == 0) {
      return text;
    } else if (errno != EINTR) {
      return std::nullopt;
    }
  }
}
