/* A vfork child changes its parent's memory, mappings and break; its descriptors and handlers are its own. */
#include "guest_tasks.h"

static char global[64];
static volatile int counter;
static void *volatile mapped;
static void *volatile grown;
static volatile pid_t child_pid, parent_seen;

static void on_signal(int signal) { (void)signal; }

int main(void) {
  char *heap = malloc(64);
  CHECK(heap != NULL);
  strcpy(heap, "before");
  int fd = CHECK_SYS(open("/dev/null", O_RDWR));
  for (int i = 0; i < 10; i++) {
    pid_t pid = vfork();
    if (pid == 0) {
      child_pid = getpid();
      parent_seen = getppid();
      counter++;
      snprintf(heap, 64, "by child %d", child_pid);
      global[i] = 'a' + i;
      mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      *(pid_t *)mapped = child_pid;
      grown = sbrk(4096);
      close(fd);
      signal(SIGUSR1, on_signal);
      _exit(40 + i);
    }
    CHECK_SYS(pid);
    CHECK(child_pid == pid && parent_seen == getpid() && counter == i + 1);
    wait_exit(pid, 40 + i);
    printf("%s, mapped %p, break %p\n", heap, mapped, grown);
    CHECK(*(pid_t *)mapped == pid);
    memset(grown, 0x5a, 4096);
    CHECK(sbrk(0) == (char *)grown + 4096);
    CHECK_SYS(munmap(mapped, 8192));
    /* Not shared: the child closed its own copy, and set its own handler. */
    CHECK_SYS(fcntl(fd, F_GETFD));
    struct sigaction action;
    CHECK_SYS(sigaction(SIGUSR1, NULL, &action));
    CHECK(action.sa_handler == SIG_DFL);
  }
  CHECK(strcmp(global, "abcdefghij") == 0);
  return done();
}
