/* Processes that do not end by an exit of their own: each leaves a memory that a replay can have exactly. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fds[2];
static volatile int marks[8];

static void *in_read(void *unused) {
  char text[64];
  marks[0] = (int)read(fds[0], text, sizeof(text));
  for (;;)
    pause();
  return unused;
}

static void *in_poll(void *unused) {
  struct pollfd fd = {fds[0], POLLIN, 0};
  marks[1] = poll(&fd, 1, -1);
  for (;;)
    pause();
  return unused;
}

static void *in_sleep(void *unused) {
  const struct timespec ages = {1000, 0};
  struct timespec left;
  nanosleep(&ages, &left);
  return unused;
}

static void *in_calls(void *unused) {
  for (;;)
    marks[2] += getppid() != 0;
  return unused;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *in_lock(void *unused) {
  pthread_mutex_lock(&mutex);
  return unused;
}

static void make_threads(void) {
  pthread_t thread;
  pthread_mutex_lock(&mutex);
  void *(*const bodies[])(void *) = {in_read, in_poll, in_sleep, in_calls, in_lock};
  for (int i = 0; i < 5; i++)
    pthread_create(&thread, NULL, bodies[i], NULL);
}

static void start_threads(void) {
  make_threads();
  const struct timespec moment = {0, 5000000};
  nanosleep(&moment, NULL);
}

static void own_exit(void) { start_threads(), _exit(3); }
static void own_signal(void) { kill(getpid(), SIGTERM); }
static void own_kill(void) { kill(getpid(), SIGKILL); }
static void own_fault(void) { *(volatile int *)8 = 1; }
static void own_abort(void) { start_threads(), abort(); }
static void written_away(void) {
  /* The sibling's call may have ended when this thread ends all. */
  start_threads();
  if (write(fds[1], "some bytes", 10) == 10)
    _exit(4);
}
static void asleep(void) { pause(); }
static void asleep_in_threads(void) { start_threads(), pause(); }
static void executes(void) { start_threads(), execl("/bin/true", "true", (char *)NULL); }
static void before_they_begin(void) { make_threads(), _exit(5); }

/*
 * Killed before it sleeps it would be killed while it computes, which leaves no memory to verify. One that waits for its turn, or
 * is about to stop for its tracer, is asleep for the kernel, too: it must be so for a while.
 */
static void wait_asleep(pid_t pid) {
  char state = 0, path[32];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  for (int looks = 0; looks < 20; looks = state == 'S' ? looks + 1 : 0) {
    const struct timespec moment = {0, 1000000};
    nanosleep(&moment, NULL);
    FILE *stat = fopen(path, "r");
    if (stat == NULL || fscanf(stat, "%*[^)]) %c", &state) != 1)
      exit(1);
    fclose(stat);
  }
}

int main(void) {
  void (*const ends[])(void) = {own_exit, own_signal, own_kill,          own_fault, own_abort,
                                written_away, asleep, asleep_in_threads, executes, before_they_begin};
  setvbuf(stdout, NULL, _IONBF, 0);
  for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    if (pipe(fds) != 0)
      return 1;
    const pid_t child = fork();
    if (child == 0) {
      ends[i]();
      _exit(99);
    }
    if (ends[i] == asleep) {
      wait_asleep(child);
      kill(child, SIGTERM);
    } else if (ends[i] == asleep_in_threads) {
      const struct timespec moment = {0, 20000000};
      nanosleep(&moment, NULL);
      kill(child, SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%u %x\n", i, status & ~0x80);
    close(fds[0]);
    close(fds[1]);
  }
  return 0;
}
