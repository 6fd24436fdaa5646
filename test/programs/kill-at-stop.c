// A library for LD_PRELOAD: kills the task that a ptrace request is about, before it is made, at the $KILL_AT'th request of a
// tracer; with $KILL_REGISTERS, at the $KILL_AT'th that reads registers.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>

long ptrace(enum __ptrace_request request, ...) {
  va_list list;
  va_start(list, request);
  const pid_t pid = va_arg(list, pid_t);
  void* const addr = va_arg(list, void*);
  void* const data = va_arg(list, void*);
  va_end(list);
  static long (*original)(enum __ptrace_request, ...);
  static long left;
  static int any;
  if (original == NULL) {
    original = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
    left = atol(getenv("KILL_AT"));
    any = getenv("KILL_REGISTERS") == NULL;
  }
  const int counts = any ? request != PTRACE_TRACEME && request != PTRACE_SEIZE : request == PTRACE_GETREGS;
  if (counts && --left == 0) kill(pid, SIGKILL);
  return original(request, pid, addr, data);
}
