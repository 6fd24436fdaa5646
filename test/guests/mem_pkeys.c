/* Memory protection keys: access rights in a register of the task, so a fault without any system call. */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf escape;
static volatile siginfo_t caught;

static void handler(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  caught = *info;
  siglongjmp(escape, 1);
}

int main(void) {
  int key = pkey_alloc(0, 0);
  if (key == -1) {
    printf("errno %d\n", errno);
    skip("no protection keys");
  }
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGSEGV, &action, NULL));
  volatile char *p = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(pkey_mprotect((void *)p, 4096, PROT_READ | PROT_WRITE, key));
  p[0] = 'a';
  CHECK_SYS(pkey_set(key, PKEY_DISABLE_WRITE));
  if (sigsetjmp(escape, 1) == 0) {
    p[0] = 'b';
    CHECK(!"the store must fault");
  }
  CHECK(caught.si_code == SEGV_PKUERR && caught.si_addr == (void *)p && (int)caught.si_pkey == key);
  CHECK(p[0] == 'a');
  CHECK_SYS(pkey_set(key, 0));
  p[0] = 'c';
  printf("key %d, rights %d\n", key, pkey_get(key));
  CHECK_SYS(pkey_free(key));
  CHECK_ERRNO(pkey_free(key), EINVAL);
  return done();
}
