/* /proc/self/mem: a read of the program's own memory, and a write that changes it, read-only pages included. */
#include "guest.h"

#include <sys/mman.h>

static const char constant[4096] __attribute__((aligned(4096))) = "constant";

int main(void) {
  int fd = CHECK_SYS(open("/proc/self/mem", O_RDWR));
  uint64_t value = 0x1122334455667788, back = 0;
  CHECK(pread(fd, &back, sizeof(back), (off_t)(uintptr_t)&value) == sizeof(back) && back == value);
  uint64_t other = (uint64_t)getpid() << 32 | 1;
  CHECK(pwrite(fd, &other, sizeof(other), (off_t)(uintptr_t)&value) == sizeof(other));
  __asm__ volatile("" : "+m"(value));
  CHECK(value == other);
  MIX(value);

  char *p = CHECK_SYS(mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(munmap(p + 4096, 4096));
  char text[100];
  memset(text, 't', sizeof(text));
  ssize_t size = pwrite(fd, text, sizeof(text), (off_t)(uintptr_t)p + 4096 - 30);
  printf("up to the hole: %zd\n", size);
  CHECK(size == 30 && p[4066] == 't' && p[4095] == 't' && p[4065] == 0);
  CHECK(pread(fd, text, 8, 0) == -1);

  /* Writes go through page protection, unless the kernel is told otherwise. */
  size = pwrite(fd, "changed!", 8, (off_t)(uintptr_t)constant);
  const char *view = constant;
  __asm__ volatile("" : "+r"(view)::"memory");
  printf("constant: %zd errno %d %.8s\n", size, size == -1 ? errno : 0, view);
  mix(p, 4096);
  return done();
}
