/* cflags: -nostdlib -ffreestanding -fno-stack-protector -fno-builtin */
/* Fills memory of every kind, writes the addresses of one page of each (4 words: data, read-only, inaccessible, shared) to
 * its output, then calls getppid, where a test looks at it. With an argument it also reserves terabytes of its own, with two
 * one that is shared.
 * Without a libc, which keeps random guards and its tid in memory: two runs shall be equal. */

#define PAGE 4096UL
#define TERABYTE (1UL << 40)

enum { SYS_write = 1, SYS_mmap = 9, SYS_mprotect = 10, SYS_getppid = 110, SYS_exit_group = 231 };
enum { PROT_NONE = 0, PROT_READ = 1, PROT_READ_WRITE = 3 };
enum { MAP_SHARED = 0x01, MAP_PRIVATE = 0x02, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000 };

static char data[3 * PAGE] __attribute__((aligned(4096)));

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static void leave(int status) {
  call(SYS_exit_group, status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

static char *map(unsigned long size, long prot, long flags) {
  long at = call(SYS_mmap, 0, (long)size, prot, flags | MAP_ANONYMOUS, -1, 0);
  if (at < 0) leave(1);
  return (char *)at;
}

__attribute__((used)) static void run(const long *stack) {
  for (unsigned long i = 0; i < sizeof data; i++) data[i] = 1;
  char *read_only = map(PAGE, PROT_READ_WRITE, MAP_PRIVATE);
  read_only[0] = 2;
  call(SYS_mprotect, (long)read_only, PAGE, PROT_READ, 0, 0, 0);
  char *none = map(2 * PAGE, PROT_READ_WRITE, MAP_PRIVATE);
  none[0] = 3;
  call(SYS_mprotect, (long)none, 2 * PAGE, PROT_NONE, 0, 0, 0);
  char *shared = map(4 * PAGE, PROT_READ_WRITE, MAP_SHARED) + 2 * PAGE;
  shared[0] = 4;
  if (stack[0] > 1) {
    map(8 * TERABYTE, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
    char *sparse = map(16 * TERABYTE, PROT_READ_WRITE, MAP_PRIVATE | MAP_NORESERVE);
    sparse[0] = 1;
    sparse[11 * TERABYTE] = 1;
  }
  if (stack[0] > 2) map(TERABYTE, PROT_READ_WRITE, MAP_SHARED | MAP_NORESERVE)[TERABYTE / 2] = 1;
  long addresses[] = {(long)data, (long)read_only, (long)none, (long)shared};
  if (call(SYS_write, 1, (long)addresses, sizeof addresses, 0, 0, 0) != sizeof addresses) leave(1);
  call(SYS_getppid, 0, 0, 0, 0, 0, 0);
  leave(0);
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call run\n");
