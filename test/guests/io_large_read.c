/* Single reads and writes of 32 MiB, and one too long for any: cut at 2 GiB less a page by the kernel. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>

int main(void) {
  const size_t size = 32 << 20;
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  uint64_t *out = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  uint64_t *in = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  uint64_t word;
  CHECK(getrandom(&word, sizeof(word), 0) == sizeof(word));
  for (size_t i = 0; i < size / 8; i++) {
    word = word * 6364136223846793005u + 1442695040888963407u;
    out[i] = word;
  }
  CHECK(write(fd, out, size) == (ssize_t)size);
  CHECK(pread(fd, in, size, 0) == (ssize_t)size);
  CHECK(memcmp(in, out, size) == 0);
  for (size_t i = 0; i < size; i += 4096)
    mix((char *)in + i, 8);
  CHECK_SYS(ftruncate(fd, 0));

  /* 32 MiB of zeros from a device, over all of it. */
  int zero = CHECK_SYS(open("/dev/zero", O_RDONLY));
  CHECK(read(zero, in, size) == (ssize_t)size);
  for (size_t i = 0; i < size / 8; i++)
    CHECK(in[i] == 0);
  int null = CHECK_SYS(open("/dev/null", O_WRONLY));
  const size_t huge = 0x7ffff000ul + 5000;
  void *reserved = mmap(NULL, huge, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved != MAP_FAILED)
    CHECK(write(null, reserved, huge) == 0x7ffff000);
  CHECK_ERRNO(syscall(SYS_read, zero, in, 1ul << 63), EFAULT);
  return done();
}
