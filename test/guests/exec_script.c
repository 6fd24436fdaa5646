/* Scripts with a first line #!: their interpreter's arguments, nesting, and what happens without such a line. */
#include "guest_tasks.h"

#include <sys/stat.h>

static char script[PATH_MAX + 32];

static void write_script(const char *name, const char *contents) {
  snprintf(script, sizeof(script), "%s/%s", tmpdir(), name);
  int fd = CHECK_SYS(open(script, O_CREAT | O_WRONLY | O_TRUNC, 0700));
  CHECK(write(fd, contents, strlen(contents)) == (ssize_t)strlen(contents));
  close(fd);
}

static void run(int expected, int by_path_search) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    if (by_path_search)
      execlp(script, script, "first", "second word", NULL);
    else
      execl(script, "replaced", "first", "second word", NULL);
    _exit(errno);
  }
  wait_exit(pid, expected);
}

/* As an interpreter: shows what exec made of the script's first line. */
static int interpreter(int argc, char **argv) {
  for (int i = 0; i < argc; i++)
    printf("%d: %s\n", i, argv[i]);
  int offset = argc == 5;
  CHECK(argc == 4 || argc == 5);
  CHECK(!offset || strcmp(argv[1], "one argument with spaces") == 0);
  CHECK(strcmp(argv[1 + offset] + strlen(argv[1 + offset]) - 5, ".self") == 0);
  CHECK(strcmp(argv[2 + offset], "first") == 0 && strcmp(argv[3 + offset], "second word") == 0);
  return 60 + argc;
}

int main(int argc, char **argv) {
  if (argc > 1)
    return interpreter(argc, argv);
  char text[PATH_MAX * 2];
  write_script("plain", "#!/bin/sh\necho $$ of $PPID: \"$0\" \"$1\" \"$2\"\ntest \"$2\" = 'second word' && exit 21\n");
  run(21, 0);
  write_script("options", "#!  /bin/sh -eu\nfalse\nexit 3\n");
  run(1, 0);
  char inner[sizeof(script)];
  write_script("inner", "#!/bin/sh\necho nested \"$@\"\ntest $# = 3 && exit 22\n");
  strcpy(inner, script);
  snprintf(text, sizeof(text), "#!%s\nnot read\n", inner);
  write_script("outer", text);
  run(22, 0);
  snprintf(text, sizeof(text), "#!%s\n", self_path());
  write_script("bare.self", text);
  run(64, 0);
  snprintf(text, sizeof(text), "#! %s one argument with spaces \n", self_path());
  write_script("argument.self", text);
  run(65, 0);

  /* No #! line: the kernel refuses, execvp asks the shell. */
  write_script("lineless", "echo without line $$\nexit 23\n");
  run(ENOEXEC, 0);
  run(23, 1);

  /* Scripts that interpret each other for ever. */
  snprintf(text, sizeof(text), "#!%s/circular\n", tmpdir());
  write_script("circular", text);
  run(ELOOP, 0);
  return done();
}
