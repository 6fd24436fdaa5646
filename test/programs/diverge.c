// What it does depends on its argument; each ends in innermost(), called by middle(), called by main().
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char flag;
static volatile long sink;
static sigjmp_buf back;
static int ready[2];
static int go[2];

static void on_fault(int signo) {
  (void)signo;
  siglongjmp(back, 1);
}

static void fault(void) {
  struct sigaction action = {.sa_handler = on_fault};
  sigaction(SIGSEGV, &action, NULL);
  if (sigsetjmp(back, 1) == 0) *(volatile int *)8 = 1;
}

static void await_zero(void) {
  const int fd = open("/dev/zero", O_RDONLY);
  if (read(fd, (void *)&flag, 1) != 1) abort();
  // For ever, in a replay whose log has another byte here.
  while (flag != 0) sink++;
}

static void *sleeper(void *argument) {
  char byte = 0;
  if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) abort();
  return argument;
}

static void with_threads(void) {
  pthread_t threads[2];
  char byte = 0;
  if (pipe(ready) != 0 || pipe(go) != 0) abort();
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, sleeper, NULL);
  for (int i = 0; i < 2; i++)
    if (read(ready[0], &byte, 1) != 1) abort();
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  if (write(1, "threads\n", 8) != 8 || write(go[1], "12", 2) != 2) abort();
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void reserve(void) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  // Other protections, or the kernel would make one mapping of both.
  char *huge = mmap(NULL, 80ul << 30, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
  char *large = mmap(NULL, 256ul << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (huge == MAP_FAILED || large == MAP_FAILED) abort();
  strcpy(large + (128ul << 20), "in the middle");
  flag = large[0];
  if (write(1, "reserved\n", 9) != 9) abort();
}

__attribute__((noinline)) void innermost(const char *what) {
  if (strcmp(what, "write") == 0) sink += write(1, "hello\n", 6);
  else if (strcmp(what, "fault") == 0) fault();
  else if (strcmp(what, "trap") == 0) sink = (long)__builtin_ia32_rdtsc();
  else if (strcmp(what, "wait") == 0) await_zero();
  else if (strcmp(what, "threads") == 0) with_threads();
  else if (strcmp(what, "reserve") == 0) reserve();
  sink++;
}

__attribute__((noinline)) void middle(const char *what) {
  innermost(what);
  sink++;
}

static void handler(int signo) {
  (void)signo;
  middle("write");
  sink++;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "handler") == 0) {
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
  }
  middle(what);
  if (strcmp(what, "wait") == 0) sink += write(1, "done\n", 5);
  return 0;
}
