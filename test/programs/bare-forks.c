// Without a C library: its only calls that come often are those that make and end children.
static long call(long nr, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

__attribute__((noinline)) static long fork_here(void) {
  long result;
  __asm__ volatile("mov $57, %%eax\n  syscall" : "=a"(result) : : "rcx", "r11", "memory");
  return result;
}

__attribute__((noreturn)) static void end(long status) {
  for (;;) call(231, status, 0, 0, 0);
}

void _start(void) {
  for (int i = 0; i < 20; i++) {
    const long child = fork_here();
    if (child == 0) end(i);
    int status = 0;
    call(61, child, (long)&status, 0, 0);
    if ((status >> 8 & 255) != i) end(1);
  }
  end(7);
}
