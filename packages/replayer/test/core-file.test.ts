import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAGE_SIZE, parseMaps, type ProcMapping, Prot, Tracer } from '@scribe-ts/core-native';
import test, { type ExecutionContext } from 'ava';
import { writeCoreFile } from '../src/report/core-file.js';

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const PT_LOAD = 1;
const PT_NOTE = 4;

interface Load {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  /** The bytes that the file has of it. */
  readonly bytes: Uint8Array;
}

interface Case {
  readonly pid: number;
  readonly mappings: readonly ProcMapping[];
  readonly path: string;
}

/** A process that waits for its input, so that its memory stays as it is. */
async function waiting(t: ExecutionContext): Promise<Case> {
  const child: ChildProcess = spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const directory = mkdtempSync(join(tmpdir(), 'scribe-core-'));
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.stdin!.end();
    await ended;
    rmSync(directory, { recursive: true });
  });
  // It has come to its loop when it has given back what it was given.
  const echoed = once(child.stdout!, 'data');
  child.stdin!.write('echo\n');
  await echoed;
  const pid = child.pid!;
  const mappings = parseMaps(pid).filter(({ name }) => !/^\[v/.test(name));
  return { pid, mappings, path: join(directory, 'core') };
}

function write({ pid, mappings, path }: Case, maxBytes?: number): readonly string[] {
  const notes: string[] = [];
  writeCoreFile({
    tracer: new Tracer(),
    tid: pid,
    process: {
      pid,
      path: '/bin/cat',
      argv: ['cat'],
      auxv: new Uint8Array(0),
      files: [],
      threads: [],
    },
    mappings,
    path,
    maxBytes,
    note: (text) => notes.push(text),
  });
  return notes;
}

function loadsOf(path: string): readonly Load[] {
  const bytes = readFileSync(path);
  const count = bytes.readUInt16LE(56);
  const loads: Load[] = [];
  for (let i = 0; i < count; i++) {
    const at = EHDR_SIZE + i * PHDR_SIZE;
    const type = bytes.readUInt32LE(at);
    const word = (offset: number): number => Number(bytes.readBigUInt64LE(at + offset));
    if (type !== PT_LOAD) {
      if (i !== 0 || type !== PT_NOTE) throw new Error(`header ${i} has type ${type}`);
      continue;
    }
    const [offset, start, fileSize, size] = [word(8), word(16), word(32), word(40)];
    const flags = bytes.readUInt32LE(at + 4);
    const content = bytes.subarray(offset, offset + fileSize);
    if (content.length !== fileSize || offset % PAGE_SIZE !== 0) throw new Error(`header ${i}`);
    loads.push({ start, end: start + size, flags, bytes: content });
  }
  return loads;
}

function memoryOf(pid: number, start: number, length: number): Uint8Array {
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const bytes = new Uint8Array(length);
    readSync(file, bytes, 0, length, start);
    return bytes;
  } finally {
    closeSync(file);
  }
}

test('a core file holds the memory of every readable mapping', async (t) => {
  const process = await waiting(t);
  const { pid, mappings, path } = process;
  t.deepEqual(write(process), []);
  const loads = loadsOf(path);
  const readable = mappings.filter(({ prot }) => prot !== Prot.NONE);
  t.deepEqual(
    loads.map(({ start, end }) => [start, end]),
    readable.map(({ start, end }) => [start, end]),
  );
  loads.forEach((load, i) => {
    const { start, end, prot } = readable[i]!;
    t.is(load.flags, (prot & 1 ? 4 : 0) | (prot & 2 ? 2 : 0) | (prot & 4 ? 1 : 0));
    t.is(load.bytes.length, end - start);
    t.is(Buffer.compare(load.bytes, memoryOf(pid, start, end - start)), 0, start.toString(16));
  });
});

test('what only the process has comes before the contents of files', async (t) => {
  const process = await waiting(t);
  const { pid, mappings, path } = process;
  const notes = write(process, 1024 * 1024);
  t.is(notes.length, 1);
  t.regex(notes[0]!, /^the core file holds no more than 1 MiB, .*: not all of [0-9a-f]+-[0-9a-f]+/);
  const loads = new Map(loadsOf(path).map((load) => [load.start, load]));
  let files = 0;
  for (const { start, end, prot, inode, name } of mappings) {
    const load = loads.get(start);
    if (load === undefined) continue;
    // The loader writes to some pages of a file and takes the right to write away: they differ from the file.
    if (inode === 0 || (prot & Prot.WRITE) !== 0) {
      t.is(load.bytes.length, end - start, name);
      t.is(Buffer.compare(load.bytes, memoryOf(pid, start, end - start)), 0, name);
    } else if ((prot & Prot.EXEC) !== 0 && end - start > 1024 * 1024) {
      t.true(load.bytes.length < end - start, name);
      files++;
    }
  }
  t.true(files > 0);
});
