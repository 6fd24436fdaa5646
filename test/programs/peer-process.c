/* Rests with a unix connection to another process, both of which have asked who is at the other end. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_peer(int fd, pid_t pid) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == pid;
}

int main(void) {
  struct sockaddr_un place = {.sun_family = AF_UNIX};
  socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + sprintf(place.sun_path + 1, "peer-process-%d", getpid());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  int asked[2];
  char byte = 0;
  if (bind(listener, (struct sockaddr *)&place, size) < 0 || listen(listener, 1) < 0 || pipe(asked) < 0) return 1;
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&place, size) < 0 || !is_peer(fd, parent)) return 2;
    write(asked[1], &byte, 1);
    return read(fd, &byte, 1) == 1 && byte == 'x' ? 7 : 3;
  }
  const int fd = accept(listener, 0, 0);
  if (fd < 0 || !is_peer(fd, child) || read(asked[0], &byte, 1) != 1) return 4;
  write(1, "rests\n", 6);
  if (read(0, &byte, 1) != 1 || write(fd, &byte, 1) != 1) return 5;
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
