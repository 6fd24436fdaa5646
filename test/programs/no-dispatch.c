// A library for LD_PRELOAD: a kernel before 6.4, where a tracer cannot turn Syscall User Dispatch on. Makes the file $REFUSED when
// it has been asked to.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210

long ptrace(int request, ...) {
  va_list list;
  va_start(list, request);
  const pid_t pid = va_arg(list, pid_t);
  void* const addr = va_arg(list, void*);
  void* const data = va_arg(list, void*);
  va_end(list);
  if (request == SET_SYSCALL_USER_DISPATCH_CONFIG) {
    close(open(getenv("REFUSED"), O_CREAT | O_WRONLY, 0600));
    errno = EIO;
    return -1;
  }
  static long (*original)(int, ...);
  if (original == NULL) original = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
  return original(request, pid, addr, data);
}
