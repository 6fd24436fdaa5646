// outRegions and inRegions on a made-up address space.
import test from 'ava';
import {
  inRegions,
  MAX_REGION_BYTES,
  outRegions,
  readEntry,
  specialRegions,
  syscallByName,
  type Peek,
  type RegionContext,
  type Word,
} from '@scribe-ts/tracelog';

const EAGAIN = -11;
const EINTR = -4;
const ECHILD = -10;

/** Memory from BASE on; peek gives the same array again and again, as the contract allows. */
const BASE = 0x10000;
const SIZE = 0x4000;

class Memory {
  readonly bytes = new Uint8Array(SIZE);
  private readonly view = new DataView(this.bytes.buffer);
  private readonly shared = new Uint8Array(SIZE);

  readonly peek: Peek = (addr, length) => {
    const at = addr - BASE;
    if (at < 0 || at + length > SIZE) return undefined;
    this.shared.fill(0xee);
    this.shared.set(this.bytes.subarray(at, at + length));
    return this.shared.subarray(0, length);
  };
  u16(addr: number, value: number): void {
    this.view.setUint16(addr - BASE, value, true);
  }
  u32(addr: number, value: number): void {
    this.view.setUint32(addr - BASE, value, true);
  }
  u64(addr: number, value: number): void {
    this.view.setBigUint64(addr - BASE, BigInt(value), true);
  }
  text(addr: number, value: string): void {
    this.bytes.set(Buffer.from(`${value}\0`), addr - BASE);
  }
  iovec(addr: number, ...pairs: readonly (readonly [number, number])[]): void {
    pairs.forEach(([base, length], i) => {
      this.u64(addr + i * 16, base);
      this.u64(addr + i * 16 + 8, length);
    });
  }
  msghdr(
    addr: number,
    msg: {
      name?: readonly [number, number];
      iov?: readonly [number, number];
      control?: readonly [number, number];
    },
  ): void {
    this.u64(addr, msg.name?.[0] ?? 0);
    this.u32(addr + 8, msg.name?.[1] ?? 0);
    this.u64(addr + 16, msg.iov?.[0] ?? 0);
    this.u64(addr + 24, msg.iov?.[1] ?? 0);
    this.u64(addr + 32, msg.control?.[0] ?? 0);
    this.u64(addr + 40, msg.control?.[1] ?? 0);
  }
}

type Told = readonly [addr: number, size: number, arg: number, part: string];

function out(
  name: string,
  args: readonly Word[],
  result: Word,
  memory = new Memory(),
  context?: RegionContext,
): Told[] {
  const told: Told[] = [];
  outRegions(
    syscallByName.get(name)!,
    args,
    result,
    memory.peek,
    (...region) => told.push(region),
    context,
  );
  return told;
}

function into(
  name: string,
  args: readonly Word[],
  result: Word | undefined,
  memory = new Memory(),
): Told[] {
  const told: Told[] = [];
  inRegions(syscallByName.get(name)!, args, result, memory.peek, (...region) => told.push(region));
  return told;
}

const A = BASE + 0x100;
const B = BASE + 0x1000;
const C = BASE + 0x2000;
const D = BASE + 0x3000;

test('read: as many bytes as the result says, none where it failed or has no buffer', (t) => {
  t.deepEqual(out('read', [3, A, 4096], 10), [[A, 10, 1, 'value']]);
  t.deepEqual(out('read', [3, A, 4096], 0), []);
  t.deepEqual(out('read', [3, A, 4096], EAGAIN), []);
  t.deepEqual(out('read', [3, A, 4096], -512), []);
  t.deepEqual(out('read', [3, 0, 4096], 10), []);
  t.deepEqual(out('read', [3, -1, 4096], 10), []);
  t.deepEqual(out('read', [3, 2n ** 60n, 4096], 10), []);
});

test('write: the result limits what was taken; before the call, the count', (t) => {
  t.deepEqual(into('write', [1, A, 100], 7), [[A, 7, 1, 'value']]);
  t.deepEqual(into('write', [1, A, 100], undefined), [[A, 100, 1, 'value']]);
  t.deepEqual(into('write', [1, A, 100], EAGAIN), [[A, 100, 1, 'value']]);
  t.deepEqual(into('write', [1, A, -1], undefined), [[A, MAX_REGION_BYTES, 1, 'value']]);
  t.deepEqual(out('write', [1, A, 100], 7), []);
});

test('readv: the result is spread over the vector', (t) => {
  const memory = new Memory();
  memory.iovec(A, [B, 4], [C, 0], [0, 3], [D, 100]);
  t.deepEqual(out('readv', [3, A, 4], 10, memory), [
    [B, 4, 1, 'data'],
    [D, 3, 1, 'data'],
  ]);
  t.deepEqual(out('readv', [3, A, 4], 3, memory), [[B, 3, 1, 'data']]);
  t.deepEqual(out('readv', [3, A, 4], EAGAIN, memory), []);
  t.deepEqual(into('readv', [3, A, 4], 10, memory), [[A, 64, 1, 'vector']]);
});

test('writev: the vector, then what was taken of it', (t) => {
  const memory = new Memory();
  memory.iovec(A, [B, 4], [C, 5]);
  t.deepEqual(into('writev', [1, A, 2], 6, memory), [
    [A, 32, 1, 'vector'],
    [B, 4, 1, 'data'],
    [C, 2, 1, 'data'],
  ]);
  t.deepEqual(into('writev', [1, A, 2], undefined, memory).at(-1), [C, 5, 1, 'data']);
});

test('vmsplice goes either way', (t) => {
  const memory = new Memory();
  memory.iovec(A, [B, 4]);
  t.deepEqual(out('vmsplice', [1, A, 1, 0], 3, memory), [[B, 3, 1, 'data']]);
  t.deepEqual(into('vmsplice', [1, A, 1, 0], 3, memory).at(-1), [B, 3, 1, 'data']);
});

test('recvmsg: header, name, data and control, each as long as it is after the call', (t) => {
  const memory = new Memory();
  memory.iovec(B, [C, 8], [C + 0x100, 100]);
  memory.msghdr(A, { name: [D, 16], iov: [B, 2], control: [D + 0x100, 24] });
  const args = [3, A, 0];
  t.deepEqual(out('recvmsg', args, 20, memory), [
    [A, 56, 1, 'value'],
    [D, 16, 1, 'name'],
    [C, 8, 1, 'data'],
    [C + 0x100, 12, 1, 'data'],
    [D + 0x100, 24, 1, 'control'],
  ]);
  // Credentials come without a message, too.
  t.deepEqual(out('recvmsg', args, EAGAIN, memory), [[D + 0x100, 24, 1, 'control']]);
  // The sender's name was longer than the room for it.
  const entry = new Float64Array(6);
  memory.u32(A + 8, 4);
  readEntry(syscallByName.get('recvmsg')!, args, memory.peek, entry);
  memory.u32(A + 8, 16);
  t.deepEqual(out('recvmsg', args, 0, memory, { entry })[1], [D, 4, 1, 'name']);
});

test('sendmsg: header, name, vector, data, control', (t) => {
  const memory = new Memory();
  memory.iovec(B, [C, 8]);
  memory.msghdr(A, { name: [D, 16], iov: [B, 1], control: [D + 0x100, 24] });
  t.deepEqual(into('sendmsg', [3, A, 0], 5, memory), [
    [A, 56, 1, 'value'],
    [D, 16, 1, 'name'],
    [B, 16, 1, 'vector'],
    [C, 5, 1, 'data'],
    [D + 0x100, 24, 1, 'control'],
  ]);
  t.deepEqual(out('sendmsg', [3, A, 0], 5, memory), []);
});

test('recvmmsg: the messages that came, and the time left', (t) => {
  const memory = new Memory();
  memory.iovec(B, [C, 100]);
  memory.iovec(B + 16, [C + 0x200, 100]);
  memory.msghdr(A, { iov: [B, 1] });
  memory.u32(A + 56, 7);
  memory.msghdr(A + 64, { iov: [B + 16, 1] });
  memory.u32(A + 120, 9);
  const args = [3, A, 8, 0, D];
  t.deepEqual(out('recvmmsg', args, 2, memory), [
    [A, 64, 1, 'value'],
    [C, 7, 1, 'data'],
    [A + 64, 64, 1, 'value'],
    [C + 0x200, 9, 1, 'data'],
    [D, 16, 4, 'value'],
  ]);
  t.deepEqual(out('recvmmsg', args, 1, memory).length, 3);
  t.deepEqual(out('recvmmsg', args, EAGAIN, memory), []);
  memory.msghdr(A, { iov: [B, 1], control: [D + 0x100, 24] });
  t.deepEqual(out('recvmmsg', args, EAGAIN, memory), [[D + 0x100, 24, 1, 'control']]);
});

test('sendmmsg: the kernel stores msg_len of each message sent', (t) => {
  const memory = new Memory();
  memory.iovec(B, [C, 100]);
  memory.msghdr(A, { iov: [B, 1] });
  memory.msghdr(A + 64, { iov: [B, 1] });
  memory.u32(A + 56, 7);
  t.deepEqual(out('sendmmsg', [3, A, 2, 0], 1, memory), [[A + 56, 4, 1, 'value']]);
  t.deepEqual(into('sendmmsg', [3, A, 2, 0], 1, memory), [
    [A, 64, 1, 'value'],
    [B, 16, 1, 'vector'],
    [C, 7, 1, 'data'],
  ]);
});

test('accept: the address is as long as stored, at most as the room before the call', (t) => {
  const memory = new Memory();
  const accept = syscallByName.get('accept')!;
  const args = [3, A, B];
  const entry = new Float64Array(6);
  memory.u32(B, 8);
  readEntry(accept, args, memory.peek, entry);
  memory.u32(B, 16);
  t.deepEqual(out('accept', args, 4, memory, { entry }), [
    [A, 8, 1, 'value'],
    [B, 4, 2, 'value'],
  ]);
  t.deepEqual(out('accept', args, 4, memory)[0], [A, 16, 1, 'value'], 'without the entry');
  t.deepEqual(out('accept', args, EAGAIN, memory, { entry }), []);
  t.deepEqual(out('accept', [3, 0, 0], 4, memory, { entry }), []);
});

test('getsockopt: a failed call may still store the length', (t) => {
  const memory = new Memory();
  memory.u32(B, 4);
  t.deepEqual(out('getsockopt', [3, 1, 2, A, B], 0, memory), [
    [A, 4, 3, 'value'],
    [B, 4, 4, 'value'],
  ]);
  t.deepEqual(out('getsockopt', [3, 1, 2, A, B], -34, memory), [[B, 4, 4, 'value']]);
});

test('select: masks in whole words when it succeeds, the time left always', (t) => {
  const args = [65, A, 0, B, C];
  t.deepEqual(out('select', args, 1), [
    [A, 16, 1, 'value'],
    [B, 16, 3, 'value'],
    [C, 16, 4, 'value'],
  ]);
  t.deepEqual(out('select', args, EINTR), [[C, 16, 4, 'value']]);
  t.deepEqual(out('select', args, -514), [[C, 16, 4, 'value']]);
  t.deepEqual(into('select', [64, A, 0, 0, 0], 1), [[A, 8, 1, 'value']]);
  t.deepEqual(out('select', [-1, A, 0, 0, 0], 0), []);
});

test('pselect6: the mask behind its last argument', (t) => {
  const memory = new Memory();
  memory.u64(A, B);
  memory.u64(A + 8, 8);
  t.deepEqual(into('pselect6', [0, 0, 0, 0, 0, A], 0, memory), [
    [A, 16, 5, 'value'],
    [B, 8, 5, 'nested'],
  ]);
});

test('poll: the array always; its count is an unsigned int, whatever is above', (t) => {
  t.deepEqual(out('poll', [A, 3, 100], 1), [[A, 24, 0, 'value']]);
  t.deepEqual(out('poll', [A, 3, 100], -516), [[A, 24, 0, 'value']]);
  t.deepEqual(out('poll', [A, 2 ** 40 + 2, 100], 0), [[A, 16, 0, 'value']]);
  t.deepEqual(out('poll', [A, (2n ** 62n + 2n) as Word, 100], 0), [[A, 16, 0, 'value']]);
});

test('epoll_wait: as many events as the result says, packed', (t) => {
  t.deepEqual(out('epoll_wait', [3, A, 64, -1], 2), [[A, 24, 1, 'value']]);
  t.deepEqual(out('epoll_wait', [3, A, 64, -1], 0), []);
});

test('getxattr with size 0 writes nothing', (t) => {
  t.deepEqual(out('getxattr', [B, C, A, 0], 30), []);
  t.deepEqual(out('getxattr', [B, C, A, 100], 30), [[A, 30, 2, 'value']]);
  t.deepEqual(out('getxattr', [B, C, A, 100], -61), []);
  t.deepEqual(out('getgroups', [0, A], 5), []);
  t.deepEqual(out('getgroups', [8, A], 5), [[A, 20, 1, 'value']]);
});

test('wait4 stores a status only when it returns a child', (t) => {
  t.deepEqual(out('wait4', [-1, A, 1, B], 0), []);
  t.deepEqual(out('wait4', [-1, A, 0, B], 1234), [
    [A, 4, 1, 'value'],
    [B, 144, 3, 'value'],
  ]);
  t.deepEqual(out('wait4', [-1, A, 0, B], ECHILD), []);
  t.deepEqual(out('waitid', [0, 0, A, 4, B], ECHILD), [[A, 128, 2, 'value']]);
});

test('nanosleep stores the time left when it is interrupted', (t) => {
  t.deepEqual(out('nanosleep', [A, B], EINTR), [[B, 16, 1, 'value']]);
  t.deepEqual(out('nanosleep', [A, B], -516), [[B, 16, 1, 'value']]);
  t.deepEqual(into('nanosleep', [A, B], 0), [[A, 16, 0, 'value']]);
});

test('ioctl: old numbers by name, new ones by their number, others not at all', (t) => {
  t.deepEqual(out('ioctl', [0, 0x5401, A], 0), [[A, 36, 2, 'value']]);
  t.deepEqual(out('ioctl', [0, 0x5401, A], -25), []);
  t.deepEqual(into('ioctl', [0, 0x5402, A], 0), [[A, 36, 2, 'value']]);
  t.deepEqual(out('ioctl', [0, 0x541b, A], 0), [[A, 4, 2, 'value']]);
  t.deepEqual(out('ioctl', [0, 0x80086601 - 2 ** 32, A], 0), [[A, 4, 2, 'value']], 'GETFLAGS');
  t.deepEqual(out('ioctl', [0, 0x40049409, 5], 0), [], 'FICLONE takes a descriptor');
  t.deepEqual(out('ioctl', [0, 0x80305899, A], 0), [[A, 48, 2, 'value']], 'by its number');
  t.deepEqual(out('ioctl', [0, 0x40305899, A], 0), []);
  t.deepEqual(into('ioctl', [0, 0x40305899, A], 0), [[A, 48, 2, 'value']]);
  t.deepEqual(out('ioctl', [0, 0x89f3, A], 0), []);
  const unknown = specialRegions('ioctl', 16, [0, 0x89f3, A], 2, new Memory().peek);
  t.is(unknown.length, 1);
  t.true(unknown[0]!.unknown);
});

test('ioctl with pointers inside: SIOCGIFCONF, FIEMAP, SG_IO', (t) => {
  const memory = new Memory();
  memory.u32(A, 80);
  memory.u64(A + 8, B);
  t.deepEqual(out('ioctl', [0, 0x8912, A], 0, memory), [
    [A, 16, 2, 'value'],
    [B, 80, 2, 'nested'],
  ]);
  memory.u32(C + 20, 3);
  memory.u32(C + 24, 10);
  t.deepEqual(out('ioctl', [0, 0xc020660b, C], 0, memory), [[C, 32 + 3 * 56, 2, 'value']]);
  memory.u32(D + 4, -3 >>> 0);
  memory.bytes[D + 8 - BASE] = 6;
  memory.bytes[D + 9 - BASE] = 32;
  memory.u32(D + 12, 512);
  memory.u64(D + 16, B);
  memory.u64(D + 24, B + 0x400);
  memory.u64(D + 32, B + 0x500);
  t.deepEqual(out('ioctl', [0, 0x2285, D], 0, memory), [
    [D, 88, 2, 'value'],
    [B + 0x500, 32, 2, 'nested'],
    [B, 512, 2, 'nested'],
  ]);
});

test('fcntl: locks, owners, and numbers that are no pointers', (t) => {
  t.deepEqual(out('fcntl', [3, 5, A], 0), [[A, 32, 2, 'value']]);
  t.deepEqual(out('fcntl', [3, 7, A], 0), []);
  t.deepEqual(into('fcntl', [3, 7, A], 0), [[A, 32, 2, 'value']]);
  t.deepEqual(out('fcntl', [3, 16, A], 0), [[A, 8, 2, 'value']]);
  t.deepEqual(into('fcntl', [3, 4, A], 0), []);
});

test('futex: the word is stored by WAKE_OP and PI operations alone', (t) => {
  const FUTEX_PRIVATE = 128;
  t.deepEqual(out('futex', [A, 0 | FUTEX_PRIVATE, 1, B, C, 0], 0), []);
  t.deepEqual(out('futex', [A, 1, 1, B, C, 0], 0), []);
  t.deepEqual(out('futex', [A, 5, 1, 1, C, 0], 0), [[C, 4, 4, 'value']]);
  t.deepEqual(out('futex', [A, 6, 1, B, C, 0], EINTR), [[A, 4, 0, 'value']]);
  t.deepEqual(into('futex', [A, 0, 1, B, C, 0], 0), [
    [A, 4, 0, 'value'],
    [B, 16, 3, 'value'],
  ]);
  t.deepEqual(into('futex', [A, 3, 1, B, C, 0], 0), [], 'val2 is a number, not a timeout');
});

test('semctl GETALL needs to know how many semaphores the set has', (t) => {
  const args = [77, 0, 13, A];
  t.deepEqual(out('semctl', args, 0), []);
  t.deepEqual(out('semctl', args, 0, new Memory(), { semCount: (id) => (id === 77 ? 5 : 0) }), [
    [A, 10, 3, 'value'],
  ]);
  t.true(specialRegions('semctl', 66, args, 3, new Memory().peek)[0]!.unknown);
  t.deepEqual(out('semctl', [77, 0, 2, A], 0), [[A, 104, 3, 'value']]);
  t.deepEqual(out('semctl', [77, 0, 16, A], 0), [], 'SETVAL takes a number');
});

test('name_to_handle_at: only the head when the room is too small', (t) => {
  const memory = new Memory();
  const row = syscallByName.get('name_to_handle_at')!;
  const args = [-100, B, A, C, 0];
  const entry = new Float64Array(6);
  readEntry(row, args, memory.peek, entry);
  memory.u32(A, 12);
  t.deepEqual(out('name_to_handle_at', args, -75, memory, { entry }), [
    [A, 8, 2, 'value'],
    [C, 4, 3, 'value'],
  ]);
  t.deepEqual(out('name_to_handle_at', args, 0, memory)[0], [A, 20, 2, 'value']);
  t.deepEqual(out('name_to_handle_at', [-100, B, A, C, 1], 0, memory)[1], [C, 8, 3, 'value']);
});

test('clone3: the words it stores in the parent', (t) => {
  const memory = new Memory();
  memory.u64(A, 0x1000 | 0x100000);
  memory.u64(A + 8, B);
  memory.u64(A + 24, C);
  t.deepEqual(out('clone3', [A, 88], 1234, memory), [
    [B, 4, 0, 'nested'],
    [C, 4, 0, 'nested'],
  ]);
  t.deepEqual(out('clone', [0x100000, 0, A, B, 0], 1234, memory), [[A, 4, 2, 'value']]);
  t.deepEqual(out('clone', [0x11, 0, A, B, 0], 1234, memory), []);
});

test('sizes by argument: mincore, move_pages, get_mempolicy, msgrcv, capget', (t) => {
  t.deepEqual(out('mincore', [0x7000, 4097, A], 0), [[A, 2, 2, 'value']]);
  t.deepEqual(out('move_pages', [0, 3, B, C, A, 0], 0), [[A, 12, 4, 'value']]);
  t.deepEqual(out('get_mempolicy', [0, A, 1025, 0, 0], 0), [[A, 128, 1, 'value']]);
  t.deepEqual(out('get_mempolicy', [0, A, 0, 0, 0], 0), []);
  t.deepEqual(out('msgrcv', [1, A, 100, 0, 0], 5), [[A, 13, 1, 'value']]);
  t.deepEqual(into('msgsnd', [1, A, 100, 0], 0), [[A, 108, 1, 'value']]);
  const memory = new Memory();
  memory.u32(A, 0x19980330);
  t.deepEqual(out('capget', [A, B], 0, memory)[1], [B, 12, 1, 'value']);
  memory.u32(A, 0x20080522);
  t.deepEqual(out('capget', [A, B], 0, memory)[1], [B, 24, 1, 'value']);
  t.deepEqual(out('capget', [A, B], -22, memory), [[A, 8, 0, 'value']]);
});

test('prctl, arch_prctl, keyctl, quotactl: by operation', (t) => {
  t.deepEqual(out('prctl', [16, A, 0, 0, 0], 0), [[A, 16, 1, 'value']]);
  t.deepEqual(out('prctl', [2, A, B, C, D], 0), [[A, 4, 1, 'value']]);
  t.deepEqual(out('prctl', [38, A, B, C, D], 0), []);
  t.deepEqual(out('arch_prctl', [0x1003, A], 0), [[A, 8, 1, 'value']]);
  t.deepEqual(out('arch_prctl', [0x1002, A], 0), []);
  t.deepEqual(out('keyctl', [11, 1, A, 10, 0], 100), [[A, 10, 2, 'value']]);
  t.deepEqual(out('keyctl', [11, 1, A, 100, 0], 10), [[A, 10, 2, 'value']]);
  t.deepEqual(out('quotactl', [0x80000700, A, 0, B], 0), [[B, 72, 3, 'value']]);
  t.deepEqual(out('quotactl_fd', [3, 0x80000700, 0, B], 0), [[B, 72, 3, 'value']]);
});

test('strings come without their NUL, argv with its pointers', (t) => {
  const memory = new Memory();
  memory.text(B, 'hello');
  memory.text(C, 'ab');
  memory.u64(A, B);
  memory.u64(A + 8, C);
  t.deepEqual(into('chdir', [B], 0, memory), [[B, 5, 0, 'value']]);
  t.deepEqual(into('execve', [B, A, 0], undefined, memory), [
    [B, 5, 0, 'value'],
    [A, 24, 1, 'value'],
    [B, 5, 1, 'nested'],
    [C, 2, 1, 'nested'],
  ]);
  // A string at the end of what is mapped.
  memory.bytes.fill(0x61, SIZE - 3);
  t.deepEqual(into('chdir', [BASE + SIZE - 3], 0, memory), [[BASE + SIZE - 3, 3, 0, 'value']]);
});

test('a length out of reason is cut', (t) => {
  t.deepEqual(out('read', [3, A, -1], 2 ** 40), [[A, MAX_REGION_BYTES, 1, 'value']]);
  t.deepEqual(out('sched_getattr', [0, A, -1, 0], 0), [[A, MAX_REGION_BYTES, 1, 'value']]);
});

test('a row without pointers tells nothing', (t) => {
  t.deepEqual(out('getpid', [], 77), []);
  t.deepEqual(into('getpid', [], 77), []);
});
