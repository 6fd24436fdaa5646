import test from 'ava';
import type { Frame } from '@scribe-ts/tracelog';
import { call, linesOf, pack, padded, text, u32, u64 } from './support/frames.js';

const base = { task: 2, time: 5 } as const;
const strace = (...frames: readonly Frame[]): string[] => linesOf(frames, { form: 'strace' });
const start = (task: number, tid: number): Frame => ({
  ...base,
  task,
  type: 'task-start',
  parent: 1,
  tid,
  pid: tid,
  writes: [],
});
const exit = (status: number, task = 2): Frame => ({
  ...base,
  task,
  type: 'exit',
  status,
  last: true,
});

test('the result of a short call stands in column 40, strings are cut at 32 bytes', (t) => {
  t.deepEqual(
    strace(
      ...call('close', [3], 0),
      ...call('read', [3, 0x1000, 64], 40, { out: [[0x1000, 'x'.repeat(40)]] }),
    ),
    ['close(3)                                = 0', `read(3, "${'x'.repeat(32)}"..., 64) = 40`],
  );
});

test('the call that ends a task is told by its status', (t) => {
  const block = (nr: number): Frame => ({ ...base, type: 'block', nr });
  t.deepEqual(strace(block(231), exit(0x300)), [
    'exit_group(3)                           = ?',
    '+++ exited with 3 +++',
  ]);
  t.deepEqual(strace(block(60), exit(0)), [
    'exit(0)                                 = ?',
    '+++ exited with 0 +++',
  ]);
  t.deepEqual(strace(exit(9)), ['+++ killed by SIGKILL +++']);
  t.deepEqual(strace(exit(0x8b)), ['+++ killed by SIGSEGV (core dumped) +++']);
});

test('a call that never ends is told by its name, where its task ends or leaves', (t) => {
  const block = (nr: number): Frame => ({ ...base, type: 'block', nr });
  t.deepEqual(strace(block(34), exit(9)), [
    'pause( <unfinished ...>)                = ?',
    '+++ killed by SIGKILL +++',
  ]);
  t.deepEqual(strace(block(34), ...call('pause', [], -514), exit(9)).slice(1), [
    '+++ killed by SIGKILL +++',
  ]);
  t.deepEqual(strace(block(34), { ...base, type: 'detach' }), ['pause( <detached ...>']);
});

test('ids stand before lines while there are several tasks', (t) => {
  t.deepEqual(
    strace(
      start(2, 700),
      ...call('getpid', [], 700),
      start(3, 71000),
      ...call('getpid', [], 700),
      exit(0, 3),
      ...call('getpid', [], 700),
    ),
    [
      'getpid()                                = 700',
      '[pid   700] getpid()                    = 700',
      '[pid 71000] +++ exited with 0 +++',
      'getpid()                                = 700',
    ],
  );
});

test('the first exec is that of the image', (t) => {
  const regs = padded(216, new Uint8Array());
  regs.set(pack(u64(0x7ffe1000)), 19 * 8);
  const image: Frame = {
    ...base,
    type: 'image',
    tid: 700,
    pid: 700,
    path: '/bin/ls',
    argv: ['ls', '-l'],
    envp: ['A=1'],
    mappings: [],
    writes: [],
    regs,
    brk: 0,
  };
  t.deepEqual(strace(start(2, 700), image, ...call('execve', [0, 0, 0], 0), image), [
    'execve("/bin/ls", ["ls", "-l"], 0x7ffe1020 /* 1 var */) = 0',
    'execve(NULL, NULL, NULL)                = 0',
  ]);
});

test('a handler ends with the mask and the result that it goes back to', (t) => {
  const siginfo = padded(128, pack(u32(10), u32(0), u32(0), u32(0), u32(77), u32(0)));
  const frame = padded(400, new Uint8Array());
  frame.set(pack(u64(42)), 8 + 40 + 13 * 8);
  frame.set(pack(u64(1 << 13)), 8 + 40 + 256);
  const regs = padded(216, new Uint8Array());
  regs.set(pack(u64(0x5000)), 19 * 8);
  const signal: Frame = {
    ...base,
    type: 'signal',
    signo: 10,
    point: 'syscall-exit',
    action: 'handler',
    siginfo,
    rip: 1,
    regs,
    writes: [{ addr: 0x5000, bytes: frame }],
  };
  t.deepEqual(strace(signal, ...call('rt_sigreturn', [], 0), ...call('rt_sigreturn', [], 0)), [
    '--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=77, si_uid=0} ---',
    'rt_sigreturn({mask=[ALRM]})             = 42',
    'rt_sigreturn()                          = ?',
  ]);
});

test('descriptors with what they refer to', (t) => {
  const frames = [
    ...call('openat', [-100, 0x1000, 0, 0], 3, { in: [[1, 'x']] }),
    ...call('dup', [3], 4),
    ...call('close', [3], 0),
    ...call('poll', [0x1000, 1, 0], 0, { in: [[0, pack(u32(4), text('\u0001\0\0\0'))]] }),
  ];
  t.deepEqual(linesOf(frames, { descriptors: 'names', cwd: '/home' }), [
    '[02] openat(AT_FDCWD</home>, "x", O_RDONLY) = 3</home/x>',
    '[02] dup(3</home/x>) = 4</home/x>',
    '[02] close(3</home/x>) = 0',
    '[02] poll([{fd=4</home/x>, events=POLLIN}], 1, 0) = 0 (Timeout)',
  ]);
  t.deepEqual(
    linesOf(
      [
        ...call('pipe2', [0x1000, 0], 0, { out: [[0x1000, pack(u32(3), u32(4))]] }),
        ...call('fcntl', [3, 1030, 7], 7),
      ],
      { descriptors: 'names' },
    ),
    ['[02] pipe2([3<pipe>, 4<pipe>], 0) = 0', '[02] fcntl(3<pipe>, F_DUPFD_CLOEXEC, 7) = 7<pipe>'],
  );
  const socket = call('socket', [2, 1, 0], 3);
  const connect = call('connect', [3, 0x1000, 16], 0, {
    in: [[1, padded(16, text('\u0002\0\0\u0050\u007f\0\0\u0001'))]],
  });
  const lines = linesOf([...socket, ...connect, ...call('dup', [3], 4)], {
    form: 'strace',
    descriptors: 'names',
  });
  t.is(lines[2], 'dup(3<TCP:[->127.0.0.1:80]>)            = 4<TCP:[->127.0.0.1:80]>');
});
