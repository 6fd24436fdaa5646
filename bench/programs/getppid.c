/* Asks for the parent's id N times. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 100000;
  for (long i = 0; i < count; i++) {
    if (getppid() < 0) return 1;
  }
  return 0;
}
