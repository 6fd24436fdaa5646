/* A megabyte of arguments and environment survives exec; more than the limit doesn't. */
#include "guest_tasks.h"

enum { ARGS = 9000, VARIABLES = 4000 };

extern char **environ;

static uint64_t fold(uint64_t sum, char *const *strings, int from) {
  for (int i = from; strings[i]; i++)
    for (const char *at = strings[i]; *at; at++)
      sum = (sum ^ (unsigned char)*at) * 0x100000001b3u;
  return sum;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    char *end;
    uint64_t expected = strtoull(argv[1], &end, 16);
    CHECK(argc == ARGS + 2);
    uint64_t sum = fold(fold(1, argv, 2), environ, 0);
    printf("%d arguments, stack at %p, sum %lx\n", argc, (void *)&argc, sum);
    CHECK(sum == expected);
    return done();
  }
  static char *args[ARGS + 3], *variables[VARIABLES + 1];
  char sum[32];
  args[0] = "self";
  args[1] = sum;
  for (int i = 0; i < ARGS; i++)
    CHECK(asprintf(&args[i + 2], "%d argument %d of process %d %.*s", i, i * 7919, getpid(), i % 37,
                   "------------------------------------") > 0);
  for (int i = 0; i < VARIABLES; i++)
    CHECK(asprintf(&variables[i], "VARIABLE_%d=%lld %.*s", i, (long long)now_us(), i % 97,
                   "================================================================================================"
                   "====") > 0);
  /* A single one that is nearly as long as one may be. */
  char *longest = malloc(120000);
  CHECK(longest != NULL);
  memset(longest, 'l', 119999);
  longest[119999] = '\0';
  args[5] = longest;
  snprintf(sum, sizeof(sum), "%lx", fold(fold(1, args, 2), variables, 0));

  static char *too_many[100];
  for (int i = 0; i < 99; i++)
    too_many[i] = longest;
  CHECK_ERRNO(execve(self_path(), too_many, variables), E2BIG);
  execve(self_path(), args, variables);
  CHECK(0 && "exec");
}
