/* process_vm_readv: the memory of a child, in several pieces, across a hole, after the child changed it. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>

int main(void) {
  char *p = CHECK_SYS(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(p, 'p', 4 * 4096);
  int ready[2], leave[2];
  CHECK_SYS(pipe(ready));
  CHECK_SYS(pipe(leave));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(getrandom(p, 4096, 0) == 4096);
    pid_t self = getpid();
    memcpy(p + 5000, &self, sizeof(self));
    CHECK_SYS(munmap(p + 2 * 4096, 4096));
    CHECK(write(ready[1], "!", 1) == 1);
    CHECK(read(leave[0], p, 1) == 1);
    _exit(0);
  }
  CHECK(read(ready[0], (char[1]){0}, 1) == 1);

  char a[1000], b[9000];
  memset(a, '.', sizeof(a));
  memset(b, '.', sizeof(b));
  struct iovec local[] = {{a, sizeof(a)}, {b, sizeof(b)}}, remote[] = {{p, 3000}, {p + 5000, sizeof(pid_t)}};
  ssize_t size = process_vm_readv(child, local, 2, remote, 2, 0);
  if (size == -1 && (errno == EPERM || errno == ENOSYS)) {
    CHECK(write(leave[1], "!", 1) == 1);
    wait_ok(child);
    skip(strerror(errno));
  }
  CHECK(size == 3000 + sizeof(pid_t));
  CHECK(memcmp(b + 2000, &child, sizeof(child)) == 0 && p[5000] == 'p');
  MIX(a);
  MIX(b);

  /* Up to the hole: a short count. */
  struct iovec across = {p + 2 * 4096 - 100, 300};
  CHECK(process_vm_readv(child, local, 2, &across, 1, 0) == 100);
  across.iov_base = p + 2 * 4096;
  CHECK_ERRNO(process_vm_readv(child, local, 1, &across, 1, 0), EFAULT);
  CHECK_ERRNO(process_vm_readv(child, local, 1, remote, 1, 1), EINVAL);
  CHECK(process_vm_readv(child, local, 0, remote, 1, 0) == 0);

  /* Itself. */
  across = (struct iovec){p, 10};
  CHECK(process_vm_readv(getpid(), &(struct iovec){b, 10}, 1, &across, 1, 0) == 10 && memcmp(b, "pppppppppp", 10) == 0);
  CHECK(write(leave[1], "!", 1) == 1);
  wait_ok(child);
  CHECK_ERRNO(process_vm_readv(child, local, 1, remote, 1, 0), ESRCH);
  return done();
}
