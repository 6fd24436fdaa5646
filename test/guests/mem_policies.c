/* Memory policies, names of mappings, mseal, membarrier: calls that a container may refuse; results are printed. */
#include "guest.h"

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

int main(void) {
  char *p = CHECK_SYS(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  p[0] = 'p';
  int mode = -1;
  unsigned long nodes[16];
  memset(nodes, 0xee, sizeof(nodes));
  long result = syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0);
  printf("get_mempolicy: %ld errno %d mode %d\n", result, result == -1 ? errno : 0, mode);
  MIX(nodes);
  result = syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 3);
  printf("node: %ld errno %d %d\n", result, result == -1 ? errno : 0, mode);
  result = syscall(SYS_mbind, p, 4096, 0, NULL, 0, 0);
  printf("mbind: %ld errno %d\n", result, result == -1 ? errno : 0);
  int status[2] = {0x5555, 0x5555};
  void *pages[2] = {p, p + 4096};
  result = syscall(SYS_move_pages, 0, 2, pages, NULL, status, 0);
  printf("move_pages: %ld errno %d status %d %d\n", result, result == -1 ? errno : 0, status[0], status[1]);

  result = prctl(PR_SET_VMA, 0, p, 4096, "guest name");
  printf("name: %ld errno %d\n", result, result == -1 ? errno : 0);
  result = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  printf("membarrier: %#lx\n", result);
  if (result > 0 && (result & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
    CHECK_SYS(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    CHECK_SYS(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  }
  char *sealed = CHECK_SYS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  result = syscall(462 /* mseal */, sealed, 4096, 0);
  printf("mseal: %ld errno %d\n", result, result == -1 ? errno : 0);
  if (result == 0) {
    CHECK_ERRNO(munmap(sealed, 4096), EPERM);
    CHECK_ERRNO(mprotect(sealed, 4096, PROT_READ | PROT_WRITE), EPERM);
  }
  int fd = (int)syscall(447 /* memfd_secret */, 0);
  printf("memfd_secret: %d errno %d\n", fd, fd == -1 ? errno : 0);
  return done();
}
