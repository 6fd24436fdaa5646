/* O_DIRECT pipes keep packets apart, and a small read throws the rest of a packet away; ordinary pipes don't. */
#include "guest.h"

#include <sys/syscall.h>

int main(void) {
  int packet[2], stream[2];
  CHECK_SYS(pipe2(packet, O_DIRECT | O_CLOEXEC));
  CHECK_SYS(pipe2(stream, O_NONBLOCK));
  CHECK(fcntl(packet[0], F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(pipe2(packet, 0x40), EINVAL);
  CHECK_ERRNO(syscall(SYS_pipe, 8L), EFAULT);

  char text[64];
  memset(text, '#', sizeof(text));
  for (int i = 0; i < 3; i++) {
    CHECK(write(packet[1], "0123456789", 10) == 10);
    CHECK(write(stream[1], "0123456789", 10) == 10);
  }
  CHECK(read(packet[0], text, sizeof(text)) == 10);
  CHECK(read(packet[0], text, 3) == 3);
  CHECK(read(packet[0], text + 20, sizeof(text) - 20) == 10);
  MIX(text);
  CHECK(read(stream[0], text, 3) == 3 && read(stream[0], text, sizeof(text)) == 27);
  CHECK_ERRNO(read(stream[0], text, 1), EAGAIN);

  /* A child reads what fits a packet while the parent writes ten times a page. */
  static unsigned char bytes[40960], back[40960];
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes));
  int result[2];
  CHECK_SYS(pipe(result));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK_SYS(close(packet[1]));
    ssize_t got;
    uint64_t reads = 0;
    while ((got = CHECK_SYS(read(packet[0], back, sizeof(back)))) > 0) {
      mix(back, (size_t)got);
      reads++;
    }
    CHECK(reads == 10);
    CHECK(write(result[1], &guest_sum, sizeof(guest_sum)) == sizeof(guest_sum));
    _exit(0);
  }
  MIX(bytes);
  CHECK(write(packet[1], bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK_SYS(close(packet[1]));
  CHECK_SYS(close(packet[0]));
  uint64_t sum;
  CHECK(read(result[0], &sum, sizeof(sum)) == sizeof(sum) && sum == guest_sum);
  wait_ok(child);

  CHECK_SYS(close(stream[1]));
  CHECK(read(stream[0], text, 1) == 0);
  return done();
}
