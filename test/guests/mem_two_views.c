/*
 * One memfd mapped twice, writable here and executable there, as just-in-time compilers do: stores change running
 * code.
 */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  int fd = CHECK_SYS(memfd_create("code", 0));
  CHECK_SYS(ftruncate(fd, 8192));
  unsigned char *write_view = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  unsigned char *run_view = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  if (run_view == MAP_FAILED) {
    CHECK(errno == EPERM || errno == EACCES);
    skip("no executable memfd");
  }
  CHECK_SYS(close(fd));

  int (*function)(int) = (int (*)(int))(uintptr_t)run_view;
  uint64_t sum = 0;
  for (int i = 0; i < 1000; i++) {
    /* lea eax, [rdi + i]; ret */
    unsigned char code[] = {0x8d, 0x87, 0, 0, 0, 0, 0xc3};
    memcpy(code + 2, &i, 4);
    memcpy(write_view, code, sizeof(code));
    sum = sum * 5 + (uint64_t)function(i);
    CHECK(function(1) == i + 1);
  }
  MIX(sum);

  /* A system call made by code that did not exist when the program began: mov eax, 39 (getpid); syscall; ret. */
  static const unsigned char call[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
  memcpy(write_view + 4096, call, sizeof(call));
  int (*get)(void) = (int (*)(void))(uintptr_t)(run_view + 4096);
  CHECK(get() == getpid());
  for (int i = 0; i < 10; i++)
    CHECK(get() == getpid());
  /* The same place, another number: mov eax, 110 (getppid). */
  write_view[4097] = 110;
  CHECK(get() == getppid());
  printf("%p %p parent %d\n", (void *)write_view, (void *)run_view, get());
  return done();
}
