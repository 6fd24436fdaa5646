/* mincore, mlock, mlock2, mlockall: what is resident is the kernel's choice and folded in; limits may refuse locks. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/syscall.h>

int main(void) {
  char *p = CHECK_SYS(mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 64; i += 3)
    p[i * 4096] = 1;
  unsigned char resident[64];
  memset(resident, 0xee, sizeof(resident));
  CHECK_SYS(mincore(p, 60 * 4096 + 1, resident));
  CHECK((resident[0] & 1) && (resident[60] & 1));
  CHECK(resident[61] == 0xee);
  MIX(resident);

  int self = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  void *image = CHECK_SYS(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, self, 0));
  CHECK_SYS(mincore(image, 4 * 4096, resident));
  MIX(resident);
  CHECK_ERRNO(mincore(p + 1, 4096, resident), EINVAL);

  int locked = mlock(p, 8 * 4096);
  printf("mlock: %d errno %d\n", locked, locked == -1 ? errno : 0);
  if (locked == 0) {
    CHECK_SYS(mincore(p, 8 * 4096, resident));
    for (int i = 0; i < 8; i++)
      CHECK(resident[i] & 1);
    CHECK_SYS(munlock(p, 8 * 4096));
  }
  int result = (int)syscall(SYS_mlock2, p + 8 * 4096, 4096, MLOCK_ONFAULT);
  printf("mlock2: %d errno %d\n", result, result == -1 ? errno : 0);
  result = mlockall(MCL_FUTURE | MCL_ONFAULT);
  printf("mlockall: %d errno %d\n", result, result == -1 ? errno : 0);
  void *future = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  printf("locked mapping: %s\n", future == MAP_FAILED ? strerror(errno) : "made");
  CHECK_SYS(munlockall());
  CHECK_SYS(munmap(p + 4096, 4096));
  CHECK_ERRNO(mincore(p, 3 * 4096, resident), ENOMEM);
  MIX(resident);
  CHECK_ERRNO(mlock(p, 3 * 4096), ENOMEM);
  return done();
}
