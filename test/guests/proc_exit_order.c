/* What runs and what is flushed at the end of a process, in which order, for each way to end it. */
#include "guest_tasks.h"

static int out[2];
static int quiet;

static void say(const char *what) {
  if (!quiet)
    printf("%s;", what);
}

static void first(void) { say("first"); }
static void second(void) { say("second"); }
static void late(void) { say("late"); }
static void registers_more(void) {
  say("more");
  atexit(late);
}
static void on_exit_handler(int status, void *arg) { printf("on_exit %d %s;", status, (char *)arg); }
static void quick(void) { CHECK(write(1, "quick;", 6) == 6); }

__attribute__((destructor)) static void destructor(void) { say("destructor"); }

enum end { BY_RETURN, BY_EXIT, BY_UNDERSCORE_EXIT, BY_QUICK_EXIT, BY_ABORT, ENDS };

/* A child whose stdout is a fully buffered pipe, and all that it wrote. */
static void ends(enum end end, const char *expected) {
  CHECK_SYS(pipe(out));
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    quiet = 0;
    no_core();
    CHECK_SYS(dup2(out[1], 1));
    stdout = fdopen(1, "w");
    CHECK(stdout != NULL);
    atexit(first);
    atexit(second);
    on_exit(on_exit_handler, "arg");
    atexit(registers_more);
    at_quick_exit(quick);
    printf("pid %d;", getpid());
    switch (end) {
    case BY_UNDERSCORE_EXIT:
      _exit(3);
    case BY_QUICK_EXIT:
      quick_exit(3);
    case BY_ABORT:
      abort();
    case BY_EXIT:
      exit(3);
    default:
      return;
    }
  }
  close(out[1]);
  char text[512], full[512];
  ssize_t size = 0, got;
  while ((got = CHECK_SYS(read(out[0], text + size, sizeof(text) - 1 - size))) > 0)
    size += got;
  text[size] = '\0';
  close(out[0]);
  snprintf(full, sizeof(full), expected, pid);
  printf("way %d: %s\n", end, text);
  CHECK(strcmp(text, full) == 0);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(end == BY_ABORT ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) == (end == BY_RETURN ? 0 : 3));
}

int main(void) {
  static const char *const expected[ENDS] = {
      [BY_RETURN] = "pid %d;more;late;on_exit 0 arg;second;first;destructor;",
      [BY_EXIT] = "pid %d;more;late;on_exit 3 arg;second;first;destructor;",
      [BY_UNDERSCORE_EXIT] = "",
      [BY_QUICK_EXIT] = "quick;",
      [BY_ABORT] = "",
  };
  pid_t root = getpid();
  quiet = 1;
  for (enum end end = 0; end < ENDS; end++) {
    ends(end, expected[end]);
    if (getpid() != root)
      return 0;
  }
  return done();
}
