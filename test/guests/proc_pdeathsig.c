/* PR_SET_PDEATHSIG: the end of the parent, or of the parent's thread that forked, comes as a signal. */
#include "guest_tasks.h"

static int report[2];

static void child(struct gate ready, int signal, int wait_signal) {
  sigset_t set = signal_set(wait_signal);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  int got = -1;
  CHECK_SYS(prctl(PR_GET_PDEATHSIG, &got));
  CHECK(got == 0);
  CHECK_SYS(prctl(PR_SET_PDEATHSIG, signal));
  CHECK_SYS(prctl(PR_GET_PDEATHSIG, &got));
  CHECK(got == signal);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    /* Not inherited. */
    CHECK_SYS(prctl(PR_GET_PDEATHSIG, &got));
    _exit(got);
  }
  wait_exit(pid, 0);
  gate_open(ready);
  siginfo_t info;
  CHECK(TEMP_FAILURE_RETRY(sigwaitinfo(&set, &info)) == signal);
  CHECK(write(report[1], &info, sizeof(info)) == sizeof(info));
  _exit(0);
}

static void *forks(void *arg) {
  struct gate ready = gate_make();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    child(ready, SIGUSR2, SIGUSR2);
  gate_wait(ready);
  *(pid_t *)arg = pid;
  return NULL;
}

int main(void) {
  siginfo_t info;
  CHECK_SYS(pipe(report));
  pid_t middle = CHECK_SYS(fork());
  if (middle == 0) {
    struct gate ready = gate_make();
    if (CHECK_SYS(fork()) == 0)
      child(ready, SIGUSR1, SIGUSR1);
    gate_wait(ready);
    _exit(6);
  }
  wait_exit(middle, 6);
  CHECK(read(report[0], &info, sizeof(info)) == sizeof(info));
  printf("process ended: signal %d code %d pid %d (parent was %d)\n", info.si_signo, info.si_code, info.si_pid, middle);
  CHECK(info.si_signo == SIGUSR1);

  pthread_t thread;
  pid_t pid;
  CHECK_ZERO(pthread_create(&thread, NULL, forks, &pid));
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK(read(report[0], &info, sizeof(info)) == sizeof(info));
  printf("thread ended: signal %d code %d pid %d\n", info.si_signo, info.si_code, info.si_pid);
  CHECK(info.si_signo == SIGUSR2 && info.si_pid == getpid());
  wait_exit(pid, 0);
  CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 1000), EINVAL);
  return done();
}
