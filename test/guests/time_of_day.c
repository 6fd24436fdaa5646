/* gettimeofday, time and times, through the C library and raw, with the out pointers that may be missing. */
#include "guest.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

int main(void) {
  struct timeval library, raw;
  struct timezone zone;
  memset(&zone, 0xee, sizeof(zone));
  CHECK_SYS(gettimeofday(&library, NULL));
  CHECK_SYS(syscall(SYS_gettimeofday, &raw, &zone));
  CHECK_SYS(syscall(SYS_gettimeofday, NULL, &zone));
  CHECK_SYS(syscall(SYS_gettimeofday, NULL, NULL));
  printf("%lld.%06ld %lld.%06ld zone %d %d\n", (long long)library.tv_sec, (long)library.tv_usec, (long long)raw.tv_sec,
         (long)raw.tv_usec, zone.tz_minuteswest, zone.tz_dsttime);

  time_t stored = 0, seconds = time(&stored);
  CHECK(seconds == stored && seconds >= library.tv_sec - 1);
  CHECK(syscall(SYS_time, &stored) == stored && time(NULL) >= stored);
  char text[64];
  struct tm parts;
  localtime_r(&seconds, &parts);
  strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &parts);
  printf("%s\n", text);

  struct tms used;
  memset(&used, 0xee, sizeof(used));
  clock_t ticks = CHECK_SYS(times(&used));
  CHECK(used.tms_cutime == 0);
  printf("%ld ticks, user %ld system %ld\n", ticks, used.tms_utime, used.tms_stime);
  CHECK((clock_t)syscall(SYS_times, NULL) >= ticks);

  struct rusage usage;
  memset(&usage, 0xee, sizeof(usage));
  CHECK_SYS(getrusage(RUSAGE_SELF, &usage));
  MIX(usage);
  CHECK_SYS(getrusage(RUSAGE_THREAD, &usage));
  MIX(usage);
  CHECK_SYS(getrusage(RUSAGE_CHILDREN, &usage));
  CHECK(usage.ru_utime.tv_sec == 0 && usage.ru_maxrss == 0);
  CHECK_ERRNO(getrusage(55, &usage), EINVAL);
  printf("clock() %ld\n", clock());
  CHECK_ERRNO(syscall(SYS_gettimeofday, 8L, NULL), EFAULT);
  CHECK_ERRNO(syscall(SYS_time, 8L), EFAULT);
  return done();
}
