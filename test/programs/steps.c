/*
 * Writes 4,000 lines of 1,000 bytes, and then what time it is. Ends with 4.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 4000, LENGTH = 1000 };

int main(void) {
  char text[LENGTH + 1];
  struct timespec now;
  for (int i = 0; i < LINES; i++) {
    memset(text, 'a' + i % 26, LENGTH);
    text[snprintf(text, LENGTH, "%d ", i)] = ' ';
    text[LENGTH - 1] = '\n';
    if (write(1, text, LENGTH) != LENGTH) return 1;
  }
  clock_gettime(CLOCK_REALTIME, &now);
  printf("%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
  return 4;
}
