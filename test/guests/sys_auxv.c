/*
 * What the kernel puts on the first stack: auxiliary vector, random bytes, names, environment; what the C library
 * made of it.
 */
#include "guest.h"

#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++)
    printf("argument %d at %p: %zu bytes\n", i, (void *)argv[i], strlen(argv[i]));
  int variables = 0;
  for (char **e = environ; *e != NULL; e++, variables++)
    mix(*e, strlen(*e));
  printf("%d variables at %p\n", variables, (void *)environ);

  const Elf64_auxv_t *vector = (const void *)(environ + variables + 1);
  int count = 0;
  for (; vector[count].a_type != AT_NULL; count++) {
    uint64_t type = vector[count].a_type, value = vector[count].a_un.a_val;
    /* For these the C library answers with its own numbers. */
    CHECK(getauxval(type) == value || type == AT_HWCAP || type == AT_HWCAP2 || type == 51 /* AT_MINSIGSTKSZ */);
    printf("%llu: %#llx\n", (unsigned long long)type, (unsigned long long)value);
  }
  const unsigned char *random = (const void *)getauxval(AT_RANDOM);
  CHECK(random != NULL);
  mix(random, 16);
  printf("random %02x%02x%02x%02x\n", random[0], random[1], random[2], random[3]);
  printf("executed as %s on %s\n", (const char *)getauxval(AT_EXECFN), (const char *)getauxval(AT_PLATFORM));
  CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_UID) == getuid() && getauxval(AT_ENTRY) != 0);

  /* The kernel keeps a copy. */
  Elf64_auxv_t copy[64];
  int fd = CHECK_SYS(open("/proc/self/auxv", O_RDONLY));
  ssize_t size = CHECK_SYS(read(fd, copy, sizeof(copy)));
  CHECK(size >= (ssize_t)sizeof(copy[0]));
  mix(copy, (size_t)size);

  /* Secrets derived from the random bytes: the stack protector's and the one that encodes saved pointers. */
  uint64_t canary, guard;
  __asm__("mov %%fs:0x28, %0" : "=r"(canary));
  __asm__("mov %%fs:0x30, %0" : "=r"(guard));
  printf("canary %016llx guard %016llx\n", (unsigned long long)canary, (unsigned long long)guard);
  CHECK((canary & 0xff) == 0);
  printf("main %p stack %p heap %p\n", (void *)(uintptr_t)main, (void *)&fd, malloc(100));
  return done();
}
