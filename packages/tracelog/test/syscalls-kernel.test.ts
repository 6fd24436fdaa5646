// The table against this machine's kernel: no call may change a byte that outRegions does not tell.
import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  hasOut,
  outRegions,
  readEntry,
  syscallTable,
  type Peek,
  type RegionContext,
  type Word,
} from '@scribe-ts/tracelog';
import { noCompiler, runC } from './support/compile-c.js';

/** A line of support/kernel-writes.c: numbers as decimal strings, a page of memory in hex. */
interface Made {
  readonly label: string;
  readonly wants: number;
  readonly nr: number;
  readonly args: readonly string[];
  readonly result: string;
  readonly page: string;
  readonly before: string;
  readonly after: string;
}

function word(text: string): Word {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function pageAt(start: number, bytes: Uint8Array): Peek {
  return (addr, length) =>
    addr < start || addr + length > start + bytes.length
      ? undefined
      : bytes.subarray(addr - start, addr - start + length);
}

function changedBytes(made: Made): number[] {
  const before = Buffer.from(made.before, 'hex');
  const after = Buffer.from(made.after, 'hex');
  const changed: number[] = [];
  for (let i = 0; i < after.length; i++) if (before[i] !== after[i]) changed.push(i);
  return changed;
}

/** Bytes of the page that outRegions tells, and how many it tells outside of it. */
function toldBytes(made: Made, withEntry: boolean): { told: Set<number>; outside: number } {
  const row = syscallTable[made.nr]!;
  const start = Number(made.page);
  const args = made.args.map(word);
  const told = new Set<number>();
  let outside = 0;
  const semCount = () => 5;
  let context: RegionContext = { semCount };
  if (withEntry) {
    const entry = new Float64Array(6);
    readEntry(row, args, pageAt(start, Buffer.from(made.before, 'hex')), entry);
    context = { entry, semCount };
  }
  const after = Buffer.from(made.after, 'hex');
  outRegions(
    row,
    args,
    word(made.result),
    pageAt(start, after),
    (addr, size) => {
      for (let at = addr - start; at < addr - start + size; at++) {
        if (at >= 0 && at < after.length) told.add(at);
        else outside++;
      }
    },
    context,
  );
  return { told, outside };
}

test('the kernel changes no byte that outRegions does not tell', (t) => {
  const skip = noCompiler();
  if (skip !== undefined) {
    t.log(`skipped: ${skip}`);
    t.pass();
    return;
  }
  const source = readFileSync(new URL('support/kernel-writes.c', import.meta.url), 'utf8');
  const lines = runC(source, ['-O1']).trim().split('\n');
  const calls = lines.map((line) => JSON.parse(line) as Made);
  const numbers = new Set<number>();
  let stored = 0;
  for (const made of calls) {
    const changed = changedBytes(made);
    const result = Number(made.result);
    const name = `${made.label} = ${made.result}`;
    if (made.wants === 2 || (made.wants === 1 && result >= 0)) {
      t.true(changed.length > 0, `${name} was to store something`);
    }
    if (changed.length > 0) {
      stored++;
      numbers.add(made.nr);
      t.true(hasOut(made.nr), name);
    }
    for (const withEntry of [true, false]) {
      const { told, outside } = toldBytes(made, withEntry);
      const missed = changed.filter((at) => !told.has(at));
      t.deepEqual(missed, [], `${name}: bytes stored that the table does not tell`);
      // All of these calls were given pointers into the page alone.
      t.is(outside, 0, `${name}: bytes told that are not in the program's memory`);
    }
  }
  t.log(`${calls.length} calls, ${stored} of which stored something, by ${numbers.size} numbers`);
});
