/* kill, tgkill, tkill, sigqueue and their raw forms: to a process, a group, a thread; who may send what. */
#include "guest_tasks.h"

static volatile sig_atomic_t usr1, usr2, last_value;
static volatile pid_t handled_by;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  last_value = info->si_value.sival_int;
  handled_by = gettid();
  if (signal == SIGUSR1)
    usr1++;
  else
    usr2++;
}

static struct gate ready, leave;
static volatile pid_t thread_id;

static void *thread(void *arg) {
  thread_id = gettid();
  gate_open(ready);
  gate_wait(leave);
  return arg;
}

int main(void) {
  handle(SIGUSR1, on_signal, SA_RESTART);
  handle(SIGUSR2, on_signal, SA_RESTART);
  CHECK_SYS(kill(getpid(), SIGUSR1));
  CHECK_SYS(syscall(SYS_tkill, gettid(), SIGUSR1));
  CHECK_SYS(tgkill(getpid(), gettid(), SIGUSR1));
  CHECK_ZERO(raise(SIGUSR1));
  CHECK_SYS(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 99}));
  CHECK(usr1 == 4 && usr2 == 1 && last_value == 99);

  pthread_t id;
  ready = gate_make();
  leave = gate_make();
  CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
  gate_wait(ready);
  CHECK_SYS(tgkill(getpid(), thread_id, SIGUSR1));
  while (usr1 < 5)
    sched_yield();
  CHECK(handled_by == thread_id);
  CHECK_ERRNO(tgkill(getpid() + 1, thread_id, SIGUSR1), ESRCH);
  /* A process id that is a thread's is as good as the process's. */
  CHECK_SYS(kill(thread_id, 0));
  printf("handled by %d of %d\n", handled_by, getpid());
  gate_open(leave);
  CHECK_ZERO(pthread_join(id, NULL));
  /* pthread_join may come back a moment before the kernel has forgotten the tid. */
  while (tgkill(getpid(), thread_id, 0) == 0)
    sched_yield();
  CHECK(errno == ESRCH);

  pid_t pids[3];
  struct gate set_up = gate_make();
  for (int i = 0; i < 3; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      sigset_t set = signal_set(SIGUSR2);
      siginfo_t info;
      CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
      CHECK_SYS(setpgid(0, i == 0 ? 0 : pids[0]));
      gate_open(set_up);
      CHECK(TEMP_FAILURE_RETRY(sigwaitinfo(&set, &info)) == SIGUSR2);
      _exit(info.si_pid == getppid() ? 7 : 8);
    }
    gate_wait(set_up);
  }
  CHECK_SYS(kill(-pids[0], SIGUSR2));
  for (int i = 0; i < 3; i++)
    wait_exit(pids[i], 7);
  CHECK_ERRNO(kill(-pids[0], SIGUSR2), ESRCH);

  /* To a child, only what a process may say about itself. */
  pid_t own = getpid(), pid = CHECK_SYS(fork());
  if (pid == 0) {
    die_with_parent(own);
    for (;;)
      pause();
  }
  siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_USER};
  CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &info), EPERM);
  info.si_code = SI_TKILL;
  CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGTERM, &info), EPERM);
  info.si_code = SI_QUEUE;
  CHECK_SYS(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGTERM, &info));
  wait_killed(pid, SIGTERM);

  CHECK_ERRNO(kill(getpid(), 65), EINVAL);
  CHECK_ERRNO(kill(getpid(), -1), EINVAL);
  CHECK_ERRNO(kill(0x3fffffff, 0), ESRCH);
  CHECK_ERRNO(tgkill(getpid(), 0, 0), EINVAL);
  printf("pid 1: %s\n", kill(1, 0) ? strerror(errno) : "allowed");
  return done();
}
