/*
 * Makes a call in a page of code of its own. With an argument it first changes an instruction in that page, so that the page
 * is the process's. Says what the instruction gives when SIGTERM has come.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, CHANGED = 2, CALLS = 20 };

/* Offset of the number in own_answer. */
enum { NUMBER = 1 };

__asm__(".pushsection .text.own, \"ax\", @progbits\n"
        ".p2align 12\n"
        "own_answer:\n"
        "  mov $1, %eax\n"
        "  ret\n"
        ".p2align 6\n"
        "own_getpid:\n"
        "  mov $39, %eax\n"
        "  syscall\n"
        "  ret\n"
        ".p2align 12\n"
        ".popsection\n");

extern int own_answer(void);
extern long own_getpid(void);

static volatile sig_atomic_t has_ended;

static void on_term(int signal) {
  (void)signal;
  has_ended = 1;
}

int main(int argc, char **argv) {
  (void)argv;
  signal(SIGTERM, on_term);
  if (argc > 1) {
    char *page = (char *)own_answer;
    if (mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
      return 2;
    page[NUMBER] = CHANGED;
    if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0)
      return 2;
  }
  for (int i = 0; i < CALLS; i++) {
    if (own_getpid() != getpid())
      return 3;
  }
  printf("called\n");
  fflush(stdout);
  while (argc > 1 && !has_ended)
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  printf("answer %d\n", own_answer());
  return 0;
}
