import { type Frame, type LogHeader, LogWriter, type NewLogHeader } from '@scribe-ts/tracelog';

export const MAPPED = '0123456789abcdef0123456789abcdef';
export const SHARED = 'fedcba9876543210fedcba9876543210';

export function header(changes: Partial<LogHeader> = {}): NewLogHeader {
  return {
    writer: 'scribe-ts 0.1.0',
    command: ['echo', "it's", 'a b'],
    cwd: '/home/u',
    root: '/',
    env: [],
    startedAt: 1_700_000_000,
    verbosity: 'sSrdgp',
    machine: {
      kernel: '6.1.0',
      arch: 'x86_64',
      cpu: 'A CPU',
      cpus: 2,
      hostname: 'host',
      uid: 1000,
      gid: 1000,
      pageSize: 4096,
    },
    store: '/no/such/store',
    missing: ['personality: EPERM'],
    stdio: [{ fd: 0, kind: 'null' }],
    ...changes,
  };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The frames of a short recording: a command that opens a file, writes, is signalled, and exits with 3. */
export function frames(): Frame[] {
  const task = 2;
  return [
    {
      type: 'image',
      task,
      time: 1000,
      tid: 10,
      pid: 10,
      path: '/bin/echo',
      argv: ['echo'],
      envp: [],
      mappings: [
        {
          start: 0x1000,
          end: 0x2000,
          prot: 5,
          flags: 2,
          backing: { kind: 'file', hash: MAPPED, offset: 0, path: '/bin/echo' },
        },
      ],
      writes: [],
      regs: new Uint8Array(216),
      brk: 0,
    },
    { type: 'data', task, time: 2001, arg: 1, size: 9, bytes: text('/etc/host') },
    {
      type: 'resource',
      task,
      time: 2001,
      kind: 'files_struct',
      id: 1,
      serial: 0,
      desc: '',
    },
    // openat
    {
      type: 'syscall',
      task,
      time: 2001,
      nr: 257,
      args: [-100, 4096, 0, 0],
      result: -2,
      writes: [],
    },
    {
      type: 'mapping',
      task,
      time: 3000,
      mapping: {
        start: 0x3000,
        end: 0x4000,
        prot: 3,
        flags: 1,
        backing: { kind: 'shared', object: 1, offset: 0, size: 4096, hash: SHARED, path: '/tmp/x' },
      },
    },
    // mmap
    {
      type: 'syscall',
      task,
      time: 3000,
      nr: 9,
      args: [0, 4096, 3, 1, 3, 0],
      result: 0x3000,
      writes: [],
    },
    { type: 'data', task, time: 4000, arg: 1, size: 300, bytes: new Uint8Array(300).fill(65) },
    { type: 'output', task, time: 4000, serial: 0, target: 1, bytes: new Uint8Array(300).fill(65) },
    { type: 'registers', task, time: 4000, regs: new Uint8Array(216) },
    // write
    { type: 'syscall', task, time: 4000, nr: 1, args: [1, 0x1000, 300], result: 300, writes: [] },
    { type: 'state', task, time: 4500, registers: 'aa', memory: '' },
    {
      type: 'signal',
      task,
      time: 5000,
      signo: 17,
      point: 'syscall-exit',
      action: 'ignored',
      siginfo: new Uint8Array(128),
      rip: 0x1234,
      regs: new Uint8Array(0),
      writes: [],
    },
    { type: 'state', task, time: 6000, registers: 'bb', memory: 'cc' },
    { type: 'state', task, time: 6000, registers: 'dd', memory: '' },
    { type: 'bookmark', task, time: 6000, id: 1 },
    { type: 'counters', task, time: 7000, values: { cycles: null, 'page-faults': 4 } },
    // exit_group
    { type: 'syscall', task, time: 7123, nr: 231, args: [3], result: 0, writes: [] },
    { type: 'exit', task, time: 8000, status: 3 << 8, last: true },
  ];
}

/** Writes a log with these frames in stream 1. */
export function writeLog(
  path: string,
  list: readonly Frame[] = frames(),
  head: NewLogHeader = header(),
  options: { readonly truncated?: boolean } = {},
): void {
  const writer = LogWriter.create(path, head);
  for (const frame of list) writer.append(1, frame);
  writer.close(options);
}
