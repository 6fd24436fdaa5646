import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { specialDecoders, syscallRows } from '@scribe-ts/tracelog';
import { choice, field, flags, type Names } from '../src/decode/flags.js';
import * as bpf from '../src/decode/names/bpf.js';
import * as file from '../src/decode/names/file.js';
import * as ipc from '../src/decode/names/ipc.js';
import * as memory from '../src/decode/names/memory.js';
import * as net from '../src/decode/names/net.js';
import * as perf from '../src/decode/names/perf.js';
import * as processNames from '../src/decode/names/process.js';
import * as landlock from '../src/decode/names/landlock.js';
import * as refused from '../src/decode/names/refused.js';
import * as signal from '../src/decode/names/signal.js';
import * as system from '../src/decode/names/system.js';
import * as time from '../src/decode/names/time.js';
import { exceptions } from '../src/decode/exceptions.js';
import { hasFormat } from '../src/decode/scalars.js';
import { structNamed } from '../src/decode/structs.js';
import { inet6 } from '../src/decode/net.js';
import { quote } from '../src/decode/text.js';
import { pack, text, u16 } from './support/frames.js';

/** Structures of the table that print as an address: rare, or of calls that are refused. */
const UNDECODED = new Set([
  'aio_sigset',
  'file_attr',
  'io_event',
  'iocb',
  'linux_dirent',
  'linux_dirent64',
  'lsm_ctx',
  'statmount',
]);

test('every format of the table has names', (t) => {
  const missing = new Set<string>();
  for (const row of syscallRows) {
    for (const { type } of row.args) {
      if ('format' in type && type.format !== undefined && !hasFormat(type.format)) {
        missing.add(type.format);
      }
    }
  }
  t.deepEqual([...missing], []);
});

test('every structure of the table is decoded, or said not to be', (t) => {
  const missing = new Set<string>();
  for (const row of syscallRows) {
    for (const { type } of row.args) {
      if ('struct' in type && type.struct !== undefined && structNamed(type.struct) === undefined) {
        missing.add(type.struct);
      }
    }
  }
  t.deepEqual(
    [...missing].filter((name) => !UNDECODED.has(name)),
    [],
  );
});

test('exceptions are for calls and arguments that there are', (t) => {
  const byName = new Map(syscallRows.map((row) => [row.name, row]));
  for (const [name, exception] of Object.entries(exceptions)) {
    const row = byName.get(name);
    t.truthy(row, name);
    for (const index of Object.keys(exception.args ?? {})) {
      t.true(Number(index) < row!.args.length, `${name} ${index}`);
    }
  }
  t.true(specialDecoders.length > 0);
});

test('flags', (t) => {
  const print = flags(
    { AB: 3, A: 1, B: 2, HIGH: 2 ** 32 },
    'NONE',
    field(0x30, { ONE: 0x10, ZERO: 0 }),
  );
  t.is(print(0), 'ZERO');
  t.is(print(3), 'ZERO|AB');
  t.is(print(0x11), 'ONE|A');
  t.is(print(0x21), '0x20|A');
  t.is(print(2 ** 32 + 2), 'ZERO|B|HIGH');
  t.is(print(2 ** 33 + 2 ** 31), 'ZERO|0x280000000');
  t.is(flags({ A: 1 }, 'NONE')(0), 'NONE');
  t.is(flags({ A: 1 })(0xffffffff), 'A|0xfffffffe');
  t.is(choice({ X: 1, Y: 2 })(3), '0x3');
  t.is(choice({ A_X: 1, A_Y: 2 })(9), '0x9 /* A_??? */');
  // Beyond what is remembered.
  for (let i = 0; i < 1000; i++)
    t.is(flags({ A: 1 })(i * 2 + 1), i === 0 ? 'A' : `A|0x${(i * 2).toString(16)}`);
});

test('text', (t) => {
  t.is(quote(text('')), '""');
  t.is(quote(text('plain text that is long enough')), '"plain text that is long enough"');
  t.is(
    quote(text('tab\there and a newline at the end\n')),
    '"tab\\there and a newline at the end\\n"',
  );
  t.is(quote(text('\0')), '"\\0"');
  t.is(quote(text('\x001\x008\x00a')), '"\\0001\\08\\0a"');
  t.is(quote(text('\x7f\x80\xff1')), '"\\177\\200\\3771"');
  t.is(quote(Buffer.from('a"b\\')), '"a\\"b\\\\"');
  t.is(quote(text('\v\f\r')), '"\\v\\f\\r"');
});

test('IPv6 addresses', (t) => {
  const print = (...groups: number[]) =>
    inet6(pack(...groups.map((group) => u16(((group & 0xff) << 8) | (group >> 8)))), 0);
  t.is(print(0, 0, 0, 0, 0, 0, 0, 0), '::');
  t.is(print(0, 0, 0, 0, 0, 0, 0, 1), '::1');
  t.is(print(0xfe80, 0, 0, 0, 1, 2, 3, 4), 'fe80::1:2:3:4');
  t.is(print(1, 0, 2, 0, 0, 3, 0, 0), '1:0:2::3:0:0');
  t.is(print(1, 0, 2, 3, 4, 5, 6, 7), '1:0:2:3:4:5:6:7');
  t.is(print(1, 2, 3, 4, 5, 6, 7, 0), '1:2:3:4:5:6:7:0');
  t.is(print(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), '::ffff:127.0.0.1');
});

/** Headers that can't be included together stand in different groups. */
const HEADERS: readonly (readonly string[])[] = [
  [
    'fcntl.h sched.h signal.h poll.h time.h mqueue.h unistd.h dirent.h',
    'sys/mman.h sys/socket.h sys/ioctl.h sys/timerfd.h sys/eventfd.h sys/signalfd.h sys/inotify.h sys/epoll.h',
    'sys/wait.h sys/prctl.h sys/resource.h sys/stat.h sys/xattr.h sys/personality.h sys/ptrace.h sys/ipc.h',
    'sys/shm.h sys/sem.h sys/msg.h sys/swap.h sys/uio.h sys/file.h sys/mount.h sys/random.h sys/fanotify.h sys/quota.h',
    'netinet/in.h netinet/tcp.h netinet/udp.h',
  ],
  [
    'linux/fcntl.h',
    'linux/mman.h',
    'linux/sched.h',
    'linux/netlink.h',
    'linux/futex.h',
    'linux/stat.h',
  ],
  [
    'fcntl.h',
    'linux/fs.h',
    'linux/memfd.h',
    'linux/membarrier.h',
    'linux/seccomp.h',
    'linux/close_range.h',
    'linux/openat2.h',
  ],
  [
    'fcntl.h',
    'linux/capability.h',
    'linux/falloc.h',
    'linux/mempolicy.h',
    'linux/perf_event.h',
    'linux/io_uring.h',
    'linux/bpf.h',
  ],
  [
    'fcntl.h',
    'linux/reboot.h',
    'linux/kcmp.h',
    'linux/keyctl.h',
    'linux/landlock.h',
    'linux/magic.h',
    'linux/prctl.h',
  ],
  ['fcntl.h', 'asm/prctl.h', 'linux/kexec.h', 'linux/in6.h', 'linux/wait.h', 'linux/ptrace.h'],
].map((group) => group.flatMap((line) => line.split(' ')));

function allNames(): [string, number][] {
  const modules = [
    bpf,
    file,
    ipc,
    landlock,
    memory,
    net,
    perf,
    processNames,
    refused,
    signal,
    system,
    time,
  ];
  return modules.flatMap((module) =>
    Object.values(module as Record<string, Names>).flatMap((names) => Object.entries(names)),
  );
}

/** Differs on purpose: glibc says 0 for what the kernel always has. */
const OWN = new Set(['O_LARGEFILE']);

test('names have the values of the headers here', (t) => {
  const names = allNames();
  t.true(names.length > 900);
  const directory = mkdtempSync(join(tmpdir(), 'names-'));
  let checked = 0;
  try {
    for (const [index, headers] of HEADERS.entries()) {
      const source = join(directory, `${index}.c`);
      const program = join(directory, String(index));
      writeFileSync(
        source,
        [
          '#define _GNU_SOURCE',
          ...headers.flatMap((header) => [
            `#if __has_include(<${header}>)`,
            `#include <${header}>`,
            '#endif',
          ]),
          '#include <stdio.h>',
          'int main(void) {',
          ...names.flatMap(([name]) => [
            `#ifdef ${name}`,
            `printf("${name} %llu\\n", (unsigned long long)(${name}));`,
            '#endif',
          ]),
          '}',
        ].join('\n'),
      );
      try {
        execFileSync('cc', ['-w', '-o', program, source], { stdio: 'pipe' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          t.log('skipped: no C compiler here');
          t.pass();
          return;
        }
        throw error;
      }
      const found = new Map<string, number>();
      for (const line of execFileSync(program, { encoding: 'utf8' }).trim().split('\n')) {
        const [name, value] = line.split(' ');
        if (name !== undefined && value !== undefined)
          found.set(name, Number(BigInt.asUintN(64, BigInt(value)) & 0x3_ffff_ffffn));
      }
      for (const [name, value] of names) {
        const here = found.get(name);
        if (here === undefined || OWN.has(name)) continue;
        checked++;
        // Constants that are negative ints are wider in the program than in a register.
        const low = here % 2 ** 32 === value ? value : here;
        t.is(low, value, name);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  t.log(`${checked} checks`);
  t.true(checked > 600);
});
