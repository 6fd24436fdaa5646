/* process_vm_writev and /proc/PID/mem: a parent changes the memory of its child, which made no system call for it. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/uio.h>

int main(void) {
  char *p = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int there[2], back[2];
  CHECK_SYS(pipe(there));
  CHECK_SYS(pipe(back));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    char c;
    while (read(there[0], &c, 1) == 1 && c != 'q') {
      mix(p, 3 * 4096);
      printf("the child sees %.8s, checksum %016llx\n", p, (unsigned long long)guest_sum);
      CHECK(write(back[1], &guest_sum, sizeof(guest_sum)) == sizeof(guest_sum));
    }
    _exit(0);
  }
  char bytes[5000];
  CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
  memcpy(bytes, "vm write", 8);
  struct iovec local = {bytes, sizeof(bytes)}, remote = {p, sizeof(bytes)};
  ssize_t size = process_vm_writev(child, &local, 1, &remote, 1, 0);
  int refused = size == -1 ? errno : 0;
  uint64_t sum;
  if (refused == 0) {
    CHECK(size == sizeof(bytes) && p[0] == 0);
    CHECK(write(there[1], "1", 1) == 1 && read(back[0], &sum, sizeof(sum)) == sizeof(sum));
    memcpy(p, bytes, sizeof(bytes));
    mix(p, 3 * 4096);
    CHECK(sum == guest_sum);

    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", child);
    int fd = CHECK_SYS(open(path, O_RDWR));
    CHECK(pwrite(fd, "proc mem", 8, (off_t)(uintptr_t)p) == 8);
    CHECK(pread(fd, bytes, 16, (off_t)(uintptr_t)p) == 16 && memcmp(bytes, "proc mem", 8) == 0);
    CHECK(write(there[1], "2", 1) == 1 && read(back[0], &sum, sizeof(sum)) == sizeof(sum));
    memcpy(p, "proc mem", 8);
    mix(p, 3 * 4096);
    CHECK(sum == guest_sum);
  }
  CHECK(write(there[1], "q", 1) == 1);
  wait_ok(child);
  if (refused != 0) {
    CHECK(refused == EPERM || refused == ENOSYS);
    skip(strerror(refused));
  }
  return done();
}
