/* adjtimex, ntp_gettime and clock_adjtime, reading only; stores without privilege are refused. */
#include "guest.h"

#include <sys/timex.h>
#include <time.h>

int main(void) {
  struct timex state;
  memset(&state, 0, sizeof(state));
  int result = CHECK_SYS(adjtimex(&state));
  printf("state %d status %#x offset %ld frequency %ld time %lld.%06ld\n", result, (unsigned)state.status, state.offset,
         state.freq, (long long)state.time.tv_sec, (long)state.time.tv_usec);
  CHECK(state.time.tv_sec > 1000000000);
  MIX(state);

  memset(&state, 0, sizeof(state));
  CHECK_SYS(clock_adjtime(CLOCK_REALTIME, &state));
  MIX(state);
  CHECK_ERRNO(clock_adjtime(CLOCK_MONOTONIC, &state), EOPNOTSUPP);

  struct ntptimeval times;
  memset(&times, 0, sizeof(times));
  CHECK_SYS(ntp_gettime(&times));
  printf("error %ld of %ld us\n", times.esterror, times.maxerror);
  MIX(times);
  return done();
}
