/* munmap out of the middle, across several mappings and over holes; the pieces stay and can be joined again. */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf escape;
static void handler(int signo) {
  (void)signo;
  siglongjmp(escape, 1);
}
static int mapped(const volatile char *p) {
  if (sigsetjmp(escape, 1) != 0)
    return 0;
  (void)*p;
  return 1;
}

int main(void) {
  enum { PAGES = 64 };
  CHECK(signal(SIGSEGV, handler) != SIG_ERR);
  char *p = CHECK_SYS(mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < PAGES; i++)
    p[i * 4096] = (char)(i + 1);
  for (int i = 1; i < PAGES; i += 2)
    CHECK_SYS(munmap(p + i * 4096, 4000));
  for (int i = 0; i < PAGES; i++)
    CHECK(mapped(p + i * 4096) == (i % 2 == 0));
  CHECK_SYS(munmap(p + 10 * 4096, 11 * 4096));
  for (int i = 10; i < 21; i++)
    CHECK(!mapped(p + i * 4096));
  CHECK(p[8 * 4096] == 9 && p[22 * 4096] == 23);

  /* Fill the holes again: new pages are zero, old ones kept. */
  for (int i = 1; i < PAGES; i += 2)
    CHECK(mmap(p + i * 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          p + i * 4096);
  CHECK(p[4096] == 0 && p[8 * 4096] == 9);
  for (int i = 0; i < PAGES; i++)
    if (mapped(p + i * 4096))
      mix(p + i * 4096, 4096);

  int self = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  char *file = CHECK_SYS(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, self, 0));
  file[3 * 4096] = 'c';
  CHECK_SYS(munmap(file + 4096, 2 * 4096));
  CHECK(memcmp(file, "\177ELF", 4) == 0 && file[3 * 4096] == 'c');
  printf("%p %p\n", (void *)p, (void *)file);
  return done();
}
