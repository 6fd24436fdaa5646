// The table against the headers of this machine's kernel: numbers, names, sizes of structures, ioctl requests.
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import {
  knownIoctls,
  specialRegions,
  syscallByName,
  syscallRows,
  type Peek,
} from '@scribe-ts/tracelog';
import { noCompiler, runC } from './support/compile-c.js';

const UNISTD = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h';

test('every call in the kernel header has a row of its name and number', (t) => {
  if (!existsSync(UNISTD)) {
    t.log(`skipped: no ${UNISTD}`);
    t.pass();
    return;
  }
  let seen = 0;
  for (const [, name, nr] of readFileSync(UNISTD, 'utf8').matchAll(
    /^#define __NR_(\w+)\s+(\d+)$/gm,
  )) {
    seen++;
    t.is(syscallByName.get(name!)?.nr, Number(nr), name);
  }
  t.true(seen > 300, `only ${seen} names in ${UNISTD}`);
});

const HEADERS = `
#include <linux/types.h>
#include <linux/version.h>
#include <linux/posix_types.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timex.h>
#include <linux/times.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <linux/utime.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/stat.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <linux/fcntl.h>
#include <linux/uio.h>
#include <linux/capability.h>
#include <linux/mqueue.h>
#include <linux/msg.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/futex.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <linux/dqblk_xfs.h>
#include <linux/landlock.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/termios.h>
#include <linux/tty.h>
#include <linux/serial.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <linux/socket.h>
#include <linux/sockios.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/fsmap.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/btrfs.h>
#include <linux/fuse.h>
#include <linux/nsfs.h>
#include <linux/pidfd.h>
#include <linux/random.h>
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/hdreg.h>
#include <linux/loop.h>
#include <linux/cdrom.h>
#include <linux/nvme_ioctl.h>
#include <linux/rtc.h>
#include <linux/watchdog.h>
#include <linux/i2c.h>
#include <linux/i2c-dev.h>
#include <linux/usbdevice_fs.h>
#include <linux/fb.h>
#include <linux/inotify.h>
`;

/** Headers that include the C library's, whose structures have the kernel's names: not to be mixed with the others. */
const LIBRARY_HEADERS = `
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/if_tun.h>
#include <linux/route.h>
#include <linux/wireless.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <scsi/sg.h>
#include <scsi/scsi_ioctl.h>
`;
const LIBRARY_STRUCTS: ReadonlySet<string> = new Set([
  'ifreq',
  'ifconf',
  'rtentry',
  'arpreq',
  'iwreq',
  'input_mask',
  'vlan_ioctl_args',
  'sg_io_hdr',
]);

/** What the kernel calls the types whose names in the table are those of the manual. */
const KERNEL_TYPES: Readonly<Record<string, string>> = {
  timespec: 'struct __kernel_timespec',
  timeval: 'struct __kernel_old_timeval',
  itimerspec: 'struct __kernel_itimerspec',
  itimerval: 'struct itimerval',
  timex: 'struct __kernel_timex',
  siginfo: 'siginfo_t',
  sigevent: 'sigevent_t',
  stack_t: 'stack_t',
  rlimit: 'struct rlimit64',
  cap_user_header: 'struct __user_cap_header_struct',
  msqid_ds: 'struct msqid64_ds',
  shmid_ds: 'struct shmid64_ds',
  semid_ds: 'struct semid64_ds',
  shminfo: 'struct shminfo64',
  sched_param: 'int',
  int: 'int',
  unsigned: 'unsigned',
  wait_status: 'int',
  socklen_t: 'int',
  pointer: 'void *',
  size_t: '__kernel_size_t',
  loff_t: '__kernel_loff_t',
  time_t: '__kernel_old_time_t',
  uid_t: '__kernel_uid32_t',
  gid_t: '__kernel_gid32_t',
  u16: '__u16',
  u32: '__u32',
  u64: '__u64',
};

/** In no header that a program may include, or in none before this kernel: checked by syscalls-kernel.test.ts or by nothing but the manual. */
const WITHOUT_HEADER: ReadonlySet<string> = new Set([
  'ustat',
  'aio_sigset',
  'delegation',
  'cachestat_range',
  'cachestat',
  'landlock_net_port_attr',
]);

/** Structures of special arguments: [decoder, number, arguments, index of the argument]. */
const A = 0x1000;
const SPECIAL_CALLS: readonly (readonly [string, number, readonly number[], number])[] = [
  ['fcntl', 72, [3, 5, A], 2],
  ['fcntl', 72, [3, 6, A], 2],
  ['fcntl', 72, [3, 38, A], 2],
  ['fcntl', 72, [3, 15, A], 2],
  ['fcntl', 72, [3, 16, A], 2],
  ['shmctl', 31, [0, 1, A], 2],
  ['shmctl', 31, [0, 2, A], 2],
  ['shmctl', 31, [0, 3, A], 2],
  ['shmctl', 31, [0, 14, A], 2],
  ['msgctl', 71, [0, 1, A], 2],
  ['msgctl', 71, [0, 2, A], 2],
  ['msgctl', 71, [0, 3, A], 2],
  ['semctl', 66, [0, 0, 1, A], 3],
  ['semctl', 66, [0, 0, 2, A], 3],
  ['semctl', 66, [0, 0, 3, A], 3],
  ['keyctl', 250, [23, A, A, 9, A], 1],
  ['keyctl', 250, [23, A, A, 9, A], 4],
  ['keyctl', 250, [24, 0, 0, A, A], 4],
  ['keyctl', 250, [25, A, A, A, A], 1],
  ['quotactl', 179, [0x80000500, 0, 0, A], 3],
  ['quotactl', 179, [0x80000700, 0, 0, A], 3],
  ['quotactl', 179, [0x80000900, 0, 0, A], 3],
  ['quotactl', 179, [0x580300, 0, 0, A], 3],
  ['quotactl', 443, [3, 0x580500, 0, A], 3],
  ['quotactl', 443, [3, 0x580800, 0, A], 3],
  ['landlock_rule', 445, [3, 1, A], 2],
];

test('structures have the sizes that the kernel headers give them', (t) => {
  const skip = noCompiler();
  if (skip !== undefined) {
    t.log(`skipped: ${skip}`);
    t.pass();
    return;
  }
  const sizes = new Map<string, number>();
  const want = (name: string, size: number): void => {
    const known = sizes.get(name);
    t.true(known === undefined || known === size, `struct ${name} has two sizes`);
    sizes.set(name, size);
  };
  for (const row of syscallRows) {
    for (const { type } of row.args) if (type.kind === 'struct') want(type.struct, type.size);
  }
  for (const { struct, size } of knownIoctls) {
    if (struct !== undefined && size !== undefined) want(struct, size);
  }
  const zeros: Peek = (_addr, length) => new Uint8Array(length);
  for (const [decoder, nr, args, index] of SPECIAL_CALLS) {
    const regions = specialRegions(decoder, nr, args, index, zeros);
    t.is(regions.length, 1, `${decoder}(${args.join()})`);
    t.truthy(regions[0]!.struct, `${decoder}(${args.join()})`);
    want(regions[0]!.struct!, regions[0]!.size);
  }
  const checked = [...sizes.keys()].filter((name) => !WITHOUT_HEADER.has(name));
  for (const library of [false, true]) {
    const names = checked.filter((name) => LIBRARY_STRUCTS.has(name) === library);
    const output = print(
      library ? LIBRARY_HEADERS : HEADERS,
      names.map(
        (name) => `printf("%d\\n", (int)sizeof(${KERNEL_TYPES[name] ?? `struct ${name}`}));`,
      ),
    );
    t.is(output.length, names.length);
    names.forEach((name, i) => t.is(sizes.get(name), Number(output[i]), `sizeof(struct ${name})`));
  }
});

/** What a program of these statements prints, by lines. */
function print(headers: string, statements: readonly string[]): string[] {
  const output = runC(`${headers}
int printf(const char *, ...);
int main(void) {
${statements.join('\n')}
  return 0;
}`);
  return output.trim().split('\n');
}

test('ioctl requests have the numbers that the kernel headers give them', (t) => {
  const skip = noCompiler();
  if (skip !== undefined) {
    t.log(`skipped: ${skip}`);
    t.pass();
    return;
  }
  const numbers = new Map<string, number>();
  for (const headers of [HEADERS, LIBRARY_HEADERS]) {
    const lines = knownIoctls
      .filter(({ name }) => !numbers.has(name))
      .map(({ name }) => `#ifdef ${name}\nprintf("${name} %u\\n", (unsigned)${name});\n#endif`);
    for (const line of print(headers, lines)) {
      const [name, request] = line.split(' ');
      numbers.set(name!, Number(request));
    }
  }
  t.true(numbers.size > 250, `only ${numbers.size} of ${knownIoctls.length} names in the headers`);
  for (const { name, request } of knownIoctls) {
    const actual = numbers.get(name);
    if (actual !== undefined) t.is(request.toString(16), actual.toString(16), name);
  }
  const requests = knownIoctls.map(({ request }) => request);
  t.is(new Set(requests).size, requests.length, 'a request is listed twice');
  t.log(
    `not in the headers: ${knownIoctls
      .filter(({ name }) => !numbers.has(name))
      .map(({ name }) => name)
      .join(', ')}`,
  );
});
