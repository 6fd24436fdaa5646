/* XMM, YMM, ZMM and mask registers keep their values over syscalls, thread switches and handlers that destroy them. */
#include "guest_tasks.h"

#include <ucontext.h>

enum width { SSE, AVX, AVX512 };

struct state {
  unsigned char vector[32][64];
  uint64_t mask[8];
} __attribute__((aligned(64)));

static enum width width;

#define EACH_16(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define EACH_HIGH(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define EACH_MASK(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define LOAD_XMM(n) "movdqu 64*" #n "(%[in]), %%xmm" #n "\n\t"
#define STORE_XMM(n) "movdqu %%xmm" #n ", 64*" #n "(%[out])\n\t"
#define LOAD_YMM(n) "vmovdqu 64*" #n "(%[in]), %%ymm" #n "\n\t"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", 64*" #n "(%[out])\n\t"
#define LOAD_ZMM(n) "vmovdqu64 64*" #n "(%[in]), %%zmm" #n "\n\t"
#define STORE_ZMM(n) "vmovdqu64 %%zmm" #n ", 64*" #n "(%[out])\n\t"
#define LOAD_K(n) "kmovw 2048+8*" #n "(%[in]), %%k" #n "\n\t"
#define STORE_K(n) "kmovw %%k" #n ", 2048+8*" #n "(%[out])\n\t"

#define ROUND_TRIP(load, store, after)                                                                                 \
  __asm__ volatile(load "syscall\n\t" store after                                                                      \
                   : "+a"(number)                                                                                      \
                   : "D"(a), "S"(b), "d"(c), [in] "r"(in), [out] "r"(out)                                              \
                   : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",   \
                     "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

/* Loads every register from `in`, makes one syscall, stores every register to `out`. */
static long round_trip(const struct state *in, struct state *out, long number, long a, long b, long c) {
  if (width == AVX512)
    ROUND_TRIP(EACH_16(LOAD_ZMM) EACH_HIGH(LOAD_ZMM) EACH_MASK(LOAD_K),
               EACH_16(STORE_ZMM) EACH_HIGH(STORE_ZMM) EACH_MASK(STORE_K), "vzeroupper");
  else if (width == AVX)
    ROUND_TRIP(EACH_16(LOAD_YMM), EACH_16(STORE_YMM), "vzeroupper");
  else
    ROUND_TRIP(EACH_16(LOAD_XMM), EACH_16(STORE_XMM), "");
  return number;
}

static void fill(struct state *state, unsigned long seed) {
  unsigned char *bytes = (unsigned char *)state;
  for (size_t i = 0; i < sizeof(*state); i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = seed >> 57;
  }
}

static void compare(const char *what, const struct state *in, const struct state *out) {
  size_t size = width == AVX512 ? 64 : width == AVX ? 32 : 16;
  int count = width == AVX512 ? 32 : 16;
  for (int i = 0; i < count; i++)
    if (memcmp(in->vector[i], out->vector[i], size) != 0) {
      fprintf(stderr, "%s changed vector register %d\n", what, i);
      exit(1);
    }
  if (width == AVX512)
    for (int i = 1; i < 8; i++)
      if ((uint16_t)in->mask[i] != (uint16_t)out->mask[i]) {
        fprintf(stderr, "%s changed mask register %d\n", what, i);
        exit(1);
      }
}

static volatile sig_atomic_t handled;
static volatile unsigned long features;

static void destroys(int signal, siginfo_t *info, void *raw) {
  struct state junk, out;
  ucontext_t *context = raw;
  (void)signal, (void)info;
  fill(&junk, handled);
  round_trip(&junk, &out, SYS_getppid, 0, 0, 0);
  compare("getppid in a handler", &junk, &out);
  /* What the frame says it holds: struct _fpx_sw_bytes in the last 48 bytes of the legacy area. */
  const uint32_t *software = (const uint32_t *)((const char *)context->uc_mcontext.fpregs + 464);
  if (software[0] == 0x46505853)
    memcpy((void *)&features, &software[2], sizeof(features));
  handled++;
}

static void check(const char *what, unsigned long seed, long number, long a, long b, long c, long expected) {
  struct state in, out;
  fill(&in, seed);
  memset(&out, 0, sizeof(out));
  CHECK(round_trip(&in, &out, number, a, b, c) == expected);
  compare(what, &in, &out);
  mix(&out, sizeof(out));
}

static void *thread(void *arg) {
  struct state in, out;
  for (int i = 0; i < 60; i++) {
    fill(&in, (unsigned long)arg * 1000 + i);
    CHECK(round_trip(&in, &out, SYS_sched_yield, 0, 0, 0) == 0);
    compare("sched_yield", &in, &out);
  }
  return NULL;
}

int main(void) {
  width = __builtin_cpu_supports("avx512f") ? AVX512 : __builtin_cpu_supports("avx") ? AVX : SSE;
  handle(SIGUSR1, destroys, 0);
  for (int i = 0; i < 20; i++) {
    unsigned long seed = now_us() + i;
    check("getpid", seed, SYS_getpid, 0, 0, 0, getpid());
    check("an unknown call", seed, 9999, 0, 0, 0, -ENOSYS);
    check("nanosleep", seed, SYS_nanosleep, (long)&(struct timespec){0, 1000}, 0, 0, 0);
    check("a handler", seed, SYS_tgkill, getpid(), gettid(), SIGUSR1, 0);
    CHECK(handled == i + 1);
  }
  printf("width %d, features in the frame %#lx\n", width, features);

  pthread_t threads[4];
  for (long i = 0; i < 4; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, (void *)i));
  for (int i = 0; i < 4; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));

  /* A child starts with its parent's registers. */
  struct state in, out;
  fill(&in, getpid());
  long pid = round_trip(&in, &out, SYS_fork, 0, 0, 0);
  compare("fork", &in, &out);
  if (pid == 0)
    _exit(51);
  wait_exit(pid, 51);
  return done();
}
