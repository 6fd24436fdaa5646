/* Ids of users, groups, processes, sessions; capabilities with their version handshake; limits as numbers. */
#include "guest.h"

#include <linux/capability.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
  uid_t real = 77, effective = 77, saved = 77;
  CHECK_SYS(getresuid(&real, &effective, &saved));
  CHECK(real == getuid() && effective == geteuid());
  printf("users %u %u %u ", real, effective, saved);
  gid_t groups[3] = {77, 77, 77};
  CHECK_SYS(getresgid(&groups[0], &groups[1], &groups[2]));
  printf("groups %u %u %u fsuid %d fsgid %d\n", groups[0], groups[1], groups[2], setfsuid(-1), setfsgid(-1));
  int count = CHECK_SYS(getgroups(0, NULL));
  gid_t *list = calloc((size_t)count + 4, sizeof(gid_t));
  CHECK(getgroups(count + 4, list) == count);
  mix(list, ((size_t)count + 4) * sizeof(gid_t));
  if (count > 1)
    CHECK_ERRNO(getgroups(1, list), EINVAL);
  printf("%d more groups\n", count);
  CHECK_SYS(setuid(getuid()));
  CHECK_SYS(setresgid(-1, getegid(), -1));
  printf("pid %d tid %ld parent %d group %d session %d\n", getpid(), syscall(SYS_gettid), getppid(), getpgrp(),
         getsid(0));
  CHECK(getpgid(0) == getpgrp() && syscall(SYS_gettid) == getpid());
  CHECK_ERRNO(getsid(-5), ESRCH);

  /* An unknown version: the kernel writes the one it likes. */
  struct __user_cap_header_struct head = {.version = 0x12345678};
  struct __user_cap_data_struct data[2];
  CHECK_ERRNO(syscall(SYS_capget, &head, data), EINVAL);
  printf("capability version %#x\n", head.version);
  memset(data, 0xee, sizeof(data));
  head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
  CHECK_SYS(syscall(SYS_capget, &head, data));
  MIX(data);
  memset(data, 0xee, sizeof(data));
  head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_1, .pid = getpid()};
  CHECK_SYS(syscall(SYS_capget, &head, data));
  CHECK(data[1].effective == 0xeeeeeeee);
  MIX(data);
  for (int capability = 0; capability < 64; capability++) {
    int result = prctl(PR_CAPBSET_READ, capability);
    MIX(result);
  }
  printf("secure bits %d\n", prctl(PR_GET_SECUREBITS));

  for (int resource = 0; resource < 16; resource++) {
    struct rlimit old, limit;
    memset(&limit, 0xee, sizeof(limit));
    CHECK_SYS(syscall(SYS_getrlimit, resource, &limit));
    CHECK_SYS(prlimit(0, resource, NULL, &old));
    CHECK(memcmp(&old, &limit, sizeof(old)) == 0);
    CHECK_SYS(prlimit(getpid(), resource, &limit, &old));
    MIX(limit);
  }
  CHECK_ERRNO(syscall(SYS_getrlimit, 16, &data), EINVAL);
  return done();
}
