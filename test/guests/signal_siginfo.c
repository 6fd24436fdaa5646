/* Every field of siginfo_t, from every kind of sender. */
#include "guest_tasks.h"

#include <sys/time.h>

static volatile sig_atomic_t count;
static volatile siginfo_t last;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  last = *info;
  count++;
}

/* The signal must have come, or must come soon. */
static siginfo_t expect(const char *what, int signal, int code) {
  while (count == 0)
    sched_yield();
  CHECK(count == 1);
  count = 0;
  printf("%s: signo %d errno %d code %d pid %d uid %d value %d addr %p\n", what, last.si_signo, last.si_errno,
         last.si_code, last.si_pid, last.si_uid, last.si_value.sival_int, last.si_addr);
  siginfo_t info = last;
  MIX(info);
  CHECK(last.si_signo == signal && last.si_code == code);
  return info;
}

int main(void) {
  const int signals[] = {SIGUSR1, SIGUSR2, SIGRTMIN + 3, SIGCHLD, SIGALRM, SIGIO, SIGURG, SIGPROF};
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
    handle(signals[i], on_signal, SA_RESTART);
  siginfo_t info;

  CHECK_SYS(kill(getpid(), SIGUSR1));
  info = expect("kill", SIGUSR1, SI_USER);
  CHECK(info.si_pid == getpid() && info.si_uid == getuid());
  CHECK_ZERO(raise(SIGUSR2));
  CHECK(expect("raise", SIGUSR2, SI_TKILL).si_pid == getpid());
  CHECK_SYS(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_ptr = &info}));
  CHECK(expect("sigqueue", SIGRTMIN + 3, SI_QUEUE).si_value.sival_ptr == &info);
  CHECK_ZERO(pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = -77}));
  CHECK(expect("pthread_sigqueue", SIGUSR1, SI_QUEUE).si_value.sival_int == -77);

  /* Anything goes to oneself, but beyond the kernel's 48 bytes only zeros. */
  siginfo_t forged;
  memset(&forged, 0, sizeof(forged));
  memset(&forged, 0x5a, 48);
  forged.si_signo = SIGUSR1;
  forged.si_code = 1234;
  CHECK_SYS(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &forged));
  info = expect("forged", SIGUSR1, 1234);
  CHECK(info.si_pid == 0x5a5a5a5a);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK_SYS(kill(getppid(), SIGUSR1));
    pause();
    _exit(0);
  }
  CHECK(expect("from a child", SIGUSR1, SI_USER).si_pid == pid);
  CHECK_SYS(kill(pid, SIGSTOP));
  CHECK(expect("stopped child", SIGCHLD, CLD_STOPPED).si_status == SIGSTOP);
  CHECK_SYS(kill(pid, SIGCONT));
  CHECK(expect("continued child", SIGCHLD, CLD_CONTINUED).si_status == SIGCONT);
  CHECK_SYS(kill(pid, SIGKILL));
  info = expect("killed child", SIGCHLD, CLD_KILLED);
  CHECK(info.si_pid == pid && info.si_status == SIGKILL);
  printf("it ran %ld+%ld ticks\n", info.si_utime, info.si_stime);
  wait_killed(pid, SIGKILL);

  struct itimerval timer = {.it_value.tv_usec = 1000};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  expect("itimer", SIGALRM, SI_KERNEL);
  timer_t id;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 4711};
  CHECK_SYS(timer_create(CLOCK_MONOTONIC, &event, &id));
  CHECK_SYS(timer_settime(id, 0, &(struct itimerspec){.it_value.tv_nsec = 1000000}, NULL));
  info = expect("timer", SIGUSR2, SI_TIMER);
  CHECK(info.si_value.sival_int == 4711);
  printf("timer id %d overrun %d\n", info.si_timerid, info.si_overrun);

  int fds[2];
  CHECK_SYS(pipe(fds));
  CHECK_SYS(fcntl(fds[0], F_SETOWN, getpid()));
  CHECK_SYS(fcntl(fds[0], F_SETSIG, SIGRTMIN + 3));
  CHECK_SYS(fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  CHECK(write(fds[1], "x", 1) == 1);
  info = expect("input", SIGRTMIN + 3, POLL_IN);
  CHECK(info.si_fd == fds[0]);
  printf("descriptor %d band %lx\n", info.si_fd, info.si_band);
  CHECK_SYS(fcntl(fds[0], F_SETSIG, 0));
  CHECK(write(fds[1], "y", 1) == 1);
  expect("plain input", SIGIO, SI_KERNEL);
  return done();
}
