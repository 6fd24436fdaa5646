/* Parts of files mapped one after the other, as loaders do; what is behind a descriptor, and in a file, changes meanwhile. */
#include "guest.h"

#include <sys/mman.h>

#define PAGE 4096
#define PAGES 8

static void make(const char *name, char first) {
  int fd = CHECK_SYS(open(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  char page[PAGE];
  for (int i = 0; i < PAGES; i++) {
    memset(page, first + i, sizeof(page));
    CHECK(write(fd, page, sizeof(page)) == sizeof(page));
  }
  CHECK_SYS(close(fd));
}

static char *map(void *at, int pages, int prot, int fd, int from) {
  int fixed = at == NULL ? 0 : MAP_FIXED;
  return CHECK_SYS(mmap(at, pages * PAGE, prot, MAP_PRIVATE | fixed, fd, from * PAGE));
}

/* The whole file, then parts of it in its midst, and memory without a file behind them. */
static void load(int fd, char first) {
  char *base = map(NULL, PAGES, PROT_READ, fd, 0);
  map(base + 2 * PAGE, 1, PROT_READ, fd, 4);
  map(base + 3 * PAGE, 2, PROT_READ | PROT_WRITE, fd, 6);
  CHECK_SYS(mmap(base + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
  CHECK(base[0] == first && base[PAGE] == first + 1 && base[2 * PAGE] == first + 4);
  CHECK(base[3 * PAGE] == first + 6 && base[4 * PAGE] == first + 7 && base[5 * PAGE] == first + 5);
  CHECK(base[7 * PAGE] == 0);
  base[3 * PAGE] = base[7 * PAGE] = '!';
  CHECK(base[3 * PAGE] == '!' && base[3 * PAGE + 1] == first + 6);
  mix(base, PAGES * PAGE);
  CHECK_SYS(munmap(base, PAGES * PAGE));
}

static void many(void) {
  for (int i = 0; i < 20; i++) {
    int fd = CHECK_SYS(open(i % 2 ? "a" : "b", O_RDONLY));
    load(fd, i % 2 ? 'a' : 'A');
    CHECK_SYS(close(fd));
  }
}

/* The same with a file that nobody has written to since the recording began. */
static void old_file(const char *name) {
  char there[4 * PAGE];
  for (int i = 0; i < 200; i++) {
    int fd = CHECK_SYS(open(name, O_RDONLY));
    char *base = map(NULL, 4, PROT_READ, fd, 0);
    map(base + PAGE, 1, PROT_READ, fd, 2);
    map(base + 2 * PAGE, 1, PROT_READ | PROT_WRITE, fd, 1);
    CHECK_SYS(mmap(base + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
    CHECK(pread(fd, there, sizeof(there), 0) == sizeof(there));
    CHECK(memcmp(base, there, PAGE) == 0);
    CHECK(memcmp(base + PAGE, there + 2 * PAGE, PAGE) == 0);
    CHECK(memcmp(base + 2 * PAGE, there + PAGE, PAGE) == 0);
    CHECK(base[3 * PAGE] == 0);
    base[2 * PAGE] ^= 1;
    base[3 * PAGE] = 1;
    mix(base, 4 * PAGE);
    CHECK_SYS(munmap(base, 4 * PAGE));
    CHECK_SYS(close(fd));
  }
}

/* Another old file gets the number, by a call or by a child's. */
static void old_numbers(const char *name) {
  int fd = CHECK_SYS(open(name, O_RDONLY)), other = CHECK_SYS(open("/bin/sh", O_RDONLY));
  char mine[8], others[8];
  CHECK(pread(fd, mine, 8, PAGE) == 8 && pread(other, others, 8, PAGE) == 8);
  for (int i = 0; i < 20; i++) {
    char *one = map(NULL, 1, PROT_READ, fd, 1);
    CHECK_SYS(dup2(other, fd));
    char *two = map(NULL, 1, PROT_READ, fd, 1);
    CHECK_SYS(close(fd));
    CHECK(open(name, O_RDONLY) == fd);
    char *three = map(NULL, 1, PROT_READ, fd, 1);
    CHECK(memcmp(one, mine, 8) == 0 && memcmp(two, others, 8) == 0 && memcmp(three, mine, 8) == 0);
    pid_t child = CHECK_SYS(fork());
    if (child == 0) {
      char *four = map(NULL, 1, PROT_READ | PROT_WRITE, fd, 1);
      _exit(memcmp(four, mine, 8) != 0);
    }
    char *four = map(NULL, 1, PROT_READ, fd, 1);
    CHECK(memcmp(four, mine, 8) == 0);
    wait_ok(child);
  }
}

/* The number means another file from one mapping to the next. */
static void other_file(void) {
  int fd = CHECK_SYS(open("a", O_RDONLY)), other = CHECK_SYS(open("b", O_RDONLY));
  for (int i = 0; i < 20; i++) {
    char *one = map(NULL, 1, PROT_READ, fd, 1);
    CHECK_SYS(dup2(other, fd));
    char *two = map(NULL, 1, PROT_READ, fd, 1);
    CHECK_SYS(close(fd));
    CHECK(open("a", O_RDONLY) == fd);
    char *three = map(NULL, 1, PROT_READ, fd, 2);
    CHECK(*one == 'b' && *two == 'B' && *three == 'c');
    MIX(*two);
    CHECK_SYS(munmap(one, PAGE));
    CHECK_SYS(munmap(two, PAGE));
    CHECK_SYS(munmap(three, PAGE));
  }
  CHECK_SYS(close(fd));
  CHECK_SYS(close(other));
}

/* Written to between two mappings, and while it is mapped. */
static void written(void) {
  make("c", 'k');
  int fd = CHECK_SYS(open("c", O_RDONLY));
  char *one = map(NULL, PAGES, PROT_READ, fd, 0);
  CHECK(*one == 'k');
  int out = CHECK_SYS(open("c", O_WRONLY));
  CHECK(pwrite(out, "xyz", 3, 2 * PAGE) == 3);
  char *two = map(NULL, 2, PROT_READ | PROT_WRITE, fd, 2);
  CHECK(memcmp(two, "xyzm", 4) == 0);
  CHECK(pwrite(out, "new", 3, 3 * PAGE) == 3);
  char *three = map(NULL, 2, PROT_READ, fd, 3);
  CHECK(memcmp(three, "newn", 4) == 0 && memcmp(two + PAGE, "new", 3) == 0);
  mix(one, PAGES * PAGE);
  mix(two, 2 * PAGE);
  CHECK_SYS(close(out));
  CHECK_SYS(close(fd));
}

/* A child begins with a mapping, right after its parent has made one. */
static void in_child(void) {
  int fd = CHECK_SYS(open("b", O_RDONLY));
  char *one = map(NULL, 1, PROT_READ, fd, 0);
  pid_t child = CHECK_SYS(fork());
  char *two = map(NULL, 2, PROT_READ, fd, 5);
  CHECK(*one == 'A' && *two == 'F' && two[PAGE] == 'G');
  if (child == 0) _exit(0);
  wait_ok(child);
  CHECK_SYS(close(fd));
}

int main(int argc, char **argv) {
  (void)argc;
  old_file(argv[0]);
  old_numbers(argv[0]);
  CHECK_SYS(chdir(tmpdir()));
  make("a", 'a');
  make("b", 'A');
  many();
  other_file();
  written();
  in_child();
  int null = CHECK_SYS(open("/dev/null", O_RDONLY));
  CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, null, 0), ENODEV);
  return done();
}
