/* uname, sysinfo, host and domain names, sysconf: about the machine, which may be another one at replay. */
#include "guest.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void) {
  struct utsname names;
  memset(&names, 0xee, sizeof(names));
  CHECK_SYS(uname(&names));
  printf("%s %s %s %s %s %s\n", names.sysname, names.nodename, names.release, names.version, names.machine,
         names.domainname);
  MIX(names);
  char host[256], small[2];
  CHECK_SYS(gethostname(host, sizeof(host)));
  CHECK(strcmp(host, names.nodename) == 0);
  if (strlen(host) >= 2)
    CHECK_ERRNO(gethostname(small, sizeof(small)), ENAMETOOLONG);
  CHECK_SYS(getdomainname(host, sizeof(host)));

  struct sysinfo info;
  memset(&info, 0xee, sizeof(info));
  CHECK_SYS(sysinfo(&info));
  printf("up %ld s, load %lu, free %lu of %lu, %u processes\n", info.uptime, info.loads[0], info.freeram, info.totalram,
         info.procs);
  MIX(info);

  for (int name = 0; name < 250; name++) {
    errno = 0;
    long value = sysconf(name);
    MIX(value);
  }
  printf("%d of %d processors, %ld of %ld pages\n", get_nprocs(), get_nprocs_conf(), get_avphys_pages(),
         get_phys_pages());
  double load[3];
  int loads = getloadavg(load, 3);
  printf("%d loads: %.2f\n", loads, load[0]);
  printf("host id %lx\n", gethostid());
  return done();
}
