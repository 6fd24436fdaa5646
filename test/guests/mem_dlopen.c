/*
 * Libraries loaded and unloaded while running: mappings of files with several protections, lazy binding, thread-local
 * data.
 */
#include "guest.h"

#include <dlfcn.h>
#include <link.h>

static int count(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  (*(int *)data)++;
  mix(info->dlpi_name, strlen(info->dlpi_name));
  MIX(info->dlpi_addr);
  return 0;
}

int main(void) {
  static const char *names[] = {"libresolv.so.2", "libanl.so.1", "libnss_files.so.2", "libBrokenLocale.so.1",
                                "libgcc_s.so.1", "libnone.so.99"};
  int before = 0, during = 0, after = 0;
  dl_iterate_phdr(count, &before);
  for (int turn = 0; turn < 3; turn++) {
    void *handles[6];
    for (int i = 0; i < 6; i++) {
      handles[i] = dlopen(names[i], turn == 1 ? RTLD_NOW : RTLD_LAZY);
      printf("%s: %s\n", names[i], handles[i] != NULL ? "loaded" : "not found");
    }
    CHECK(handles[5] == NULL && strstr(dlerror(), "libnone") != NULL);
    during = 0;
    dl_iterate_phdr(count, &during);
    if (handles[0] != NULL) {
      int (*skip_name)(const unsigned char *, const unsigned char *) =
          (int (*)(const unsigned char *, const unsigned char *))dlsym(handles[0], "dn_skipname");
      if (skip_name != NULL) {
        static const unsigned char name[] = "\3www\4test";
        CHECK(skip_name(name, name + sizeof(name)) == 10);
      }
    }
    for (int i = 5; i >= 0; i--)
      if (handles[i] != NULL)
        CHECK(dlclose(handles[i]) == 0);
  }
  dl_iterate_phdr(count, &after);
  printf("%d, %d, %d objects\n", before, during, after);
  CHECK(during >= before && after >= before);
  return done();
}
