/* Programs that sandbox or trace themselves: a recorder may refuse, and must then say so in a way they can handle. */
#include "guest_tasks.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>

static int attempt(const char *what, void (*body)(void)) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    body();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%s: %s\n", what, status_text(status));
  return status;
}

/* Exit status 40 says refused, 0 accepted. */
static void traceme(void) {
  long result = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  printf("PTRACE_TRACEME: %ld %s\n", result, result < 0 ? strerror(errno) : "");
  raw_syscall(SYS_exit_group, result < 0 ? 40 : 0, 0, 0, 0, 0, 0);
}

static void seize_parent(void) {
  long result = ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
  printf("PTRACE_SEIZE: %ld %s\n", result, result < 0 ? strerror(errno) : "");
  raw_syscall(SYS_exit_group, result < 0 ? 40 : 0, 0, 0, 0, 0, 0);
}

static void filter(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  printf("filter: %ld %s\n", result, result < 0 ? strerror(errno) : "");
  if (result < 0)
    _exit(40);
  long parent = raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
  printf("filtered getppid: %ld\n", parent);
  CHECK(parent == -EXDEV);
}

static void strict(void) {
  long result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
  printf("strict: %ld %s\n", result, result < 0 ? strerror(errno) : "");
  if (result < 0)
    _exit(40);
  CHECK(write(1, "strict mode writes\n", 19) == 19);
  raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
  raw_syscall(SYS_exit, 41, 0, 0, 0, 0, 0);
}

int main(void) {
  int status = attempt("traceme", traceme);
  CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 40));
  status = attempt("seize parent", seize_parent);
  CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 40));
  status = attempt("filter", filter);
  CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 40));
  status = attempt("strict", strict);
  CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 40);
  unsigned action = SECCOMP_RET_ERRNO;
  printf("SECCOMP_GET_ACTION_AVAIL: %ld\n", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  /* A recorder may refuse ptrace altogether. */
  CHECK(ptrace(PTRACE_CONT, getpid(), NULL, NULL) == -1 && (errno == ESRCH || errno == ENOSYS));
  CHECK(ptrace(PTRACE_SEIZE, getpid(), NULL, NULL) == -1 && (errno == EPERM || errno == ENOSYS));
  return done();
}
