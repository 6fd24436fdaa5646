/* The whole frame that the kernel writes for a handler, byte by byte: registers, masks, vector state, information. */
#include "guest_tasks.h"

#include <ucontext.h>

static volatile sig_atomic_t handled;
static volatile size_t frame_size;
static void *volatile frame_at;
static volatile uint64_t xstate_bv;

static void on_signal(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  const char *vector = (const char *)context->uc_mcontext.fpregs;
  const uint32_t *software = (const uint32_t *)(vector + 464);
  (void)signal;
  /* The kernel's frame ends where the vector state does; libc's ucontext_t is longer than the kernel's. */
  size_t vector_size = software[0] == 0x46505853 ? software[1] : 512;
  mix(raw, 304);
  mix(info, sizeof(*info));
  mix(vector, vector_size);
  if (vector_size > 512)
    memcpy((void *)&xstate_bv, vector + 512, sizeof(xstate_bv));
  frame_at = raw;
  frame_size = vector + vector_size - (const char *)raw;
  handled++;
}

int main(void) {
  handle(SIGUSR1, on_signal, 0);
  handle(SIGSEGV, on_signal, SA_RESETHAND);
  for (int i = 0; i < 10; i++) {
    raise(SIGUSR1);
    CHECK(handled == i + 1);
    printf("frame at %p, %zu bytes, vector parts %#lx, sum %016lx\n", frame_at, frame_size, xstate_bv, guest_sum);
  }
  CHECK(frame_size > 304 + 512 && frame_size < 64 << 10);

  /* On another stack, and after vector registers have been used. */
  static char stack_memory[64 << 10];
  stack_t stack = {.ss_sp = stack_memory, .ss_size = sizeof(stack_memory)};
  CHECK_SYS(sigaltstack(&stack, NULL));
  handle(SIGUSR1, on_signal, SA_ONSTACK);
  volatile double number = now_us();
  for (int i = 0; i < 5; i++) {
    number = number * 1.0000001 + i;
    __asm__ volatile("movq %0, %%xmm15\n\tpunpcklqdq %%xmm15, %%xmm15" : : "r"(now_us()) : "xmm15");
    CHECK_SYS(kill(getpid(), SIGUSR1));
  }
  CHECK((char *)frame_at > stack_memory && (char *)frame_at < stack_memory + sizeof(stack_memory));
  mix(stack_memory, sizeof(stack_memory));
  return done();
}
