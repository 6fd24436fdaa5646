/* A signal in the middle of a blocking call: EINTR without SA_RESTART in all of them, with it in some. */
#include "guest_tasks.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile sig_atomic_t handled;
static int pipe_fds[2], full_pipe[2], sockets[2], listener, epoll, locked, contended, queue, semaphores;
static volatile int word;
static pid_t child;

static void on_alarm(int signal) {
  (void)signal;
  handled++;
}

static long do_read(void) {
  char byte;
  return read(pipe_fds[0], &byte, 1);
}
static long do_write(void) { return write(full_pipe[1], "x", 1); }
static long do_recv(void) {
  char byte;
  return recv(sockets[0], &byte, 1, 0);
}
static long do_accept(void) { return accept(listener, NULL, NULL); }
static long do_wait(void) { return waitpid(child, NULL, 0); }
static long do_flock(void) { return flock(contended, LOCK_EX); }
static long do_futex(void) { return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
static long do_nanosleep(void) {
  struct timespec time = {30, 0}, left = {0, 0};
  long result = nanosleep(&time, &left);
  printf("%ld.%09ld s left to sleep\n", (long)left.tv_sec, left.tv_nsec);
  CHECK(left.tv_sec > 0 && left.tv_sec <= 30);
  return result;
}
static long do_poll(void) { return poll(&(struct pollfd){.fd = pipe_fds[0], .events = POLLIN}, 1, 30000); }
static long do_select(void) {
  fd_set fds;
  FD_ZERO(&fds);
  FD_SET(pipe_fds[0], &fds);
  struct timeval time = {30, 0};
  long result = select(pipe_fds[0] + 1, &fds, NULL, NULL, &time);
  /* Linux writes what is left. */
  printf("%ld.%06ld s left to select\n", (long)time.tv_sec, (long)time.tv_usec);
  return result;
}
static long do_epoll(void) {
  struct epoll_event event;
  return epoll_wait(epoll, &event, 1, 30000);
}
static long do_timedwait(void) {
  sigset_t set = signal_set(SIGUSR2);
  return sigtimedwait(&set, NULL, &(struct timespec){30, 0});
}
static long do_pause(void) { return pause(); }
static long do_msgrcv(void) {
  struct {
    long type;
    char text[8];
  } message;
  return msgrcv(queue, &message, sizeof(message.text), 0, 0);
}
static long do_semop(void) { return semop(semaphores, &(struct sembuf){.sem_num = 0, .sem_op = -1}, 1); }
static long do_futex_timeout(void) {
  return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &(struct timespec){30, 0}, NULL, 0);
}
static long do_clock_nanosleep(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  time.tv_sec += 30;
  errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
  return errno ? -1 : 0;
}

static const struct blocking {
  const char *name;
  long (*call)(void);
  int restarts;
} calls[] = {
    {"read", do_read, 1},
    {"write", do_write, 1},
    {"recv", do_recv, 1},
    {"accept", do_accept, 1},
    {"wait4", do_wait, 1},
    {"flock", do_flock, 1},
    {"futex", do_futex, 1},
    {"nanosleep", do_nanosleep, 0},
    {"clock_nanosleep", do_clock_nanosleep, 0},
    {"poll", do_poll, 0},
    {"select", do_select, 0},
    {"epoll_wait", do_epoll, 0},
    {"rt_sigtimedwait", do_timedwait, 0},
    {"pause", do_pause, 0},
    {"msgrcv", do_msgrcv, 0},
    {"semop", do_semop, 0},
    {"futex with timeout", do_futex_timeout, 0},
};

static void set_handler(int flags) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
}

static void alarm_every(long us) {
  struct itimerval timer = {.it_value.tv_usec = us, .it_interval.tv_usec = us};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
}

static void interrupted(const struct blocking *blocking) {
  /* Repeated, in case the first one comes before the call sleeps. */
  alarm_every(2000);
  handled = 0;
  errno = 0;
  long result = blocking->call();
  int error = errno;
  alarm_every(0);
  printf("%s: %ld %s after %d signals\n", blocking->name, result, strerrorname_np(error), (int)handled);
  CHECK(result == -1 && error == EINTR && handled > 0);
}

/* A process that ends the wait once three signals have been handled. */
static void restarted(const struct blocking *blocking) {
  int step[2];
  CHECK_SYS(pipe(step));
  handled = 0;
  if (strcmp(blocking->name, "futex") == 0 || strcmp(blocking->name, "wait4") == 0 ||
      strcmp(blocking->name, "flock") == 0)
    return;
  pid_t parent = getpid();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    char bytes[4096];
    for (int i = 0; i < 3; i++) {
      nap_us(1000);
      CHECK_SYS(kill(parent, SIGALRM));
    }
    wait_blocked(parent);
    if (strcmp(blocking->name, "read") == 0)
      CHECK(write(pipe_fds[1], "r", 1) == 1);
    else if (strcmp(blocking->name, "write") == 0)
      CHECK(read(full_pipe[0], bytes, sizeof(bytes)) == sizeof(bytes));
    else if (strcmp(blocking->name, "recv") == 0)
      CHECK(write(sockets[1], "r", 1) == 1);
    else {
      struct sockaddr_storage address;
      socklen_t size = sizeof(address);
      CHECK_SYS(getsockname(listener, (struct sockaddr *)&address, &size));
      CHECK_SYS(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, size));
    }
    _exit(0);
  }
  long result = blocking->call();
  printf("%s: %ld after %d restarts\n", blocking->name, result, (int)handled);
  CHECK(result >= 0 && handled >= 1);
  wait_exit(pid, 0);
}

static pthread_t first;

static void *pokes_then_wakes(void *arg) {
  sigset_t set = signal_set(SIGALRM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 3; i++) {
    nap_us(1000);
    CHECK_ZERO(pthread_kill(first, SIGALRM));
  }
  nap_us(1000);
  if (arg) {
    CHECK_SYS(kill(child, SIGKILL));
    return arg;
  }
  while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0)
    sched_yield();
  return arg;
}

static void restarted_by_thread(long (*call)(void), void *arg) {
  pthread_t thread;
  handled = 0;
  first = pthread_self();
  CHECK_ZERO(pthread_create(&thread, NULL, pokes_then_wakes, arg));
  long result = call();
  CHECK_ZERO(pthread_join(thread, NULL));
  printf("restarted call: %ld after %d signals\n", result, (int)handled);
  CHECK(result >= 0 && handled >= 1);
}

static void set_up(void) {
  char bytes[4096] = {0}, path[PATH_MAX + 16];
  struct epoll_event event = {.events = EPOLLIN};
  CHECK_SYS(pipe(pipe_fds));
  CHECK_SYS(pipe(full_pipe));
  CHECK_SYS(fcntl(full_pipe[1], F_SETFL, O_NONBLOCK));
  while (write(full_pipe[1], bytes, sizeof(bytes)) > 0)
    ;
  CHECK_SYS(fcntl(full_pipe[1], F_SETFL, 0));
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
  listener = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  /* An abstract address that the kernel chooses. */
  struct sockaddr address = {.sa_family = AF_UNIX};
  CHECK_SYS(bind(listener, &address, sizeof(sa_family_t)));
  CHECK_SYS(listen(listener, 1));
  epoll = CHECK_SYS(epoll_create1(0));
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fds[0], &event));
  snprintf(path, sizeof(path), "%s/locked", tmpdir());
  locked = CHECK_SYS(open(path, O_CREAT | O_RDWR, 0600));
  contended = CHECK_SYS(open(path, O_RDWR));
  CHECK_SYS(flock(locked, LOCK_EX));
  queue = CHECK_SYS(msgget(IPC_PRIVATE, 0600));
  semaphores = CHECK_SYS(semget(IPC_PRIVATE, 1, 0600));
  sigset_t set = signal_set(SIGUSR2);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  pid_t own = getpid();
  child = CHECK_SYS(fork());
  if (child == 0) {
    die_with_parent(own);
    for (;;)
      pause();
  }
}

int main(void) {
  set_up();
  for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
    set_handler(flags);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
      if (flags == 0 || !calls[i].restarts)
        interrupted(&calls[i]);
      else
        restarted(&calls[i]);
  }
  restarted_by_thread(do_futex, NULL);
  restarted_by_thread(do_wait, &child);
  CHECK_SYS(msgctl(queue, IPC_RMID, NULL));
  CHECK_SYS(semctl(semaphores, 0, IPC_RMID));
  return done();
}
