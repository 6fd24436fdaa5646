/* Signals taken without handlers: sigwaitinfo, sigtimedwait, sigwait by several threads, signalfd. */
#include "guest_tasks.h"

#include <sys/signalfd.h>

enum { THREADS = 4, SIGNALS = 40 };

static sigset_t set;
static volatile int taken[THREADS];
static int order[SIGNALS];
static volatile int ordered;

static void *takes(void *arg) {
  for (;;) {
    siginfo_t info;
    /* EINTR, without any handler: woken for a signal that another thread took first. */
    int signal = TEMP_FAILURE_RETRY(sigwaitinfo(&set, &info));
    CHECK(signal == SIGRTMIN);
    if (info.si_value.sival_int < 0)
      return NULL;
    taken[(long)arg]++;
    order[info.si_value.sival_int] = (int)(long)arg;
    __atomic_add_fetch(&ordered, 1, __ATOMIC_SEQ_CST);
  }
}

int main(void) {
  set = signal_set(SIGRTMIN);
  sigaddset(&set, SIGUSR1);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  siginfo_t info;
  struct timespec zero = {0, 0}, some = {0, 3000000};
  CHECK_ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
  int64_t start = now_us();
  CHECK_ERRNO(sigtimedwait(&set, &info, &some), EAGAIN);
  CHECK(now_us() - start >= 3000);
  printf("waited %ld us\n", (long)(now_us() - start));
  some.tv_nsec = -1;
  CHECK_ERRNO(sigtimedwait(&set, &info, &some), EINVAL);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    wait_blocked(getppid());
    CHECK_SYS(sigqueue(getppid(), SIGUSR1, (union sigval){.sival_int = getpid()}));
    _exit(0);
  }
  CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
  CHECK(info.si_pid == pid && info.si_value.sival_int == pid && info.si_code == SI_QUEUE);
  wait_exit(pid, 0);

  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, takes, (void *)i));
  for (int i = 0; i < SIGNALS; i++)
    CHECK_SYS(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
  while (ordered < SIGNALS)
    sched_yield();
  for (int i = 0; i < THREADS; i++)
    CHECK_SYS(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -1}));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  printf("taken %d %d %d %d\n", taken[0], taken[1], taken[2], taken[3]);
  CHECK(taken[0] + taken[1] + taken[2] + taken[3] == SIGNALS);
  mix(order, sizeof(order));

  int fd = CHECK_SYS(signalfd(-1, &set, SFD_NONBLOCK));
  struct signalfd_siginfo records[3];
  CHECK_ERRNO(read(fd, records, sizeof(records)), EAGAIN);
  CHECK_SYS(kill(getpid(), SIGUSR1));
  CHECK_SYS(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 31}));
  CHECK(read(fd, records, sizeof(records)) == 2 * sizeof(records[0]));
  CHECK(records[0].ssi_signo == SIGUSR1 && records[0].ssi_pid == (unsigned)getpid());
  CHECK(records[1].ssi_int == 31);
  mix(records, 2 * sizeof(records[0]));
  return done();
}
