/* Is built with -pg: a timer of the C library counts each millisecond or so
 * where it finds the program. */
#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static uint64_t mixed(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

__attribute__((noinline)) static uint64_t walk(uint64_t x, unsigned depth) {
  if (depth == 0)
    return mixed(x);
  return walk(mixed(x + 1), depth - 1) ^ walk(x ^ depth, depth - 1);
}

__attribute__((noinline)) static uint64_t fill(uint64_t seed) {
  static uint64_t table[4096];
  uint64_t sum = 0;
  for (unsigned i = 0; i < 4096; i++)
    table[i] = seed = mixed(seed + table[i]);
  for (unsigned i = 0; i < 4096; i++)
    sum += table[table[i] % 4096];
  return sum;
}

int main(void) {
  uint64_t sum = 1;
  for (int round = 0; round < 12; round++)
    sum = walk(sum, 15) + fill(sum);
  printf("%016lx\n", sum);
  return 0;
}
