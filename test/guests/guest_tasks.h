/*
 * What guests about processes, threads and signals share, over guest.h.
 *
 * Nothing here waits for a fixed time: a gate orders two tasks, and wait_blocked() watches a task go to sleep.
 */
#ifndef GUEST_TASKS_H
#define GUEST_TASKS_H

#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

/* One syscall without libc: no errno, no cancellation point, no thread pointer. Returns what the kernel returned. */
GUEST_HELPER long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* A short sleep to let another task run or block; never what correctness rests on. */
GUEST_HELPER void nap_us(long us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
}

GUEST_HELPER int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

/* A gate between processes or threads: each gate_wait() passes one gate_open(). */
struct gate {
  int ends[2];
};

GUEST_HELPER struct gate gate_make(void) {
  struct gate gate;
  CHECK_SYS(pipe2(gate.ends, O_CLOEXEC));
  return gate;
}

GUEST_HELPER void gate_open(struct gate gate) { CHECK(TEMP_FAILURE_RETRY(write(gate.ends[1], "", 1)) == 1); }

GUEST_HELPER void gate_wait(struct gate gate) {
  char byte;
  CHECK(TEMP_FAILURE_RETRY(read(gate.ends[0], &byte, 1)) == 1);
}

GUEST_HELPER void gate_close(struct gate gate) {
  close(gate.ends[0]);
  close(gate.ends[1]);
}

/* The letter proc(5) gives for a task's state, or 0 when there is no such task. */
GUEST_HELPER char task_state(pid_t tid) {
  char path[64], text[512];
  snprintf(path, sizeof(path), "/proc/%d/stat", tid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (size <= 0)
    return 0;
  text[size] = '\0';
  char *end = strrchr(text, ')');
  return end ? end[2] : 0;
}

/* Gives a task up to two seconds to fall asleep. Only makes the intended order likely: a tracer may show other states.
 */
GUEST_HELPER void wait_blocked(pid_t tid) {
  for (int i = 0; i < 2000 && task_state(tid) != 'S'; i++)
    nap_us(1000);
}

/* A wait status in words. The text lives until the next call. */
GUEST_HELPER const char *status_text(int status) {
  static char text[64];
  if (WIFEXITED(status))
    snprintf(text, sizeof(text), "exited %d", WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    snprintf(text, sizeof(text), "killed by SIG%s%s", sigabbrev_np(WTERMSIG(status)),
             WCOREDUMP(status) ? " (core dumped)" : "");
  else if (WIFSTOPPED(status))
    snprintf(text, sizeof(text), "stopped by SIG%s", sigabbrev_np(WSTOPSIG(status)));
  else if (WIFCONTINUED(status))
    snprintf(text, sizeof(text), "continued");
  else
    snprintf(text, sizeof(text), "status %#x", status);
  return text;
}

/* Waits for a child that `signal` must have killed. */
GUEST_HELPER void wait_killed(pid_t pid, int signal) {
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid);
  printf("child %d %s\n", pid, status_text(status));
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

/* Waits for a child that must have exited with `code`. */
GUEST_HELPER void wait_exit(pid_t pid, int code) {
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

typedef void siginfo_handler(int signal, siginfo_t *info, void *context);

/* sigaction with SA_SIGINFO and an empty mask. */
GUEST_HELPER void handle(int signal, siginfo_handler *handler, int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  CHECK_SYS(sigaction(signal, &action, NULL));
}

GUEST_HELPER sigset_t signal_set(int signal) {
  sigset_t set;
  sigemptyset(&set);
  if (signal != 0)
    sigaddset(&set, signal);
  return set;
}

/* A child that dies of a signal must not leave a core file behind. */
GUEST_HELPER void no_core(void) {
  struct rlimit none = {0, 0};
  CHECK_SYS(setrlimit(RLIMIT_CORE, &none));
}

/* A child that would sleep for ever ends with the thread that made it, or now, if that is gone already. */
GUEST_HELPER void die_with_parent(pid_t parent) {
  if (raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0) < 0 ||
      raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) != parent)
    _exit(0);
}

/* The path of the running program, for those that run themselves again. Read once: it's gone when the first thread is.
 */
GUEST_HELPER const char *self_path(void) {
  static char path[PATH_MAX];
  if (path[0] == '\0')
    CHECK_SYS(readlink("/proc/self/exe", path, sizeof(path) - 1));
  return path;
}

#endif
