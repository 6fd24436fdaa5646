import { readFileSync, readdirSync } from 'node:fs';
import test from 'ava';
import { findStateSave, parseMaps, Prot, Reg, StateSaves, Tracer } from '../lib/index.js';
import { end, endAll, register, start } from './support/guest.js';

const tracer = new Tracer();
test.afterEach.always(() => endAll(tracer));

const loader = readdirSync('/lib64').includes('ld-linux-x86-64.so.2')
  ? '/lib64/ld-linux-x86-64.so.2'
  : undefined;
const save = loader === undefined ? undefined : findStateSave(loader);

test('a program, a text and no file at all save no state', (t) => {
  t.is(findStateSave(process.execPath), undefined);
  t.is(findStateSave('/etc/passwd'), undefined);
  t.is(findStateSave('/nowhere'), undefined);
});

(save === undefined ? test.skip : test.serial)('a loader that is changed and put back', (t) => {
  const tid = start(tracer, '/bin/true');
  const { offset, instruction, end: last } = save!;
  t.deepEqual([...readFileSync(loader!).subarray(offset, offset + 5)], [...instruction]);
  const mapping = parseMaps(tid).find(
    ({ name, prot }) => name.includes('/ld-linux') && (prot & Prot.EXEC) !== 0,
  )!;
  const { start: from, end: to } = mapping;
  const contents = (): Buffer => {
    const bytes = Buffer.alloc(to - from);
    t.is(tracer.readMemory(tid, from, bytes, 0, bytes.length), bytes.length);
    return bytes;
  };
  const before = contents();
  const file = { hash: 'a', offset: mapping.offset };
  const writes = new StateSaves().patch(tracer, tid, mapping, file, loader!);
  t.deepEqual(
    writes.map(({ addr }) => addr - from + mapping.offset),
    [last, offset],
  );
  const changed = contents();
  for (const { addr, bytes } of writes)
    t.deepEqual([...changed.subarray(addr - from, addr - from + bytes.length)], [...bytes]);

  // Nothing is written where something is.
  t.deepEqual(new StateSaves().patch(tracer, tid, mapping, file, loader!), []);
  t.deepEqual(contents(), changed);

  const learnt = new StateSaves();
  for (const { addr, bytes } of writes) learnt.learn(addr, bytes);
  const room = writes[0]!.addr;
  tracer.getRegs(tid);
  learnt.restore(tracer, tid, register(tracer, Reg.rip), false);
  const site = contents();
  t.deepEqual(site.subarray(0, room - from), before.subarray(0, room - from));
  t.notDeepEqual(site, before);
  learnt.restore(tracer, tid, register(tracer, Reg.rip), true);
  t.deepEqual(contents(), before);
  end(tracer, tid);
});

(save === undefined ? test.skip : test.serial)(
  'code that a task is let go in stays, for the others as well',
  (t) => {
    const tid = start(tracer, '/bin/true');
    const mapping = parseMaps(tid).find(
      ({ name, prot }) => name.includes('/ld-linux') && (prot & Prot.EXEC) !== 0,
    )!;
    const saves = new StateSaves();
    const file = { hash: 'a', offset: mapping.offset };
    const [code] = saves.patch(tracer, tid, mapping, file, loader!);
    saves.restore(tracer, tid, code!.addr + 4, true);
    saves.restore(tracer, tid, 0, true);
    const bytes = new Uint8Array(code!.bytes.length);
    tracer.readMemory(tid, code!.addr, bytes, 0, bytes.length);
    t.deepEqual(bytes, code!.bytes);
    end(tracer, tid);
  },
);
