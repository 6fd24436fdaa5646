/* Unix stream sockets by path and by abstract name; names with NULs; what getsockname, getpeername and accept say. */
#include "guest.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { HEAD = offsetof(struct sockaddr_un, sun_path) };

static void show(const char *what, const struct sockaddr_un *address, socklen_t size) {
  printf("%s: family %d size %u\n", what, address->sun_family, size);
  mix(address, sizeof(*address));
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "socket"}, other;
  int server = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&path, sizeof(path)));
  CHECK_SYS(listen(server, 5));
  CHECK_ERRNO(bind(CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&path, sizeof(path)), EADDRINUSE);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    int client = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_SYS(connect(client, (struct sockaddr *)&path, sizeof(path)));
    pid_t self = getpid();
    CHECK(write(client, &self, sizeof(self)) == sizeof(self));
    CHECK_SYS(shutdown(client, SHUT_WR));
    char text[32];
    CHECK(read(client, text, sizeof(text)) == 3 && memcmp(text, "bye", 3) == 0);
    _exit(0);
  }
  memset(&other, 0xee, sizeof(other));
  socklen_t size = sizeof(other);
  int peer = CHECK_SYS(accept(server, (struct sockaddr *)&other, &size));
  show("accepted", &other, size);
  CHECK(size == sizeof(sa_family_t));
  pid_t self;
  CHECK(read(peer, &self, sizeof(self)) == sizeof(self) && self == child);
  CHECK(read(peer, &self, sizeof(self)) == 0);
  CHECK(write(peer, "bye", 3) == 3);
  wait_ok(child);

  size = sizeof(other);
  CHECK_SYS(getsockname(peer, (struct sockaddr *)&other, &size));
  CHECK(size == HEAD + 7 && strcmp(other.sun_path, "socket") == 0);
  show("own name", &other, size);

  /* The kernel picks an abstract name when only the family is bound. */
  int named = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_SYS(bind(named, (struct sockaddr *)&path, sizeof(sa_family_t)));
  CHECK_SYS(listen(named, 1));
  memset(&other, 0xee, sizeof(other));
  size = sizeof(other);
  CHECK_SYS(getsockname(named, (struct sockaddr *)&other, &size));
  CHECK(size == HEAD + 6 && other.sun_path[0] == '\0');
  printf("abstract name %.5s\n", other.sun_path + 1);
  show("automatic", &other, size);

  int client = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK_SYS(connect(client, (struct sockaddr *)&other, size));
  size = 4;
  struct sockaddr_un cut;
  memset(&cut, 0xee, sizeof(cut));
  CHECK_SYS(getpeername(client, (struct sockaddr *)&cut, &size));
  CHECK(size == HEAD + 6 && (unsigned char)cut.sun_path[2] == 0xee);
  show("cut", &cut, size);
  CHECK_ERRNO(read(client, &self, 1), EAGAIN);
  CHECK_ERRNO(connect(client, (struct sockaddr *)&other, HEAD + 6), EISCONN);

  struct sockaddr_un none = {.sun_family = AF_UNIX, .sun_path = "none"};
  int lost = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_ERRNO(connect(lost, (struct sockaddr *)&none, sizeof(none)), ENOENT);
  CHECK_SYS(close(server));
  CHECK_ERRNO(connect(lost, (struct sockaddr *)&path, sizeof(path)), ECONNREFUSED);
  return done();
}
