/* 32-bit system calls from 64-bit code: another table, truncated registers, another entry. May be refused. */
#include "guest_tasks.h"

#include <setjmp.h>

static sigjmp_buf out;

static void refused(int signal) { siglongjmp(out, signal); }

static int int80(int number, int a, int b, int c) {
  int result = number;
  __asm__ volatile("int $0x80" : "+a"(result) : "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

int main(void) {
  signal(SIGSEGV, refused);
  signal(SIGSYS, refused);
  int signal_number = sigsetjmp(out, 1);
  if (signal_number != 0) {
    printf("int $0x80 raises SIG%s\n", sigabbrev_np(signal_number));
    return done();
  }
  /* Number 20 is getpid there and writev here, 64 getppid there and semget here. */
  int pid = int80(20, 0, 0, 0);
  printf("pid %d, by int $0x80 %d\n", getpid(), pid);
  CHECK(pid == getpid() || pid == -ENOSYS);
  if (pid == -ENOSYS)
    return done();
  CHECK(int80(64, 0, 0, 0) == getppid());
  CHECK(int80(224, 0, 0, 0) == gettid());
  CHECK(int80(9999, 0, 0, 0) == -ENOSYS);

  /* write from and read into memory below 4 GiB. */
  char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  CHECK(low != MAP_FAILED);
  int fds[2];
  CHECK_SYS(pipe(fds));
  strcpy(low, "through the other door");
  CHECK(int80(4, fds[1], (int)(uintptr_t)low, 22) == 22);
  CHECK(int80(3, fds[0], (int)(uintptr_t)low + 100, 22) == 22);
  CHECK(memcmp(low + 100, low, 22) == 0);
  /* gettimeofday with 32-bit seconds. */
  CHECK(int80(78, (int)(uintptr_t)low + 200, 0, 0) == 0);
  int time[2];
  memcpy(time, low + 200, sizeof(time));
  printf("time %d.%06d\n", time[0], time[1]);
  CHECK(time[0] > 1000000000 && time[1] >= 0 && time[1] < 1000000);
  CHECK(int80(3, -1, 0, 0) == -EBADF);
  return done();
}
