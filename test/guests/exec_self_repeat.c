/* A program that executes itself five times keeps its pid, start time, descriptors and children. */
#include "guest_tasks.h"

#include <sys/auxv.h>

static long start_time(void) {
  char text[512];
  int fd = CHECK_SYS(open("/proc/self/stat", O_RDONLY));
  ssize_t size = CHECK_SYS(read(fd, text, sizeof(text) - 1));
  close(fd);
  text[size] = '\0';
  char *at = strrchr(text, ')');
  long value = -1;
  for (int field = 2; field < 22 && at; field++)
    at = strchr(at + 1, ' ');
  if (at)
    value = atol(at);
  return value;
}

int main(int argc, char **argv) {
  int generation = argc > 1 ? atoi(argv[1]) : 0;
  char *heap = malloc(100);
  printf("%d: pid %d, main %p, heap %p, stack %p, random ", generation, getpid(), (void *)main, (void *)heap,
         (void *)&argc);
  const unsigned char *random_bytes = (const unsigned char *)getauxval(AT_RANDOM);
  for (int i = 0; i < 16; i++)
    printf("%02x", random_bytes[i]);
  printf(", vdso %lx\n", getauxval(AT_SYSINFO_EHDR));
  if (generation > 0) {
    CHECK(argc == 6 && atoi(argv[2]) == getpid() && atol(argv[3]) == start_time());
    int fd = atoi(argv[4]);
    char text[2] = "";
    /* The offset moves on from one program to the next. */
    CHECK(read(fd, text, 1) == 1 && text[0] == "abcdef"[generation - 1]);
    int status;
    CHECK(waitpid(atoi(argv[5]), &status, 0) == atoi(argv[5]) && WEXITSTATUS(status) == generation - 1);
  }
  if (generation == 5)
    return done();
  char number[4][24];
  int fd;
  if (generation == 0) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/letters", tmpdir());
    fd = CHECK_SYS(open(path, O_CREAT | O_RDWR, 0600));
    CHECK(pwrite(fd, "abcdef", 6, 0) == 6);
    /* exec runs no exit handlers. */
    CHECK_SYS(unlink(path));
    CHECK_SYS(rmdir(tmpdir()));
  } else {
    fd = atoi(argv[4]);
  }
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(generation);
  snprintf(number[0], sizeof(number[0]), "%d", generation + 1);
  snprintf(number[1], sizeof(number[1]), "%d", getpid());
  snprintf(number[2], sizeof(number[2]), "%ld", start_time());
  snprintf(number[3], sizeof(number[3]), "%d", fd);
  char child[24];
  snprintf(child, sizeof(child), "%d", pid);
  free(heap);
  execl(self_path(), "self", number[0], number[1], number[2], number[3], child, NULL);
  CHECK(0 && "exec");
}
