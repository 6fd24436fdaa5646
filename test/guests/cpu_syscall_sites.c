/*
 * Places of the syscall instruction that are hard to rewrite: at the end of a page with nothing behind, followed by a
 * jump target, by a relative call, by a return, two in a row, over a page border, and in code that is written again.
 */
#include "guest.h"

#include <sys/mman.h>

/* mov eax, 39 (getpid) */
#define GETPID 0xb8, 39, 0, 0, 0
#define SYSCALL 0x0f, 0x05
#define RET 0xc3

static unsigned char *pages;

static int (*place(size_t at, const unsigned char *code, size_t size))(int) {
  memcpy(pages + at, code, size);
  return (int (*)(int))(uintptr_t)(pages + at);
}

#define PLACE(at, ...) place(at, (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__}))

int main(void) {
  pages = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    skip("no memory that is writable and executable");
  CHECK_SYS(munmap(pages + 3 * 4096, 4096));
  int self = getpid();

  /* add edi, -1; jnz back to the mov */
  int (*loop)(int) = PLACE(64, GETPID, SYSCALL, 0x83, 0xc7, 0xff, 0x75, 0xf4, RET);
  /* test edi, edi; jnz to the nop right behind the syscall */
  int (*target)(int) = PLACE(128, GETPID, 0x85, 0xff, 0x75, 0x02, SYSCALL, 0x90, RET);
  /* The first one's result is the second one's number: read(-1) gives -EBADF, and that number gives -ENOSYS. */
  int (*twice)(int) = PLACE(192, 0x31, 0xc0, SYSCALL, SYSCALL, RET);
  int (*plain)(int) = PLACE(256, GETPID, SYSCALL, RET);
  /* call +1; ret; ret: a relative address right behind it */
  int (*relative)(int) = PLACE(320, GETPID, SYSCALL, 0xe8, 1, 0, 0, 0, RET, RET);
  /* lea rax, [rip + 0]; and rax, 0xfff: the address of the code itself */
  int (*where)(int) = PLACE(384, GETPID, SYSCALL, 0x48, 0x8d, 0x05, 0, 0, 0, 0, 0x48, 0x25, 0xff, 0x0f, 0, 0, RET);
  /* Over the border of two pages, between its two bytes */
  int (*border)(int) = PLACE(4096 - 6, GETPID, SYSCALL, RET);
  /* xor edi, edi; mov eax, 60 (exit): the last bytes before the hole */
  int (*leave)(int) = PLACE(3 * 4096 - 9, 0x31, 0xff, 0xb8, 60, 0, 0, 0, SYSCALL);

  for (int i = 0; i < 50; i++) {
    CHECK(plain(0) == self);
    CHECK(loop(5) == self);
    CHECK(target(0) == self && target(1) == 39);
    CHECK(twice(-1) == -ENOSYS);
    CHECK(relative(0) == self);
    int low = where(0);
    CHECK(low == (int)(((uintptr_t)pages + 384 + 14) & 0xfff));
    CHECK(border(0) == self);
  }

  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    leave(0);
  wait_ok(child);

  /* The same site, written anew with another number and with no system call at all. */
  for (int i = 0; i < 20; i++) {
    pages[257] = i % 2 ? 110 : 39;
    CHECK(plain(0) == (i % 2 ? getppid() : self));
  }
  int (*gone)(int) = PLACE(256, 0x8d, 0x47, 7, RET);
  CHECK(gone(5) == 12);
  CHECK(PLACE(256, GETPID, SYSCALL, RET)(0) == self);
  printf("%p\n", (void *)pages);
  return done();
}
