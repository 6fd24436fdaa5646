/* Waits for the same descriptors again and again, with what the last answer left in the array, and rests in the last wait. */
#include <poll.h>
#include <unistd.h>

int main(void) {
  int both[2];
  char byte;
  if (pipe(both) != 0) return 1;
  struct pollfd polled[] = {{.fd = both[0], .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  for (int i = 0; i < 20; i++) {
    if (write(both[1], "x", 1) != 1 || poll(polled, 2, -1) != 1 || read(both[0], &byte, 1) != 1) return 2;
  }
  write(1, "rests\n", 6);
  if (poll(polled, 2, -1) != 1 || polled[0].revents != 0 || !(polled[1].revents & POLLIN)) return 3;
  return read(0, &byte, 1) == 1 && byte == 'x' ? 7 : 4;
}
