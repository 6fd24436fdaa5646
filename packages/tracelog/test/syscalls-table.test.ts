// The table against itself: complete, without contradictions.
import test from 'ava';
import {
  hasIn,
  hasOut,
  ioctlInfo,
  specialDecoders,
  syscallByName,
  syscallRows,
  syscallTable,
  unsupportedIoctl,
  unsupportedSockopt,
  type ArgType,
  type Size,
} from '@scribe-ts/tracelog';

test('every number from 0 to 336 and from 424 to 469 has a row', (t) => {
  for (let nr = 0; nr <= 336; nr++) t.is(syscallTable[nr]?.nr, nr);
  for (let nr = 337; nr < 424; nr++) t.is(syscallTable[nr], undefined);
  for (let nr = 424; nr <= 469; nr++) t.is(syscallTable[nr]?.nr, nr);
  t.is(syscallTable.length, 470);
});

test('no number and no name is listed twice', (t) => {
  t.is(new Set(syscallRows.map(({ nr }) => nr)).size, syscallRows.length);
  t.is(syscallByName.size, syscallRows.length);
  for (const row of syscallRows) {
    t.is(syscallTable[row.nr], row);
    t.is(syscallByName.get(row.name), row);
    t.true(row.args.length <= 6, row.name);
    t.is(new Set(row.args.map(({ name }) => name)).size, row.args.length, row.name);
  }
});

const POINTERS: ReadonlySet<ArgType['kind']> = new Set([
  'buffer',
  'struct',
  'iovec',
  'msghdr',
  'special',
]);

function sizesOf(type: ArgType): Size[] {
  if (type.kind === 'buffer') return [type.size];
  if (type.kind !== 'struct' && type.kind !== 'iovec' && type.kind !== 'msghdr') return [];
  return type.count === undefined ? [] : [type.count];
}

test('every pointer has a direction, and sizes name arguments that can be sizes', (t) => {
  const counts = new Set<ArgType['kind']>(['int', 'uint', 'long', 'ulong', 'address']);
  for (const row of syscallRows) {
    row.args.forEach(({ type }, index) => {
      if (POINTERS.has(type.kind)) t.true('dir' in type && type.dir.length > 0, row.name);
      if (type.kind === 'struct') t.true(type.size > 0, row.name);
      if (type.kind === 'special') t.true(specialDecoders.includes(type.decoder), row.name);
      for (const size of sizesOf(type)) {
        if ('arg' in size) t.true(counts.has(row.args[size.arg]!.type.kind), row.name);
        if ('resultUpTo' in size)
          t.true(counts.has(row.args[size.resultUpTo]!.type.kind), row.name);
        if ('result' in size && size.room !== undefined)
          t.true(counts.has(row.args[size.room]!.type.kind), row.name);
        if ('result' in size && row.class === 'blocking') t.true(size.room !== undefined, row.name);
        if ('deref' in size) t.true(POINTERS.has(row.args[size.deref]!.type.kind), row.name);
        if ('arg' in size && size.arg === index) t.fail(`${row.name}: a size by its own address`);
      }
    });
  }
});

/** Addresses that data and blocking calls don't follow: the kernel only compares or remembers them. */
const NOT_FOLLOWED: ReadonlySet<string> = new Set([
  'getcpu.tcache',
  'set_tid_address.tidptr',
  'set_robust_list.head',
]);

test('what a data or blocking call takes as a bare address is not followed by the kernel', (t) => {
  for (const row of syscallRows) {
    if (row.class !== 'data' && row.class !== 'blocking') continue;
    for (const { name, type } of row.args) {
      if (type.kind !== 'address' || row.groups.includes('memory')) continue;
      t.true(NOT_FOLLOWED.has(`${row.name}.${name}`), `${row.name}.${name}`);
    }
  }
});

test('refused calls say why, others do not', (t) => {
  for (const row of syscallRows) t.is(row.reason !== undefined, row.class === 'refused', row.name);
});

test('hasOut and hasIn say whether a call leads to memory', (t) => {
  const nr = (name: string) => syscallByName.get(name)!.nr;
  t.true(hasOut(nr('read')));
  t.true(hasIn(nr('readv')), 'the vector is read');
  t.false(hasIn(nr('read')));
  t.false(hasOut(nr('write')));
  t.true(hasIn(nr('write')));
  t.true(hasOut(nr('sendmmsg')), 'msg_len is stored');
  for (const name of ['getpid', 'close', 'mmap', 'set_robust_list', 'sched_yield']) {
    t.false(hasOut(nr(name)) || hasIn(nr(name)), name);
  }
  t.false(hasOut(400) || hasIn(400) || hasOut(-1) || hasOut(100000));
});

test('ioctlInfo tells what is known of a request', (t) => {
  t.deepEqual(ioctlInfo(0x5401), { name: 'TCGETS', kind: 'flat', reason: '' });
  t.deepEqual(ioctlInfo(0x8912), { name: 'SIOCGIFCONF', kind: 'nested', reason: '' });
  t.is(ioctlInfo(0x80045800 >>> 0).kind, 'encoded');
  t.is(ioctlInfo(0x89f3).kind, 'unknown');
  t.deepEqual(ioctlInfo(0xc0389423), {
    name: 'BTRFS_IOC_INO_PATHS',
    kind: 'unknown',
    reason: '',
  });
  t.is(ioctlInfo(0xae00).kind, 'unsupported');
  t.regex(unsupportedIoctl(0xae00)!, /^KVM: /);
  t.regex(unsupportedIoctl(0xc0106400)!, /^DRM: /);
  t.is(unsupportedIoctl(0x5600), undefined, 'VT_OPENQRY has the letter of Video4Linux');
  t.is(unsupportedIoctl(0x4b33), undefined, 'KDGKBTYPE has the letter of AMD compute');
  t.is(unsupportedIoctl(0x5413), undefined);
});

test('unsupportedSockopt names options that share memory', (t) => {
  t.truthy(unsupportedSockopt(263, 5));
  t.truthy(unsupportedSockopt(6, 35));
  t.is(unsupportedSockopt(1, 2), undefined);
});
