/*
 * Buffers that end in a hole: what the kernel stores before it meets the hole stays, whether the call then returns a
 * short count or EFAULT. Which of both is the kernel's affair; so results and all bytes of the good page are folded in.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char *page;

static void show(const char *what, long result) {
  printf("%s: %ld errno %d, first byte %d\n", what, result, result == -1 ? errno : 0, page[4000]);
  mix(page, 4096);
  memset(page, 0x77, 4096);
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  page = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(munmap(page + 4096, 4096));
  CHECK_SYS(mprotect(page + 2 * 4096, 4096, PROT_READ));
  char *tail = page + 4000, bytes[1000];
  memset(page, 0x77, 4096);
  CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));

  ssize_t size = pread(fd, tail, 1000, 0);
  CHECK((size > 0 && size <= 96) || (size == -1 && errno == EFAULT));
  if (size > 0)
    CHECK(memcmp(tail, bytes, (size_t)size) == 0);
  show("file", size);
  CHECK_ERRNO(pread(fd, page + 4096, 10, 0), EFAULT);
  CHECK_ERRNO(pread(fd, page + 2 * 4096, 10, 0), EFAULT);
  show("readv", preadv(fd, (struct iovec[]){{tail, 50}, {page + 4096, 50}, {bytes, 50}}, 3, 0));

  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK(write(ends[1], bytes, 500) == 500);
  size = read(ends[0], tail, 500);
  CHECK(size == -1 ? errno == EFAULT : size <= 96);
  show("pipe", size);

  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  CHECK(send(pair[0], bytes, 500, 0) == 500);
  show("datagram", recv(pair[1], tail, 500, 0));
  show("datagram again", recv(pair[1], tail, 500, 0));
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  CHECK(send(pair[0], bytes, 500, 0) == 500);
  show("stream", recv(pair[1], tail, 500, 0));
  show("stream again", recv(pair[1], bytes, 500, 0));

  show("getrandom", getrandom(tail, 500, 0));
  show("getcwd", syscall(SYS_getcwd, page + 4094, 100));
  int dir = CHECK_SYS(open(".", O_RDONLY));
  show("getdents64", syscall(SYS_getdents64, dir, page + 4096 - 40, 1000));
  show("stat", syscall(SYS_fstat, fd, page + 4096 - 30));
  show("uname", syscall(SYS_uname, page + 4096 - 200));
  show("pipe2", syscall(SYS_pipe2, page + 4096 - 4, 0));
  show("wait4", syscall(SYS_wait4, -1, page + 4096, 0, NULL));
  show("readlink", readlink("/proc/self/exe", page + 4095, 100));

  /* The other way: out of a hole. */
  long result = write(ends[1], tail, 500);
  printf("write: %ld errno %d\n", result, result == -1 ? errno : 0);
  result = pwrite(fd, tail, 500, 0);
  printf("pwrite: %ld errno %d\n", result, result == -1 ? errno : 0);
  CHECK_ERRNO(write(fd, page + 4096, 1), EFAULT);
  /* /dev/null never looks. */
  CHECK(write(CHECK_SYS(open("/dev/null", O_WRONLY)), page + 4096, 4096) == 4096);
  return done();
}
