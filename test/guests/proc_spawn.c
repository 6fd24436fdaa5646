/* posix_spawn: a vfork-like clone that runs file actions and attributes in the child before exec. */
#include "guest_tasks.h"

#include <spawn.h>

extern char **environ;

/* The spawned side: says in its exit status whether it finds what the attributes asked for. */
static int spawned(const char *role) {
  sigset_t mask;
  CHECK_SYS(sigprocmask(SIG_SETMASK, NULL, &mask));
  struct sigaction action;
  CHECK_SYS(sigaction(SIGUSR1, NULL, &action));
  printf("spawned %d in group %d, session %d\n", getpid(), getpgrp(), getsid(0));
  if (strcmp(role, "attributes") == 0) {
    CHECK(sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGHUP));
    CHECK(action.sa_handler == SIG_DFL);
    CHECK(getpgrp() == getpid());
    CHECK_SYS(sigaction(SIGALRM, NULL, &action));
    CHECK(action.sa_handler == SIG_IGN);
    return 21;
  }
  CHECK(getsid(0) == getpid());
  return 22;
}

static void file_actions(void) {
  char path[PATH_MAX + 16], text[256];
  snprintf(path, sizeof(path), "%s/output", tmpdir());
  posix_spawn_file_actions_t actions;
  CHECK_ZERO(posix_spawn_file_actions_init(&actions));
  CHECK_ZERO(posix_spawn_file_actions_addopen(&actions, 1, path, O_CREAT | O_WRONLY | O_TRUNC, 0644));
  CHECK_ZERO(posix_spawn_file_actions_adddup2(&actions, 1, 2));
  CHECK_ZERO(posix_spawn_file_actions_addclose(&actions, 0));
  CHECK_ZERO(posix_spawn_file_actions_addchdir_np(&actions, tmpdir()));
  char *argv[] = {"sh", "-c", "pwd; echo $$ >&2; test -e /proc/self/fd/0 && echo open; exit 6", NULL};
  pid_t pid;
  CHECK_ZERO(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ));
  wait_exit(pid, 6);
  posix_spawn_file_actions_destroy(&actions);
  int fd = CHECK_SYS(open(path, O_RDONLY));
  ssize_t size = CHECK_SYS(read(fd, text, sizeof(text) - 1));
  close(fd);
  text[size] = '\0';
  printf("%s", text);
  char expected[PATH_MAX + 32];
  snprintf(expected, sizeof(expected), "%s\n%d\n", tmpdir(), pid);
  CHECK(strcmp(text, expected) == 0);
}

static void attributes(void) {
  posix_spawnattr_t attributes;
  CHECK_ZERO(posix_spawnattr_init(&attributes));
  short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  CHECK_ZERO(posix_spawnattr_setflags(&attributes, flags));
  CHECK_ZERO(posix_spawnattr_setpgroup(&attributes, 0));
  sigset_t mask = signal_set(SIGUSR2), defaults = signal_set(SIGUSR1);
  CHECK_ZERO(posix_spawnattr_setsigmask(&attributes, &mask));
  CHECK_ZERO(posix_spawnattr_setsigdefault(&attributes, &defaults));
  signal(SIGUSR1, SIG_IGN);
  signal(SIGALRM, SIG_IGN);
  char *argv[] = {"self", "attributes", NULL};
  pid_t pid;
  CHECK_ZERO(posix_spawn(&pid, self_path(), NULL, &attributes, argv, environ));
  wait_exit(pid, 21);
  CHECK_ZERO(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID));
  argv[1] = "session";
  CHECK_ZERO(posix_spawn(&pid, self_path(), NULL, &attributes, argv, environ));
  wait_exit(pid, 22);
  posix_spawnattr_destroy(&attributes);
}

int main(int argc, char **argv) {
  if (argc > 1)
    return spawned(argv[1]);
  file_actions();
  attributes();
  pid_t pid = -1;
  char *no_args[] = {"none", NULL};
  CHECK(posix_spawn(&pid, "/nonexistent/program", NULL, NULL, no_args, environ) == ENOENT);
  /* EACCES when a directory of PATH can't be searched. */
  int error = posix_spawnp(&pid, "no-such-program-anywhere", NULL, NULL, no_args, environ);
  CHECK(error == ENOENT || error == EACCES);
  CHECK_ERRNO(wait(NULL), ECHILD);
  CHECK_ZERO(posix_spawnp(&pid, "true", NULL, NULL, no_args, environ));
  wait_exit(pid, 0);
  return done();
}
