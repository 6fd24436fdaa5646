/* What /proc tells of tasks is what it would tell without a recorder: no tracer, no stops of its making, all CPUs. */
#include "guest_tasks.h"

#include <sched.h>
#include <signal.h>
#include <sys/uio.h>

static char text[8192];

static void load_from(int fd) {
  size_t size = 0;
  for (ssize_t got; (got = CHECK_SYS(read(fd, text + size, sizeof(text) - 1 - size))) > 0;)
    size += (size_t)got;
  text[size] = '\0';
  close(fd);
}

static void load(pid_t pid, const char *name) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
  load_from(CHECK_SYS(open(path, O_RDONLY)));
}

static const char *line(const char *name) {
  static char value[256];
  char start[64];
  snprintf(start, sizeof(start), "\n%s:\t", name);
  const char *found = strstr(text, start);
  CHECK(found != NULL);
  sscanf(found + strlen(start), "%255[^\n]", value);
  return value;
}

static void check_cpus(void) {
  cpu_set_t set, told;
  CHECK_SYS(sched_getaffinity(0, sizeof(set), &set));
  CPU_ZERO(&told);
  char list[256];
  snprintf(list, sizeof(list), "%s", line("Cpus_allowed_list"));
  for (char *part = strtok(list, ","); part != NULL; part = strtok(NULL, ",")) {
    int first, last;
    if (sscanf(part, "%d-%d", &first, &last) == 1)
      last = first;
    for (int cpu = first; cpu <= last; cpu++)
      CPU_SET(cpu, &told);
  }
  CHECK(CPU_EQUAL(&set, &told));
  /* The last digits of the mask are the first CPUs. */
  const char *mask = line("Cpus_allowed");
  const unsigned low = (unsigned)strtoul(mask + strlen(mask) - 1, NULL, 16);
  for (int cpu = 0; cpu < 4; cpu++)
    CHECK(((low >> cpu) & 1) == (CPU_ISSET(cpu, &set) ? 1u : 0u));
}

/* Some C libraries read so. */
static void load_in_pieces(void) {
  const int fd = CHECK_SYS(open("/proc/self/status", O_RDONLY));
  const struct iovec pieces[] = {{text, 100}, {text + 100, sizeof(text) - 101}};
  text[CHECK_SYS(readv(fd, pieces, 2))] = '\0';
  close(fd);
}

/* Paths that do not begin with /proc lead there, too. */
static void check_other_paths(void) {
  char link[64];
  const int here = CHECK_SYS(open(".", O_RDONLY | O_DIRECTORY));
  const int slash = CHECK_SYS(open("/", O_RDONLY | O_DIRECTORY));
  load_from(CHECK_SYS(openat(slash, "proc/self/status", O_RDONLY)));
  CHECK(strcmp(line("TracerPid"), "0") == 0);
  snprintf(link, sizeof(link), "/tmp/proc-status-%d", (int)getpid());
  CHECK_SYS(symlink("/proc/self", link));
  CHECK_SYS(chdir(link));
  CHECK_SYS(unlink(link));
  load_from(CHECK_SYS(open("status", O_RDONLY)));
  CHECK(strcmp(line("TracerPid"), "0") == 0);
  CHECK_SYS(fchdir(here));
  close(slash);
  close(here);
}

int main(void) {
  load(getpid(), "status");
  CHECK(strcmp(line("TracerPid"), "0") == 0);
  CHECK(line("State")[0] == 'R');
  CHECK(strstr(text, "nonvoluntary_ctxt_switches") != NULL);
  check_cpus();
  check_other_paths();
  load_in_pieces();
  CHECK(strcmp(line("TracerPid"), "0") == 0);
  CHECK(strstr(text, "nonvoluntary_ctxt_switches") != NULL);
  cpu_set_t one;
  CHECK_SYS(sched_getaffinity(0, sizeof(one), &one));
  for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &one) && seen++ > 0)
      CPU_CLR(cpu, &one);
  CHECK_SYS(sched_setaffinity(0, sizeof(one), &one));
  load(getpid(), "status");
  check_cpus();

  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    for (;;)
      raise(SIGSTOP);
  int status;
  CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
  /* While it is recorded, the child may be on its way into the stop for a moment. */
  do
    load(child, "status");
  while (strcmp(line("State"), "T (stopped)") != 0);
  CHECK(strcmp(line("TracerPid"), "0") == 0);
  load(child, "stat");
  CHECK(strrchr(text, ')')[2] == 'T');
  CHECK_SYS(kill(child, SIGKILL));
  CHECK(waitpid(child, &status, 0) == child);
  return done();
}
