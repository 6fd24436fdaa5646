/* What exec keeps (mask, ignored and pending signals, alarms, cwd, umask, limits) and what it resets (handlers,
 * timers). */
#include "guest_tasks.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static void handler(int signal) { (void)signal; }

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
  (void)signal;
  alarms++;
}

static int after(char **argv) {
  struct sigaction action;
  sigset_t set;
  CHECK_SYS(sigaction(SIGUSR1, NULL, &action));
  CHECK(action.sa_handler == SIG_DFL && action.sa_flags == 0);
  CHECK_SYS(sigaction(SIGHUP, NULL, &action));
  CHECK(action.sa_handler == SIG_IGN);
  CHECK_SYS(sigprocmask(SIG_BLOCK, NULL, &set));
  CHECK(sigismember(&set, SIGUSR2) && sigismember(&set, SIGRTMIN) && !sigismember(&set, SIGUSR1));
  CHECK_SYS(sigpending(&set));
  CHECK(sigismember(&set, SIGUSR2) && sigismember(&set, SIGRTMIN) && !sigismember(&set, SIGUSR1));

  sigset_t one = signal_set(SIGRTMIN);
  for (int i = 0; i < 3; i++) {
    siginfo_t info;
    CHECK(sigwaitinfo(&one, &info) == SIGRTMIN && info.si_value.sival_int == 100 + i && info.si_pid == getpid());
    printf("pending from before: value %d pid %d uid %d\n", info.si_value.sival_int, info.si_pid, info.si_uid);
  }
  stack_t stack;
  CHECK_SYS(sigaltstack(NULL, &stack));
  CHECK(stack.ss_flags == SS_DISABLE);

  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, argv[1]) == 0);
  CHECK(umask(022) == 031);
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
  CHECK(limit.rlim_cur == 77);
  CHECK_SYS(fcntl(atoi(argv[2]), F_GETFD));
  CHECK_ERRNO(fcntl(atoi(argv[3]), F_GETFD), EBADF);
  CHECK(getpriority(PRIO_PROCESS, 0) == 3);

  /* An interval timer goes on; POSIX timers don't. */
  struct itimerval left;
  CHECK_SYS(getitimer(ITIMER_REAL, &left));
  CHECK(left.it_interval.tv_sec == 100);
  printf("%ld.%06ld s until the alarm\n", (long)left.it_value.tv_sec, (long)left.it_value.tv_usec);
  signal(SIGALRM, on_alarm);
  struct itimerval soon = {.it_value.tv_usec = 1000};
  CHECK_SYS(setitimer(ITIMER_REAL, &soon, NULL));
  while (!alarms)
    sched_yield();
  struct itimerspec spec;
  CHECK(syscall(SYS_timer_gettime, atoi(argv[4]), &spec) == -1 && errno == EINVAL);
  CHECK_SYS(chdir("/"));
  CHECK_SYS(rmdir(argv[1]));
  return done();
}

int main(int argc, char **argv) {
  if (argc > 1)
    return after(argv);
  char dir[PATH_MAX], number[3][24];
  snprintf(dir, sizeof(dir), "%s", tmpdir());
  signal(SIGUSR1, handler);
  signal(SIGHUP, SIG_IGN);
  sigset_t set = signal_set(SIGUSR2);
  sigaddset(&set, SIGRTMIN);
  CHECK_SYS(sigprocmask(SIG_SETMASK, &set, NULL));
  raise(SIGUSR2);
  for (int i = 0; i < 3; i++)
    CHECK_SYS(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 100 + i}));
  static char alternate[1 << 16];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
  CHECK_SYS(sigaltstack(&stack, NULL));
  CHECK_SYS(chdir(dir));
  umask(031);
  struct rlimit limit = {77, 77};
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  CHECK_SYS(setpriority(PRIO_PROCESS, 0, 3));
  int kept = CHECK_SYS(open("/dev/null", O_RDONLY));
  int closed = CHECK_SYS(open("/dev/null", O_RDONLY | O_CLOEXEC));
  struct itimerval far = {.it_value.tv_sec = 50, .it_interval.tv_sec = 100};
  CHECK_SYS(setitimer(ITIMER_REAL, &far, NULL));
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  CHECK_SYS(timer_create(CLOCK_MONOTONIC, &event, &timer));
  snprintf(number[0], sizeof(number[0]), "%d", kept);
  snprintf(number[1], sizeof(number[1]), "%d", closed);
  snprintf(number[2], sizeof(number[2]), "%d", (int)(long)timer);
  execl(self_path(), "self", dir, number[0], number[1], number[2], NULL);
  CHECK(0 && "exec");
}
