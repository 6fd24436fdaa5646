/* Process groups and sessions: who may join which, signals to groups, setsid, what ends with a group's leader. */
#include "guest_tasks.h"

static struct gate ready, leave;

static pid_t member(pid_t group) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK_SYS(setpgid(0, group));
    gate_open(ready);
    gate_wait(leave);
    _exit(getpgrp() == (group ? group : getpid()) ? 0 : 1);
  }
  gate_wait(ready);
  return pid;
}

int main(void) {
  ready = gate_make();
  leave = gate_make();
  printf("pid %d, group %d, session %d, parent's group %d\n", getpid(), getpgrp(), getsid(0), getpgid(getppid()));
  CHECK(getpgid(0) == getpgrp());

  pid_t leader = member(0), second = member(leader), third = member(leader);
  CHECK(getpgid(leader) == leader && getpgid(second) == leader && getpgid(third) == leader);
  CHECK(getsid(second) == getsid(0));
  CHECK_SYS(kill(-leader, 0));
  /* The group lives on without its leader. */
  gate_open(leave);
  int status;
  pid_t first_out = CHECK_SYS(waitpid(-leader, &status, 0));
  CHECK(status == 0);
  printf("%d of %d, %d, %d left first\n", first_out, leader, second, third);
  CHECK_SYS(kill(-leader, 0));
  for (int i = 0; i < 2; i++) {
    gate_open(leave);
    CHECK(waitpid(-leader, &status, 0) > 0 && status == 0);
  }
  CHECK_ERRNO(kill(-leader, 0), ESRCH);
  CHECK_ERRNO(setpgid(0, leader), EPERM);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK(setsid() == getpid());
    CHECK(getsid(0) == getpid() && getpgrp() == getpid());
    CHECK_ERRNO(setsid(), EPERM);
    CHECK_ERRNO(setpgid(0, 0), EPERM);
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    gate_open(ready);
    gate_wait(leave);
    _exit(4);
  }
  gate_wait(ready);
  CHECK(getsid(pid) == pid && getpgid(pid) == pid);
  /* Neither into nor out of another session. */
  CHECK_ERRNO(setpgid(pid, getpgrp()), EPERM);
  CHECK_ERRNO(setpgid(0, pid), EPERM);
  gate_open(leave);
  wait_exit(pid, 4);

  /* Not after the child has executed something. */
  pid = CHECK_SYS(fork());
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", "kill -STOP $$", NULL);
    _exit(1);
  }
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  CHECK_ERRNO(setpgid(pid, pid), EACCES);
  CHECK_SYS(kill(pid, SIGKILL));
  wait_killed(pid, SIGKILL);
  CHECK_ERRNO(setpgid(pid, pid), ESRCH);
  CHECK_ERRNO(setpgid(0, -1), EINVAL);
  CHECK_ERRNO(getpgid(0x3fffffff), ESRCH);
  return done();
}
