/* A tree of processes three levels deep; every node reports over one pipe, in whatever order they run. */
#include "guest_tasks.h"

enum { DEPTH = 3, FANOUT = 3, NODES = 1 + 3 + 9 + 27 };

struct node {
  pid_t pid, parent;
  int depth, branch;
};

static int reports[2];

static void grow(int depth, int branch) {
  struct node node = {getpid(), getppid(), depth, branch};
  CHECK(write(reports[1], &node, sizeof(node)) == sizeof(node));
  if (depth == DEPTH)
    return;
  pid_t children[FANOUT];
  for (int i = 0; i < FANOUT; i++) {
    children[i] = CHECK_SYS(fork());
    if (children[i] == 0) {
      grow(depth + 1, i);
      _exit(10 + i);
    }
  }
  for (int i = 0; i < FANOUT; i++) {
    int status;
    pid_t pid = CHECK_SYS(waitpid(-1, &status, 0));
    int which = 0;
    while (which < FANOUT && children[which] != pid)
      which++;
    CHECK(which < FANOUT && WIFEXITED(status) && WEXITSTATUS(status) == 10 + which);
  }
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

int main(void) {
  static struct node nodes[NODES];
  CHECK_SYS(pipe(reports));
  grow(0, 0);
  close(reports[1]);
  for (int i = 0; i < NODES; i++) {
    CHECK(read(reports[0], &nodes[i], sizeof(nodes[i])) == sizeof(nodes[i]));
    printf("%*s%d child of %d, branch %d\n", 2 * nodes[i].depth, "", nodes[i].pid, nodes[i].parent, nodes[i].branch);
  }
  char byte;
  CHECK(read(reports[0], &byte, 1) == 0);
  for (int i = 1; i < NODES; i++) {
    int parent = 0;
    while (parent < NODES && nodes[parent].pid != nodes[i].parent)
      parent++;
    CHECK(parent < NODES && nodes[parent].depth == nodes[i].depth - 1);
  }
  mix(nodes, sizeof(nodes));
  return done();
}
