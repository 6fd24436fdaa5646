/* Standard input, whatever it is: its kind, its bytes up to the end, its end twice. */
#include "guest.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int main(void) {
  struct stat st;
  CHECK_SYS(fstat(STDIN_FILENO, &st));
  printf("mode %o flags %#x terminal %d\n", st.st_mode, CHECK_SYS(fcntl(STDIN_FILENO, F_GETFL)), isatty(STDIN_FILENO));
  MIX(st);
  if (isatty(STDIN_FILENO))
    skip("a terminal has no end");
  struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1);
  int waiting = -1, result = ioctl(STDIN_FILENO, FIONREAD, &waiting);
  printf("events %#x, %d bytes wait (%d)\n", wait.revents, waiting, result);
  char bytes[4096];
  size_t total = 0;
  ssize_t size;
  while ((size = CHECK_SYS(read(STDIN_FILENO, bytes, sizeof(bytes)))) > 0) {
    mix(bytes, (size_t)size);
    total += (size_t)size;
  }
  CHECK(read(STDIN_FILENO, bytes, sizeof(bytes)) == 0);
  off_t offset = lseek(STDIN_FILENO, 0, SEEK_CUR);
  printf("%zu bytes, offset %lld\n", total, (long long)offset);
  return done();
}
