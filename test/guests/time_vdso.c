/* The vDSO called directly, by symbols looked up in its ELF image: time that is read without the C library. */
#include "guest.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_function)(clockid_t, struct timespec *);

static const char *image;

/* Address of a dynamic symbol of the image, or NULL. */
static void *lookup(const char *name) {
  const Elf64_Ehdr *head = (const void *)image;
  const Elf64_Phdr *program = (const void *)(image + head->e_phoff);
  const char *base = NULL;
  const Elf64_Dyn *dynamic = NULL;
  for (int i = 0; i < head->e_phnum; i++) {
    if (program[i].p_type == PT_LOAD && base == NULL)
      base = image + program[i].p_offset - program[i].p_vaddr;
    if (program[i].p_type == PT_DYNAMIC)
      dynamic = (const void *)(image + program[i].p_offset);
  }
  CHECK(base != NULL && dynamic != NULL);
  const Elf64_Sym *symbols = NULL;
  const char *names = NULL;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_SYMTAB)
      symbols = (const void *)(base + dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_STRTAB)
      names = base + dynamic->d_un.d_ptr;
  }
  CHECK(symbols != NULL && names != NULL);
  /* The string table lies behind the symbols. */
  for (const Elf64_Sym *symbol = symbols; (const char *)symbol < names; symbol++)
    if (symbol->st_shndx != SHN_UNDEF && strcmp(names + symbol->st_name, name) == 0)
      return (void *)(uintptr_t)(base + symbol->st_value);
  return NULL;
}

int main(void) {
  image = (const char *)getauxval(AT_SYSINFO_EHDR);
  if (image == NULL)
    skip("no vDSO");
  CHECK(memcmp(image, ELFMAG, SELFMAG) == 0);
  printf("vDSO at %p\n", (const void *)image);

  clock_function get_time = (clock_function)lookup("__vdso_clock_gettime");
  clock_function get_resolution = (clock_function)lookup("__vdso_clock_getres");
  int (*get_day)(struct timeval *, void *) = (int (*)(struct timeval *, void *))lookup("__vdso_gettimeofday");
  time_t (*get_seconds)(time_t *) = (time_t(*)(time_t *))lookup("__vdso_time");
  int (*get_cpu)(unsigned *, unsigned *, void *) = (int (*)(unsigned *, unsigned *, void *))lookup("__vdso_getcpu");
  CHECK(get_time != NULL);

  struct timespec before, now, after;
  for (int i = 0; i < 200; i++) {
    CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before));
    CHECK(get_time(CLOCK_MONOTONIC, &now) == 0);
    CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after));
    CHECK(now.tv_sec > before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec));
    CHECK(after.tv_sec > now.tv_sec || (after.tv_sec == now.tv_sec && after.tv_nsec >= now.tv_nsec));
    MIX(now);
  }
  printf("%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
  CHECK(get_time(99, &now) == -EINVAL);
  if (get_day != NULL) {
    struct timeval day;
    CHECK(get_day(&day, NULL) == 0);
    printf("%lld.%06ld\n", (long long)day.tv_sec, (long)day.tv_usec);
  }
  if (get_seconds != NULL)
    printf("%lld\n", (long long)get_seconds(NULL));
  if (get_cpu != NULL) {
    unsigned cpu = 9999, node = 9999;
    CHECK(get_cpu(&cpu, &node, NULL) == 0 && cpu != 9999);
    printf("cpu %u node %u\n", cpu, node);
  }
  if (get_resolution != NULL) {
    CHECK(get_resolution(CLOCK_REALTIME, &now) == 0);
    MIX(now);
  }
  return done();
}
