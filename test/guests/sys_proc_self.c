/* /proc/self: files about the process, links, descriptors, and files that are written to. */
#include "guest.h"

#include <dirent.h>
#include <sys/prctl.h>

static size_t fold(const char *path) {
  char bytes[4096];
  size_t total = 0;
  int fd = open(path, O_RDONLY);
  if (fd == -1) {
    printf("%s: errno %d\n", path, errno);
    return 0;
  }
  ssize_t size;
  while ((size = read(fd, bytes, sizeof(bytes))) > 0) {
    mix(bytes, (size_t)size);
    total += (size_t)size;
  }
  CHECK_SYS(close(fd));
  return total;
}

static void first_line(const char *path, char *line, size_t size) {
  int fd = CHECK_SYS(open(path, O_RDONLY));
  ssize_t got = CHECK_SYS(read(fd, line, size - 1));
  line[got] = '\0';
  line[strcspn(line, "\n")] = '\0';
  CHECK_SYS(close(fd));
}

int main(int argc, char **argv) {
  (void)argc;
  static const char *files[] = {"stat", "statm", "status", "cmdline", "comm", "environ", "limits", "io", "sched",
                                "schedstat", "mountinfo", "cgroup", "oom_score", "wchan", "personality", "syscall",
                                "maps", "smaps_rollup", "numa_maps", "loginuid", "ns/pid", "fdinfo/0", "task"};
  char path[PATH_MAX], line[4096];
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
    printf("%s: %s\n", files[i], fold(path) ? "read" : "empty");
  }
  first_line("/proc/self/comm", line, sizeof(line));
  printf("comm %s\n", line);
  first_line("/proc/self/cmdline", line, sizeof(line));
  CHECK(strcmp(line, argv[0]) == 0);
  int pid = 0;
  first_line("/proc/self/stat", line, sizeof(line));
  CHECK(sscanf(line, "%d", &pid) == 1 && pid == getpid());
  CHECK(readlink("/proc/self", line, sizeof(line)) > 0 && atoi(line) == pid);
  static const char *links[] = {"exe", "cwd", "root", "fd/0", "fd/1", "fd/2", "ns/mnt", "ns/net", "ns/pid"};
  for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
    snprintf(path, sizeof(path), "/proc/self/%s", links[i]);
    ssize_t size = readlink(path, line, sizeof(line) - 1);
    printf("%s -> %.*s\n", links[i], size < 0 ? 4 : (int)size, size < 0 ? "none" : line);
  }

  DIR *dir = opendir("/proc/self/fd");
  CHECK(dir != NULL);
  int descriptors = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    descriptors += entry->d_name[0] != '.';
  closedir(dir);
  CHECK(descriptors >= 4);
  printf("%d descriptors\n", descriptors);

  int fd = CHECK_SYS(open("/proc/self/comm", O_WRONLY));
  CHECK(write(fd, "new name of this process", 24) == 24);
  char name[16];
  CHECK_SYS(prctl(PR_GET_NAME, name));
  CHECK(strcmp(name, "new name of thi") == 0);
  fd = open("/proc/self/oom_score_adj", O_RDWR);
  if (fd != -1)
    printf("oom_score_adj: %zd\n", write(fd, "500", 3));
  return done();
}
