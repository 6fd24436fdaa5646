/* popen, pclose and system, which start /bin/sh and change signals around it. */
#include "guest_tasks.h"

int main(void) {
  char line[256];
  FILE *shell = popen("echo $$ $PPID; date +%N; exit 4", "r");
  CHECK(shell != NULL);
  int pid = 0, parent = 0;
  CHECK(fgets(line, sizeof(line), shell) != NULL && sscanf(line, "%d %d", &pid, &parent) == 2);
  CHECK(parent == getpid());
  CHECK(fgets(line, sizeof(line), shell) != NULL);
  printf("shell %d of %d at %s", pid, parent, line);
  CHECK(fgets(line, sizeof(line), shell) == NULL && feof(shell));
  int status = pclose(shell);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);

  char path[PATH_MAX + 16], command[PATH_MAX + 64];
  snprintf(path, sizeof(path), "%s/sorted", tmpdir());
  snprintf(command, sizeof(command), "sort -n > %s", path);
  FILE *sort = popen(command, "w");
  CHECK(sort != NULL);
  for (int i = 200; i > 0; i--)
    CHECK(fprintf(sort, "%d\n", i * 7919 % 211) > 0);
  CHECK(pclose(sort) == 0);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  int last = -1, lines = 0;
  while (fgets(line, sizeof(line), file)) {
    CHECK(atoi(line) > last);
    last = atoi(line);
    lines++;
  }
  fclose(file);
  CHECK(lines == 200);

  CHECK(system(NULL) == 1);
  CHECK(WEXITSTATUS(system("exit 77")) == 77);
  status = system("kill -TERM $$");
  printf("shell that kills itself: %s\n", status_text(status));
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  CHECK(WEXITSTATUS(system("no-such-command-anywhere 2>/dev/null")) == 127);
  CHECK(system("for i in 1 2 3 4; do (echo subshell $i of $PPID) & done; wait") == 0);
  /* SIGINT to the whole group would be ignored by the caller of system(), and SIGCHLD is held back. */
  CHECK(system("kill -INT $PPID; kill -CHLD $PPID") == 0);
  sigset_t pending;
  CHECK_SYS(sigpending(&pending));
  CHECK(!sigismember(&pending, SIGINT));
  return done();
}
