/*
 * What every guest program shares. Include it first: it sets _GNU_SOURCE.
 *
 * A guest checks itself (exit status 1 and a line on stderr when a result is wrong) and shows what differs from run to
 * run, printed or folded into the checksum that done() prints: a replay that injects a wrong byte prints another one.
 */
#ifndef GUEST_H
#define GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_HELPER static __attribute__((unused))

/* A forked child must not print its parent's pending lines again, so no line stays in the buffer of stdout. */
__attribute__((constructor)) static void guest_init(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

GUEST_HELPER __attribute__((noreturn)) void guest_fail(const char *file, int line, const char *what, int err) {
  fprintf(stderr, "%s:%d: %s (errno %d: %s)\n", file, line, what, err, strerror(err));
  exit(1);
}

/* Ends the guest unless `cond` holds. */
#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond))                                                                                                       \
      guest_fail(__FILE__, __LINE__, #cond, errno);                                                                    \
  } while (0)

/* The result of a call that must not return -1 (or MAP_FAILED). */
#define CHECK_SYS(call)                                                                                                \
  ({                                                                                                                   \
    __auto_type result_ = (call);                                                                                      \
    if ((long)result_ == -1)                                                                                           \
      guest_fail(__FILE__, __LINE__, #call, errno);                                                                    \
    result_;                                                                                                           \
  })

/* A call that must fail with `expected`. */
#define CHECK_ERRNO(call, expected)                                                                                    \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    long failed_ = (long)(call);                                                                                       \
    if (failed_ != -1 || errno != (expected))                                                                          \
      guest_fail(__FILE__, __LINE__, #call " must fail with " #expected, errno);                                       \
  } while (0)

/* For pthread_* and the like, which return the error. */
#define CHECK_ZERO(call)                                                                                               \
  do {                                                                                                                 \
    int error_ = (call);                                                                                               \
    if (error_ != 0)                                                                                                   \
      guest_fail(__FILE__, __LINE__, #call, error_);                                                                   \
  } while (0)

static uint64_t guest_sum = 0xcbf29ce484222325u;

/* Folds `size` bytes into the process's checksum (FNV-1a). Not locked: one thread at a time. */
GUEST_HELPER void mix(const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++)
    guest_sum = (guest_sum ^ bytes[i]) * 0x100000001b3u;
}

#define MIX(object) mix(&(object), sizeof(object))

/* The guest's name: its source file's, without directory and ".c". */
GUEST_HELPER const char *guest_name(void) {
  static char name[64];
  const char *slash = strrchr(__BASE_FILE__, '/');
  snprintf(name, sizeof(name), "%s", slash ? slash + 1 : __BASE_FILE__);
  name[strcspn(name, ".")] = '\0';
  return name;
}

/* Last line of a guest: `return done();`. */
GUEST_HELPER int done(void) {
  /* No two runs print the same, so a replay that runs things anew, instead of replaying them, doesn't go unseen. */
  pid_t pid = getpid();
  MIX(pid);
  printf("checksum %016llx\n%s ok\n", (unsigned long long)guest_sum, guest_name());
  return 0;
}

/* Ends the guest well where the machine refuses what it is about. */
GUEST_HELPER __attribute__((noreturn)) void skip(const char *why) {
  printf("%s skipped: %s\n", guest_name(), why);
  exit(0);
}

/* Waits for a child that must exit with status 0. */
GUEST_HELPER void wait_ok(pid_t pid) {
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static char guest_dir[1024];
static pid_t guest_dir_owner;

GUEST_HELPER int guest_remove(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

GUEST_HELPER void guest_cleanup(void) {
  /* A forked child inherits the exit handler, but the directory is its parent's. */
  if (getpid() == guest_dir_owner)
    nftw(guest_dir, guest_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh directory, removed with its contents when the process exits (not at _exit, a signal or exec). */
GUEST_HELPER const char *tmpdir(void) {
  if (guest_dir[0] == '\0') {
    const char *base = getenv("TMPDIR");
    snprintf(guest_dir, sizeof(guest_dir), "%s/guest.XXXXXX", base && *base ? base : "/tmp");
    CHECK(mkdtemp(guest_dir) != NULL);
    guest_dir_owner = getpid();
    atexit(guest_cleanup);
  }
  return guest_dir;
}

#endif
