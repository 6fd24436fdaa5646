/* SIGBUS: pages beyond a mapped file's end, which the handler repairs, and alignment checking switched on. */
#include "guest_tasks.h"

#include <ucontext.h>

enum { PAGE = 4096, PAGES = 8 };

static int fd;
static char *mapped;
static volatile int faults, code;
static void *volatile address;

static void grow_file(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  faults++;
  code = info->si_code;
  address = info->si_addr;
  if (ftruncate(fd, ((char *)address - mapped) / PAGE * PAGE + PAGE) < 0)
    _exit(92);
}

static void allow_misaligned(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  (void)signal;
  faults++;
  code = info->si_code;
  context->uc_mcontext.gregs[REG_EFL] &= ~0x40000;
}

int main(void) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof(path), "%s/short", tmpdir());
  fd = CHECK_SYS(open(path, O_CREAT | O_RDWR, 0600));
  CHECK_SYS(ftruncate(fd, PAGE));
  mapped = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(mapped != MAP_FAILED);
  handle(SIGBUS, grow_file, 0);
  mapped[PAGE - 1] = 'a';
  CHECK(faults == 0);
  for (int page = 1; page < PAGES; page += 2) {
    mapped[page * PAGE + 5] = (char)page;
    CHECK(code == BUS_ADRERR && address == mapped + page * PAGE + 5);
    printf("grown for %p\n", address);
  }
  CHECK(faults == PAGES / 2);
  /* Truncated below pages that were in use. */
  CHECK_SYS(ftruncate(fd, 10));
  CHECK(mapped[0] == 0 && faults == PAGES / 2);
  mapped[3 * PAGE] = 1;
  CHECK(faults == PAGES / 2 + 1 && mapped[3 * PAGE + 5] == 0);
  CHECK_ERRNO(read(fd, mapped + 6 * PAGE, 1), EFAULT);

  handle(SIGBUS, allow_misaligned, 0);
  faults = 0;
  long words[2] = {0x1122334455667788, 0x99aabbccddeeff00}, loaded;
  __asm__ volatile("subq $128, %%rsp\n\t"
                   "pushfq\n\t"
                   "orl $0x40000, (%%rsp)\n\t"
                   "popfq\n\t"
                   "movq 1(%1), %0\n\t"
                   "pushfq\n\t"
                   "andl $~0x40000, (%%rsp)\n\t"
                   "popfq\n\t"
                   "addq $128, %%rsp"
                   : "=&r"(loaded)
                   : "r"(words)
                   : "memory", "cc");
  printf("misaligned: %d faults, code %d\n", faults, code);
  CHECK(loaded == 0x0011223344556677 && (faults == 0 || code == BUS_ADRALN));

  signal(SIGBUS, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    mapped[7 * PAGE] = 1;
    _exit(1);
  }
  wait_killed(pid, SIGBUS);
  return done();
}
