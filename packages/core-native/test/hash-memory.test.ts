import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { NativeError, parseMaps, Reg, Resume, SUM_SIZE, sumPieces, Tracer } from '../lib/index.js';
import {
  cpuMs,
  end,
  endAll,
  environment,
  guest,
  mayFixLayout,
  register,
  runToEntry,
} from './support/guest.js';

const SYS_mmap = 9;
const SYS_getppid = 110;
const tracer = new Tracer();
test.afterEach.always(() => endAll(tracer));
const dir = mkdtempSync(join(tmpdir(), 'scribe-'));
test.after.always(() => rmSync(dir, { recursive: true }));

interface Filled {
  readonly tid: number;
  readonly data: number;
  readonly readOnly: number;
  readonly none: number;
  readonly shared: number;
}

/** Runs the guest up to its getppid. */
function fill(...args: string[]): Filled {
  const file = guest('memory');
  const path = join(dir, 'output');
  const output = openSync(path, 'w');
  const { tid } = tracer.spawn({
    file,
    argv: [file, ...args],
    envp: environment,
    disableAslr: true,
    stdio: [0, output, 2],
  });
  closeSync(output);
  runToEntry(tracer, tid, SYS_getppid, Resume.Syscall);
  const words = new BigUint64Array(new Uint8Array(readFileSync(path)).buffer);
  const [data, readOnly, none, shared] = Array.from(words, Number) as [
    number,
    number,
    number,
    number,
  ];
  return { tid, data, readOnly, none, shared };
}

/** The kernel gives every process 16 random bytes on its stack (AT_RANDOM): make them equal. */
function settleRandom(tid: number): void {
  const auxv = new BigUint64Array(new Uint8Array(readFileSync(`/proc/${tid}/auxv`)).buffer);
  const at = auxv.findIndex((value, index) => index % 2 === 0 && value === 25n);
  tracer.writeMemory(tid, Number(auxv[at + 1]), new Uint8Array(16), 0, 16);
}

function flip(tid: number, address: number): void {
  const byte = new Uint8Array(1);
  tracer.readMemory(tid, address, byte, 0, 1);
  byte[0]! ^= 0x80;
  if (tracer.writeMemory(tid, address, byte, 0, 1) !== 1) throw new Error('not written');
}

test.serial(
  'one changed byte changes the hash, wherever it is; changed back, it is as before',
  (t) => {
    const { tid, data, readOnly, none, shared } = fill();
    const before = tracer.hashMemory(tid, 0, 0, 0);
    t.regex(before, /^[0-9a-f]{32}$/);
    t.is(tracer.hashMemory(tid, 0, 0, 0, 'read'), before);
    const seen = new Set([before]);
    for (const address of [data, data + 4096, data + 4095, readOnly, none, shared]) {
      flip(tid, address);
      const hash = tracer.hashMemory(tid, 0, 0, 0);
      t.false(seen.has(hash), `at ${address.toString(16)}`);
      t.is(tracer.hashMemory(tid, 0, 0, 0, 'read'), hash);
      seen.add(hash);
      flip(tid, address);
      t.is(tracer.hashMemory(tid, 0, 0, 0), before);
    }
    end(tracer, tid);
  },
);

test.serial('the address of a page counts', (t) => {
  const { tid, data } = fill();
  // The first page differs from the second in its first byte only: exchange them.
  flip(tid, data);
  const before = tracer.hashMemory(tid, 0, 0, 0);
  flip(tid, data);
  flip(tid, data + 4096);
  t.not(tracer.hashMemory(tid, 0, 0, 0), before);
  end(tracer, tid);
});

test.serial('what is excluded does not count', (t) => {
  const { tid, data } = fill();
  const before = tracer.hashMemory(tid, data + 4096, data + 8192, 0);
  flip(tid, data + 4096);
  flip(tid, data + 8191);
  t.is(tracer.hashMemory(tid, data + 4096, data + 8192, 0), before);
  flip(tid, data + 8192);
  t.not(tracer.hashMemory(tid, data + 4096, data + 8192, 0), before);
  end(tracer, tid);
});

test.serial('two runs of one program have equal hashes at the same point', (t) => {
  if (!mayFixLayout(tracer)) {
    t.log('skipped: personality is refused');
    t.pass();
    return;
  }
  const hashes = [1, 2].map(() => {
    const { tid } = fill();
    settleRandom(tid);
    const hash = tracer.hashMemory(tid, 0, 0, 0);
    end(tracer, tid);
    return hash;
  });
  t.is(hashes[0], hashes[1]);
});

/** True if the files behind mappings may be opened here, which takes a capability. */
function seesHoles(): boolean {
  const mapping = parseMaps(process.pid).find(({ name }) => name === process.execPath)!;
  const range = [mapping.start, mapping.end].map((address) => address.toString(16)).join('-');
  try {
    closeSync(openSync(`/proc/self/map_files/${range}`, 'r'));
    return true;
  } catch {
    return false;
  }
}

test.serial('terabytes of reserved memory take no time', (t) => {
  // Where holes of shared memory are not to be seen they are read, and so filled: that takes all memory there is.
  const { tid } = seesHoles() ? fill('huge', 'shared') : fill('huge');
  const reserved = parseMaps(tid).reduce((sum, { start, end }) => sum + end - start, 0);
  t.true(reserved > 24 * 2 ** 40);
  const before = cpuMs();
  const hash = tracer.hashMemory(tid, 0, 0, 0);
  const spentMs = cpuMs() - before;
  t.log(`${spentMs.toFixed(1)} ms`);
  t.true(spentMs < 1000);
  t.regex(hash, /^[0-9a-f]{32}$/);
  end(tracer, tid);
});

test.serial('without PAGEMAP_SCAN reserved memory takes no time either', (t) => {
  const { tid } = fill();
  const before = tracer.hashMemory(tid, 0, 0, 0, 'read');
  t.is(tracer.hashMemory(tid, 0, 0, 0), before);
  const insn = register(tracer, Reg.rip) - 2;
  const size = 8 * 2 ** 40;
  // Inaccessible, and accessible but untouched.
  for (const prot of [0, 3])
    t.true(tracer.remoteSyscall(tid, insn, SYS_mmap, [0, size, prot, 0x4022, -1, 0]) > 0);
  const startMs = cpuMs();
  t.is(tracer.hashMemory(tid, 0, 0, 0, 'read'), before);
  t.true(cpuMs() - startMs < 1000);
  end(tracer, tid);
});

test.serial('a range', (t) => {
  const { tid, data, none } = fill();
  const hash = tracer.hashRange(tid, data, 5000);
  t.regex(hash, /^[0-9a-f]{16}$/);
  t.is(tracer.hashRange(tid, data + 1, 5000), hash);
  t.not(tracer.hashRange(tid, data, 5001), hash);
  flip(tid, data + 4999);
  t.not(tracer.hashRange(tid, data, 5000), hash);
  // Trailing zeros count.
  t.not(tracer.hashRange(tid, none + 100, 1), tracer.hashRange(tid, none + 100, 2));
  const error = t.throws(() => tracer.hashRange(tid, 4096, 1), { instanceOf: NativeError });
  t.is((error as NativeError).code, 'EFAULT');
  end(tracer, tid);
});

test.serial('sums of pages', (t) => {
  const { tid, data, none } = fill();
  const page = data - (data % 4096);
  const bytes = new Uint8Array(4096);
  t.is(tracer.readMemory(tid, page, bytes, 0, 4096), 4096);
  const words = new BigUint64Array(bytes.buffer);
  let expected = 0n;
  for (const [i, word] of words.entries()) {
    const row = BigInt(i >> 1);
    expected += word * (256n - row + (i % 2 === 0 ? 1n : 0n));
  }
  const sums = sumPieces(tracer, tid, [page, 4096, none - (none % 4096), 4096, page, 4096]);
  t.is(sums!.length, 3 * SUM_SIZE);
  const [first, second, third] = new BigUint64Array(sums!.buffer);
  t.is(first, BigInt.asUintN(64, expected));
  t.not(first, 0n);
  // A page that the program itself cannot read, with a 3 at its start.
  t.is(second, 3n * 257n);
  t.is(third, first);
  t.is(sumPieces(tracer, tid, [page, 4096, 4096, 4096]), undefined);
  end(tracer, tid);
});

test.serial('a task that is gone: ESRCH', (t) => {
  const { tid } = fill();
  end(tracer, tid);
  for (const attempt of [
    () => tracer.hashMemory(tid, 0, 0, 0),
    () => tracer.hashRange(tid, 0, 1),
  ]) {
    const error = t.throws(attempt, { instanceOf: NativeError });
    t.is((error as NativeError).code, 'ESRCH');
  }
});
