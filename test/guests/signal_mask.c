/* Masks and pending sets: of a thread, of a process, across fork and pthread_create, in sigsuspend, ppoll, pselect. */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/select.h>

static volatile sig_atomic_t handled;

static void on_signal(int signal) {
  (void)signal;
  handled++;
}

static int pending(int signal) {
  sigset_t set;
  CHECK_SYS(sigpending(&set));
  return sigismember(&set, signal);
}

static int blocked(int signal) {
  sigset_t set;
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, NULL, &set));
  return sigismember(&set, signal);
}

static void *thread(void *arg) {
  /* The mask is inherited, pending thread-directed signals aren't. */
  CHECK(blocked(SIGUSR1) && !blocked(SIGUSR2));
  CHECK(!pending(SIGUSR1) && pending(SIGHUP));
  sigset_t set = signal_set(SIGUSR2);
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));
  return arg;
}

int main(void) {
  sigset_t one = signal_set(SIGUSR1), none = signal_set(0), all, old;
  signal(SIGUSR1, on_signal);
  signal(SIGUSR2, on_signal);
  signal(SIGHUP, on_signal);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &one, NULL));
  raise(SIGUSR1);
  CHECK(handled == 0 && pending(SIGUSR1));
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &one, NULL));
  CHECK(handled == 1 && !pending(SIGUSR1));

  CHECK_SYS(sigprocmask(SIG_BLOCK, &one, NULL));
  raise(SIGUSR1);
  CHECK_ERRNO(sigsuspend(&none), EINTR);
  CHECK(handled == 2 && blocked(SIGUSR1));
  raise(SIGUSR1);
  CHECK_ERRNO(ppoll(NULL, 0, NULL, &none), EINTR);
  CHECK(handled == 3 && blocked(SIGUSR1));
  raise(SIGUSR1);
  CHECK_ERRNO(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
  CHECK(handled == 4);

  /* Sent by another process while asleep in sigsuspend. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    wait_blocked(getppid());
    CHECK_SYS(kill(getppid(), SIGUSR1));
    _exit(0);
  }
  CHECK_ERRNO(sigsuspend(&none), EINTR);
  CHECK(handled == 5);
  wait_exit(pid, 0);

  raise(SIGUSR1);
  sigset_t hup = signal_set(SIGHUP);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &hup, NULL));
  CHECK_SYS(kill(getpid(), SIGHUP));
  pthread_t id;
  CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
  CHECK_ZERO(pthread_join(id, NULL));
  CHECK(!blocked(SIGUSR2));
  pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(blocked(SIGUSR1) && blocked(SIGHUP) && !pending(SIGUSR1) && !pending(SIGHUP) ? 0 : 1);
  wait_exit(pid, 0);

  sigfillset(&all);
  CHECK_SYS(sigprocmask(SIG_SETMASK, &all, &old));
  CHECK(!blocked(SIGKILL) && !blocked(SIGSTOP) && blocked(SIGSEGV));
  CHECK(sigismember(&old, SIGUSR1) && !sigismember(&old, SIGUSR2));
  MIX(old);
  /* Ignoring a pending signal drops it. */
  signal(SIGUSR1, SIG_IGN);
  CHECK(!pending(SIGUSR1) && pending(SIGHUP));
  CHECK_SYS(sigprocmask(SIG_SETMASK, &none, NULL));
  CHECK(handled == 6);
  CHECK(raw_syscall(SYS_rt_sigprocmask, 9, (long)&none, 0, 8, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&none, 0, 128, 0, 0) == -EINVAL);
  return done();
}
