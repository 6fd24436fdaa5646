/* Resource limits: inherited, changed on another process, and what happens at them (SIGXFSZ, EMFILE, EAGAIN, ENOMEM).
 */
#include "guest_tasks.h"

static volatile sig_atomic_t xfsz;

static void on_xfsz(int signal) {
  (void)signal;
  xfsz++;
}

static void file_size(void) {
  char path[PATH_MAX + 16], bytes[1000];
  struct rlimit limit = {1500, 1500};
  snprintf(path, sizeof(path), "%s/limited", tmpdir());
  int fd = CHECK_SYS(open(path, O_CREAT | O_RDWR, 0600));
  memset(bytes, 'x', sizeof(bytes));
  CHECK_SYS(setrlimit(RLIMIT_FSIZE, &limit));
  signal(SIGXFSZ, on_xfsz);
  CHECK(write(fd, bytes, sizeof(bytes)) == 1000);
  /* Half a write, then none. */
  CHECK(write(fd, bytes, sizeof(bytes)) == 500);
  CHECK(xfsz == 0);
  CHECK_ERRNO(write(fd, bytes, sizeof(bytes)), EFBIG);
  CHECK(xfsz == 1);
  CHECK_ERRNO(ftruncate(fd, 4000), EFBIG);
  CHECK(xfsz == 2);
  signal(SIGXFSZ, SIG_DFL);
  no_core();
  CHECK(write(fd, bytes, 1) == 1);
}

static void descriptors(void) {
  struct rlimit limit = {20, 20};
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  int fd, last = -1;
  while ((fd = dup(1)) >= 0)
    last = fd;
  CHECK(errno == EMFILE && last == 19);
  CHECK_ERRNO(dup2(1, 20), EBADF);
  CHECK_ERRNO(fcntl(1, F_DUPFD, 20), EINVAL);
}

static void address_space(void) {
  struct rlimit limit = {64 << 20, 64 << 20};
  CHECK_SYS(setrlimit(RLIMIT_AS, &limit));
  CHECK_ERRNO(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
  void *memory = malloc(200 << 20);
  CHECK(memory == NULL);
}

static int run(void (*body)(void)) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    body();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%d %s\n", pid, status_text(status));
  return status;
}

int main(void) {
  tmpdir();
  static const int resources[] = {RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_CORE, RLIMIT_SIGPENDING};
  for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
    struct rlimit limit;
    CHECK_SYS(getrlimit(resources[i], &limit));
    printf("limit %d: %ld of %ld\n", resources[i], (long)limit.rlim_cur, (long)limit.rlim_max);
  }
  int status = run(file_size);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
  CHECK(run(descriptors) == 0);
  CHECK(run(address_space) == 0);

  struct gate gate = gate_make();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    struct rlimit limit;
    gate_wait(gate);
    CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
    _exit(limit.rlim_cur == 33 ? 0 : 1);
  }
  struct rlimit limit = {33, 44}, old;
  CHECK_SYS(prlimit(pid, RLIMIT_NOFILE, &limit, &old));
  gate_open(gate);
  wait_exit(pid, 0);
  printf("child's descriptors were limited to %ld\n", (long)old.rlim_cur);
  CHECK_ERRNO(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), ESRCH);
  CHECK_ERRNO(getrlimit(77, &limit), EINVAL);
  return done();
}
