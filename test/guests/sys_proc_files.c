/* Files of /proc and /sys about the machine: they change between reads, and their sizes are not known before. */
#include "guest.h"

static void read_whole(const char *path, size_t piece) {
  int fd = open(path, O_RDONLY);
  if (fd == -1) {
    printf("%s: errno %d\n", path, errno);
    return;
  }
  char bytes[8192];
  size_t total = 0;
  ssize_t size;
  while ((size = read(fd, bytes, piece)) > 0) {
    mix(bytes, (size_t)size);
    total += (size_t)size;
    if (total > 200000)
      break;
  }
  printf("%s: %zu bytes, last read %zd, %016llx\n", path, total, size, (unsigned long long)guest_sum);
  CHECK_SYS(close(fd));
}

int main(void) {
  static const char *paths[] = {"/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/meminfo", "/proc/cpuinfo",
                                "/proc/version", "/proc/filesystems", "/proc/mounts", "/proc/interrupts",
                                "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/random/uuid",
                                "/proc/sys/kernel/pid_max", "/proc/sys/vm/overcommit_memory", "/proc/net/tcp",
                                "/proc/net/dev", "/proc/locks", "/proc/vmstat", "/proc/cmdline", "/proc/none",
                                "/sys/devices/system/cpu/online", "/sys/kernel/mm/transparent_hugepage/enabled"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    read_whole(paths[i], 8192);
    read_whole(paths[i], 100);
  }
  char a[64] = "", b[64] = "";
  int fd = CHECK_SYS(open("/proc/sys/kernel/random/uuid", O_RDONLY));
  CHECK(read(fd, a, 37) == 37);
  CHECK_SYS(close(fd));
  fd = CHECK_SYS(open("/proc/sys/kernel/random/uuid", O_RDONLY));
  CHECK(read(fd, b, 37) == 37);
  CHECK(strcmp(a, b) != 0);
  printf("%s%s", a, b);
  FILE *info = fopen("/proc/cpuinfo", "r");
  CHECK(info != NULL);
  char line[4096];
  int processors = 0;
  while (fgets(line, sizeof(line), info) != NULL)
    if (strncmp(line, "processor", 9) == 0)
      processors++;
  fclose(info);
  CHECK(processors >= 1);
  printf("%d processors\n", processors);
  return done();
}
