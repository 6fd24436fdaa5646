/* Reads /dev/zero N times, one byte a call. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 100000;
  char byte;
  int fd = open("/dev/zero", O_RDONLY);
  for (long i = 0; i < count; i++) {
    if (read(fd, &byte, 1) != 1) return 1;
  }
  return 0;
}
