/* getrandom with its flags and odd sizes, the random devices, getentropy: all of it ends up in the output. */
#include "guest.h"

#include <sys/random.h>

int main(void) {
  static unsigned char bytes[1 << 20];
  static const size_t sizes[] = {0, 1, 7, 255, 256, 257, 4096, 65537};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    memset(bytes, 0, sizes[i] + 16);
    CHECK(getrandom(bytes, sizes[i], i % 2 ? GRND_NONBLOCK : 0) == (ssize_t)sizes[i]);
    for (int after = 0; after < 16; after++)
      CHECK(bytes[sizes[i] + (size_t)after] == 0);
    mix(bytes, sizes[i]);
  }
  /* One call may give less than was asked for when a signal comes; none does here. */
  CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
  MIX(bytes);
  CHECK_SYS(getentropy(bytes, 256));
  mix(bytes, 256);
  ssize_t size = getrandom(bytes, 16, GRND_RANDOM | GRND_NONBLOCK);
  printf("GRND_RANDOM: %zd\n", size);
  size = getrandom(bytes, 16, GRND_INSECURE);
  printf("GRND_INSECURE: %zd errno %d\n", size, size == -1 ? errno : 0);
  mix(bytes, 16);
  CHECK_ERRNO(getrandom(bytes, 16, 0x100), EINVAL);

  static const char *devices[] = {"/dev/urandom", "/dev/random"};
  for (int i = 0; i < 2; i++) {
    int fd = CHECK_SYS(open(devices[i], O_RDONLY));
    size = CHECK_SYS(read(fd, bytes, 100));
    CHECK(size > 0);
    mix(bytes, (size_t)size);
    FILE *stream = fdopen(fd, "r");
    CHECK(stream != NULL && fread(bytes, 1, 5000, stream) == 5000);
    mix(bytes, 5000);
    fclose(stream);
  }
  for (int i = 0; i < 4; i++)
    printf("%02x", bytes[i]);
  printf("\n");
  return done();
}
