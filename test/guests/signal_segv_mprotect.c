/* A SIGSEGV handler that makes the page accessible and lets the instruction run again, as garbage collectors do. */
#include "guest_tasks.h"

#include <ucontext.h>

enum { PAGES = 32, PAGE = 4096 };

static char *memory;
static volatile int faults, writes_seen;
static int order[PAGES * 8];

static void on_segv(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  (void)signal;
  char *address = info->si_addr;
  if (address < memory || address >= memory + PAGES * PAGE)
    _exit(90);
  int page = (address - memory) / PAGE;
  int is_write = context->uc_mcontext.gregs[REG_ERR] >> 1 & 1;
  writes_seen += is_write;
  if (faults < PAGES * 8)
    order[faults] = page * 2 + is_write;
  faults++;
  MIX(context->uc_mcontext.gregs[REG_CR2]);
  if (mprotect(memory + page * PAGE, PAGE, is_write ? PROT_READ | PROT_WRITE : PROT_READ) < 0)
    _exit(91);
}

int main(void) {
  memory = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  handle(SIGSEGV, on_segv, 0);
  volatile char *bytes = memory;
  unsigned long random_state = getpid();
  for (int i = 0; i < 200; i++) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    size_t at = (random_state >> 33) % (PAGES * PAGE);
    if (random_state >> 60 & 1)
      bytes[at] = (char)i;
    else
      random_state += bytes[at];
  }
  printf("%d faults, %d of them writes\n", faults, writes_seen);
  CHECK(faults > PAGES / 2 && faults <= 2 * PAGES);

  /* A snapshot: all pages read-only, the first write to each one seen. */
  for (int round = 0; round < 4; round++) {
    CHECK_SYS(mprotect(memory, PAGES * PAGE, PROT_READ));
    faults = writes_seen = 0;
    for (int page = 0; page < PAGES; page += round + 1)
      for (int i = 0; i < 3; i++)
        bytes[page * PAGE + 17 * i]++;
    CHECK(faults == (PAGES + round) / (round + 1) && writes_seen == faults);
  }

  /* Syscalls fail instead, and leave the page as it is. */
  CHECK_SYS(mprotect(memory, PAGES * PAGE, PROT_NONE));
  faults = 0;
  int fd = CHECK_SYS(open("/dev/zero", O_RDONLY));
  CHECK_ERRNO(read(fd, memory, PAGE), EFAULT);
  CHECK(faults == 0);
  memcpy(memory + PAGE - 8, "across a boundary", 18);
  CHECK(faults == 2 && strcmp(memory + PAGE - 8, "across a boundary") == 0);
  mix(order, sizeof(order));
  return done();
}
