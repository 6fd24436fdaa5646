/* Between its calls of getppid it makes none: sort, which branches on random numbers, or touch, which uses fresh pages. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NUMBERS 64
#define PAGES 4096

static unsigned numbers[NUMBERS];

static void sort(void) {
  unsigned seed = 1;
  for (int i = 0; i < NUMBERS; i++) numbers[i] = seed = seed * 1103515245 + 12345;
  for (int i = 1; i < NUMBERS; i++)
    for (int j = i; j > 0 && numbers[j - 1] > numbers[j]; j--) {
      const unsigned swapped = numbers[j];
      numbers[j] = numbers[j - 1];
      numbers[j - 1] = swapped;
    }
}

static void touch(volatile char *pages) {
  for (int i = 0; i < PAGES; i++) pages[i * 4096L] = 1;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  char *const pages = mmap(NULL, PAGES * 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(pages, PAGES * 4096L, MADV_NOHUGEPAGE);
  const int sorts = strcmp(what, "sort") == 0;
  getppid();
  if (sorts)
    sort();
  else
    touch(pages);
  getppid();
  return 0;
}
