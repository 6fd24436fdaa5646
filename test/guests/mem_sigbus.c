/* A file cut short under its mapping: SIGBUS beyond the end, caught with siglongjmp; zeros when it grows again. */
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

static int load(const volatile char *p) {
  if (sigsetjmp(escape, 1) == 0)
    return *p;
  CHECK(caught.si_signo == SIGBUS && caught.si_code == BUS_ADRERR && caught.si_addr == (void *)p);
  return -1;
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGBUS, &action, NULL));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  char page[4096];
  memset(page, 'f', sizeof(page));
  for (int i = 0; i < 4; i++)
    CHECK(write(fd, page, sizeof(page)) == sizeof(page));

  char *shared = CHECK_SYS(mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  char *private = CHECK_SYS(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  CHECK(load(shared) == 'f' && load(shared + 4 * 4096) == -1 && load(shared + 6 * 4096 - 1) == -1);
  CHECK(load(private + 3 * 4096) == 'f');
  private[2 * 4096] = 'c';

  CHECK_SYS(ftruncate(fd, 4096 + 10));
  CHECK(load(shared + 4096 + 9) == 'f' && load(shared + 4096 + 10) == 0);
  CHECK(load(shared + 2 * 4096) == -1 && load(shared + 3 * 4096) == -1);
  /* The truncation also takes the private copy away. */
  CHECK(load(private + 2 * 4096) == -1);
  char back[8];
  CHECK_ERRNO(pread(fd, shared + 3 * 4096, 8, 0), EFAULT);

  CHECK_SYS(ftruncate(fd, 4 * 4096));
  CHECK(load(shared + 2 * 4096) == 0 && load(private + 2 * 4096) == 0);
  shared[3 * 4096] = 'g';
  CHECK(pread(fd, back, 1, 3 * 4096) == 1 && back[0] == 'g');
  mix(shared, 4 * 4096);
  mix(private, 4 * 4096);
  printf("faulted at %p\n", caught.si_addr);
  return done();
}
