/** Random frames of every type, made by the frame table, and what a log needs around them. */
import { FRAME_TABLE, FRAME_TYPES } from '../../src/frame-table.js';
import type { NewLogHeader } from '../../src/writer.js';
import type { Frame, FrameType, Word } from '../../src/schema/frames.js';
import type { Random } from './random.js';

export const HEADER: NewLogHeader = {
  writer: '0.0.0',
  command: ['date', '-u'],
  cwd: '/home/user',
  root: '/',
  env: ['LANG=C.UTF-8', 'PATH=/usr/bin:/bin'],
  startedAt: 1_700_000_000,
  verbosity: '15',
  machine: {
    kernel: '6.1.0',
    arch: 'x86_64',
    cpu: 'a cpu',
    cpus: 2,
    hostname: 'host',
    uid: 1000,
    gid: 1000,
    pageSize: 4096,
  },
  store: '/var/store',
  missing: [],
  stdio: [{ fd: 0, kind: 'tty' }],
};

const EDGES: readonly Word[] = [
  0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 53 - 1,
  1 - 2 ** 53,
  2n ** 53n,
  -(2n ** 53n),
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

/** A canonical word: sizes of all kinds, and edges now and then. */
export function randomWord(random: Random): Word {
  if (random.chance(0.2)) return random.pick(EDGES);
  const wide = BigInt.asIntN(64, (BigInt(random.bits()) << 32n) | BigInt(random.bits()));
  const value = wide >> BigInt(random.below(64));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function randomInt(random: Random): number {
  for (;;) {
    const value = randomWord(random);
    if (typeof value === 'number') return value;
  }
}

function randomUint(random: Random): number {
  // Above 2^53 only multiples: addresses of the vsyscall page are such.
  if (random.chance(0.05)) return 0xffffffffff600000;
  return Math.abs(randomInt(random));
}

const PIECES = ['', '/usr/lib/x86_64-linux-gnu/libc.so.6', 'A=b', 'ä€😀', '\ud800', '\0', ' '];

function randomString(random: Random): string {
  let text = '';
  for (let left = random.below(4); left > 0; left--) text += random.pick(PIECES);
  return random.chance(0.02) ? text + 'x'.repeat(random.below(3000)) : text;
}

function randomHash(random: Random): string {
  if (random.chance(0.1)) return random.pick(['', 'ABCD', 'abc', 'no hash', '00']);
  return Buffer.from(random.bytes(16)).toString('hex');
}

function listOf<T>(random: Random, make: () => T): T[] {
  return Array.from({ length: random.chance(0.02) ? 200 : random.below(4) }, make);
}

function randomBytes(random: Random): Uint8Array {
  const length = random.pick([0, 1, 8, 31, 32, 127, 128, 129, 500]);
  return random.chance(0.5) ? random.bytes(length) : new Uint8Array(length);
}

function randomValue(random: Random, kind: string): unknown {
  switch (kind) {
    case 'uint':
    case 'later uint':
      return randomUint(random);
    case 'int':
      return randomInt(random);
    case 'span':
      return random.pick([undefined, 0, 1000, 7000, 1, 999, Math.abs(randomInt(random)) % 2 ** 52]);
    case 'word':
      return randomWord(random);
    case 'words':
      return listOf(random, () => randomWord(random));
    case 'uints':
    case 'later uints':
      return listOf(random, () => randomUint(random));
    case 'bool':
      return random.chance(0.5);
    case 'bytes':
    case 'rest':
      return randomBytes(random);
    case 'string':
      return randomString(random);
    case 'strings':
      return listOf(random, () => randomString(random));
    case 'hash':
      return randomHash(random);
    case 'writes':
      return listOf(random, () => ({ addr: randomUint(random), bytes: randomBytes(random) }));
    case 'ints4':
      return [randomInt(random), randomInt(random), randomInt(random), randomInt(random)];
    case 'backing':
      return random.pick([
        { kind: 'anonymous' },
        {
          kind: 'file',
          hash: randomHash(random),
          offset: randomUint(random),
          path: randomString(random),
        },
        {
          kind: 'shared',
          object: randomUint(random),
          offset: randomUint(random),
          size: randomUint(random),
          hash: randomHash(random),
          path: randomString(random),
        },
      ]);
    case 'mapping': {
      const start = random.pick([0xffffffffff600000, 0x7fff00000000, 0x400000, 0]);
      return {
        start,
        end: start + random.below(1000) * 4096,
        prot: random.below(8),
        flags: randomInt(random),
        backing: randomValue(random, 'backing'),
      };
    }
    case 'mappings':
      return listOf(random, () => randomValue(random, 'mapping'));
    case 'counters':
      return Object.fromEntries([
        ...listOf(random, () => [
          randomString(random),
          random.pick([null, randomInt(random), 0.1, -0, Infinity]),
        ]),
        ['__proto__', 1],
      ]);
  }
  throw new Error(`no values of kind ${kind}`);
}

/** The values that an enum field takes, as its kind's description lists them. */
function enumValues(doc: string): string[] {
  return [...doc.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
}

export function randomFrame(random: Random, type: FrameType, task: number, time: number): Frame {
  const frame: Record<string, unknown> = { type, task, time };
  for (const [name, field] of Object.entries(FRAME_TABLE[type].fields)) {
    const { kind } = field as { kind: { name: string; doc: string } };
    const value = kind.name.endsWith('enum')
      ? random.pick(enumValues(kind.doc))
      : randomValue(random, kind.name);
    if (value !== undefined) frame[name] = value;
  }
  return frame as unknown as Frame;
}

/** Frames of all types, several times over in changing order, at times that mostly grow. */
export function randomFrames(random: Random, count: number): Frame[] {
  let task = 1;
  let time = 0;
  return Array.from({ length: count }, (_, i) => {
    if (random.chance(0.3)) task = 1 + random.below(random.pick([3, 300, 1e9]));
    time = Math.max(
      0,
      time + random.below(random.pick([1, 100, 1e4, 1e12])) - random.pick([0, 50]),
    );
    const type = i < FRAME_TYPES.length ? FRAME_TYPES[i] : random.pick(FRAME_TYPES);
    return randomFrame(random, type as FrameType, task, time);
  });
}

/** A small system call, different for every `n`. */
export function call(task: number, time: number, n: number): Frame {
  const bytes = Uint8Array.from({ length: n % 40 }, (_, i) => (n * 31 + i) & 0xff);
  return {
    type: 'syscall',
    task,
    time,
    nr: n % 330,
    args: [n, 0x7ffd00000000 + n * 8, -1],
    result: bytes.length,
    writes: bytes.length === 0 ? [] : [{ addr: 0x7ffd00000000 + n * 8, bytes }],
  };
}
