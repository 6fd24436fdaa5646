/* Short processes of one program, whose system call sites lie at the ends of
 * pages. */
#include "guest_tasks.h"

__asm__(".pushsection .text.sites, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".skip 4090, 0xcc\n"
        /* Of the syscall, one byte is in the next page. */
        "across:\n"
        "  mov $39, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".balign 4096, 0xcc\n"
        ".skip 4089, 0xcc\n"
        /* Of the load, all is in this page, and the syscall too. */
        "before:\n"
        "  mov $39, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".balign 4096, 0xcc\n"
        ".skip 4092, 0xcc\n"
        /* The load is in both. */
        "loaded:\n"
        "  mov $39, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".balign 4096, 0xcc\n"
        ".skip 4091, 0xcc\n"
        /* No load: the room for a jump is in the next page. */
        "given:\n"
        "  mov %edi, %eax\n"
        "  nop\n"
        "  syscall\n"
        "  ret\n"
        "  .skip 16, 0xcc\n"
        ".balign 4096, 0xcc\n"
        ".popsection\n");

extern long across(void), before(void), loaded(void), given(int number);

int main(int argc, char **argv) {
  const int round = argc > 1 ? atoi(argv[1]) : 0;
  for (int i = 0; i < 3; i++) {
    CHECK(across() == getpid());
    CHECK(before() == getpid());
    CHECK(loaded() == getpid());
    CHECK(given(39) == getpid());
  }
  printf("round %d in process %d\n", round, getpid());
  if (round == 12)
    return done();
  if (round % 2 == 0) {
    const pid_t child = CHECK_SYS(fork());
    if (child == 0) {
      CHECK(across() == getpid());
      _exit(0);
    }
    wait_exit(child, 0);
  }
  char next[16];
  snprintf(next, sizeof next, "%d", round + 1);
  execl("/proc/self/exe", argv[0], next, NULL);
  CHECK(!"execl");
}
