/* POSIX timers that notify by signal, by signal to a thread, by thread, or not at all; overruns; absolute times. */
#include "guest_tasks.h"

static volatile sig_atomic_t fired, fired_on, value_seen;

static void on_timer(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  fired_on = gettid();
  value_seen = info->si_value.sival_int;
  fired++;
}

static volatile unsigned long sink;

static timer_t create(clockid_t clock, struct sigevent *event) {
  timer_t timer;
  CHECK_SYS(timer_create(clock, event, &timer));
  return timer;
}

static void start(timer_t timer, long first_ns, long interval_ns) {
  struct itimerspec spec = {.it_value.tv_nsec = first_ns, .it_interval.tv_nsec = interval_ns};
  CHECK_SYS(timer_settime(timer, 0, &spec, NULL));
}

static void by_signal(clockid_t clock) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 12 + clock};
  timer_t timer = create(clock, &event);
  fired = 0;
  start(timer, 1000000, 1000000);
  long spins = 0;
  while (fired < 4) {
    for (int i = 0; i < 5000; i++)
      sink += i * spins;
    getppid();
    spins++;
  }
  struct itimerspec left;
  CHECK_SYS(timer_gettime(timer, &left));
  CHECK_SYS(timer_delete(timer));
  CHECK(value_seen == 12 + clock);
  printf("clock %d: %ld spins, overrun or left %ld ns\n", clock, spins, left.it_value.tv_nsec);
}

static struct gate ready, leave;
static volatile pid_t target;

static void *thread(void *arg) {
  target = gettid();
  gate_open(ready);
  gate_wait(leave);
  return arg;
}

static void to_thread(void) {
  pthread_t id;
  ready = gate_make();
  leave = gate_make();
  CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
  gate_wait(ready);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  event._sigev_un._tid = target;
  timer_t timer = create(CLOCK_MONOTONIC, &event);
  fired = 0;
  start(timer, 1000000, 0);
  while (fired == 0)
    sched_yield();
  CHECK(fired_on == target && target != gettid());
  CHECK_SYS(timer_delete(timer));
  gate_open(leave);
  CHECK_ZERO(pthread_join(id, NULL));
  /* pthread_join may come back a moment before the kernel has forgotten the tid. */
  while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
    CHECK_SYS(timer_delete(timer));
    sched_yield();
  }
  CHECK(errno == EINVAL);
}

static volatile int called;
static volatile pid_t caller;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void notified(union sigval value) {
  pthread_mutex_lock(&lock);
  called += value.sival_int;
  caller = gettid();
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void by_thread(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 10};
  event.sigev_notify_function = notified;
  timer_t timer = create(CLOCK_REALTIME, &event);
  start(timer, 1000000, 1000000);
  pthread_mutex_lock(&lock);
  while (called < 30)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  CHECK_SYS(timer_delete(timer));
  CHECK(caller != getpid());
  printf("called to %d, last on thread %d\n", called, caller);
}

static void overruns(void) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 5};
  sigset_t set = signal_set(SIGRTMIN + 1);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  timer_t timer = create(CLOCK_MONOTONIC, &event);
  start(timer, 100000, 100000);
  nap_us(5000);
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
  printf("overrun %d, then %d\n", info.si_overrun, timer_getoverrun(timer));
  CHECK(info.si_code == SI_TIMER && info.si_overrun > 5);
  MIX(info);
  CHECK_SYS(timer_delete(timer));
  struct itimerspec left;
  CHECK_ERRNO(timer_gettime(timer, &left), EINVAL);
}

int main(void) {
  handle(SIGRTMIN, on_timer, SA_RESTART);
  by_signal(CLOCK_MONOTONIC);
  by_signal(CLOCK_REALTIME);
  by_signal(CLOCK_BOOTTIME);
  by_signal(CLOCK_PROCESS_CPUTIME_ID);
  to_thread();
  by_thread();
  overruns();

  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  timer_t timer = create(CLOCK_MONOTONIC, &none);
  struct itimerspec spec, left;
  memset(&spec, 0, sizeof(spec));
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &spec.it_value));
  spec.it_value.tv_sec += 100;
  CHECK_SYS(timer_settime(timer, TIMER_ABSTIME, &spec, NULL));
  CHECK_SYS(timer_gettime(timer, &left));
  CHECK(left.it_value.tv_sec > 50 && left.it_value.tv_sec < 100);
  printf("left %ld ns\n", left.it_value.tv_nsec);
  /* Children have no timers of their parents. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(timer_gettime(timer, &left) == -1 && errno == EINVAL ? 0 : 1);
  wait_exit(pid, 0);
  return done();
}
