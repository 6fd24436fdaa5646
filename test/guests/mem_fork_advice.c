/* What a fork child gets: private copies, shared pages, nothing (MADV_DONTFORK), zeros (MADV_WIPEONFORK). */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf escape;
static void handler(int signo) {
  (void)signo;
  siglongjmp(escape, 1);
}

int main(void) {
  char *area[4];
  for (int i = 0; i < 4; i++) {
    int kind = i == 1 ? MAP_SHARED : MAP_PRIVATE;
    area[i] = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0));
    memset(area[i], 'a' + i, 3 * 4096);
  }
  CHECK_SYS(madvise(area[2] + 4096, 4096, MADV_DONTFORK));
  CHECK_SYS(madvise(area[3] + 4096, 4096, MADV_WIPEONFORK));

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(signal(SIGSEGV, handler) != SIG_ERR);
    CHECK(area[0][0] == 'a' && area[1][0] == 'b' && area[2][0] == 'c' && area[2][8192] == 'c');
    if (sigsetjmp(escape, 1) == 0) {
      (void)*(volatile char *)(area[2] + 4096);
      CHECK(!"the page must not be there");
    }
    CHECK(area[3][4095] == 'd' && area[3][4096] == 0 && area[3][8191] == 0 && area[3][8192] == 'd');
    area[0][0] = '0';
    area[1][0] = '1';
    area[3][5000] = 'w';
    pid_t self = getpid();
    memcpy(area[1] + 100, &self, sizeof(self));
    /* Again in a grandchild: the advice is inherited. */
    pid_t grandchild = CHECK_SYS(fork());
    if (grandchild == 0) {
      CHECK(area[3][5000] == 0);
      _exit(0);
    }
    wait_ok(grandchild);
    _exit(0);
  }
  wait_ok(child);
  CHECK(area[0][0] == 'a' && area[1][0] == '1' && area[3][4096] == 'd');
  CHECK(memcmp(area[1] + 100, &child, sizeof(child)) == 0);
  for (int i = 0; i < 4; i++)
    mix(area[i], 3 * 4096);
  printf("%p %p %p %p\n", (void *)area[0], (void *)area[1], (void *)area[2], (void *)area[3]);
  return done();
}
