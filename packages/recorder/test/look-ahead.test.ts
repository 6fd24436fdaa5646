import test from 'ava';
import { PAGE_SIZE, ReadPages, Reg, Registers, type Tracer } from '@scribe-ts/core-native';
import { lookAhead } from '../src/preempt/look-ahead.js';

const CODE = 0x401000;
const STACK = 0x7ffffff00000;
const TABLE = 0x500000;

/** Memory of a task: what is not given is zero, and only pages of which something is given are there. */
function memoryOf(pieces: Readonly<Record<number, string>>): ReadPages {
  const pages = new Map<number, Uint8Array>();
  for (const [start, hex] of Object.entries(pieces)) {
    Buffer.from(hex.replace(/ /g, ''), 'hex').forEach((byte, i) => {
      const addr = Number(start) + i;
      const page = addr - (addr % PAGE_SIZE);
      if (!pages.has(page)) pages.set(page, new Uint8Array(PAGE_SIZE));
      pages.get(page)![addr - page] = byte;
    });
  }
  const readMemory = (_tid: number, addr: number, into: Uint8Array): number => {
    const page = pages.get(addr);
    if (page === undefined) return 0;
    into.set(page);
    return PAGE_SIZE;
  };
  return new ReadPages({ readMemory } as unknown as Tracer, 1);
}

function registers(values: Readonly<Partial<Record<keyof typeof Reg, number>>>): Registers {
  const regs = new Registers(new Uint32Array(54));
  regs.set(Reg.rsp, STACK);
  for (const [name, value] of Object.entries(values)) regs.set(Reg[name as 'rax'], value);
  return regs;
}

/** A word as memory has it. */
const word = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes.toString('hex');
};

const operands = (pieces: Readonly<Record<number, string>>, regs: Registers): number[] => [
  ...lookAhead(memoryOf(pieces), CODE, regs),
];

test('memory that registers will point to only then', (t) => {
  // xor eax, eax; mov rax, [TABLE]; mov rdx, [rax]; add qword [rax + rdx*8], 1; xor edx, edx; jmp back
  const code = '31c0 488b042500005000 488b10 488304d001 31d2 ebea';
  const found = operands(
    { [CODE]: code, [TABLE]: word(0x600000), 0x600000: word(300) },
    registers({ rax: 7 }),
  );
  t.deepEqual(found, [TABLE, 0x600000, 0x600000 + 300 * 8]);
});

test('functions that are called, and what comes behind them', (t) => {
  // call CODE + 0x20; mov rcx, [rax]; ret
  // push rbx; mov rbx, [rdi + 8]; mov rax, [rbx + 16]; pop rbx; ret
  const found = operands(
    {
      [CODE]: 'e81b000000 488b08 c3',
      [CODE + 0x20]: '53 488b5f08 488b4310 5b c3',
      [TABLE + 8]: word(0x600000),
      0x600010: word(0x700000),
    },
    registers({ rdi: TABLE, rbx: 1 }),
  );
  t.deepEqual(found, [TABLE + 8, 0x600010, 0x700000]);
});

test('an interpreter and its table of instructions', (t) => {
  // movzx eax, byte [rsi]; jmp [rdi + rax*8]
  // mov edx, [rsi + 1]; lea rcx, [rdx + rdx]; mov r8, [rbp + rcx*4 - 8]
  const found = operands(
    {
      [CODE]: '0fb606 ff24c7',
      [CODE + 0x100]: '8b5601 488d0c12 4c8b448df8',
      [TABLE]: '02 05000000',
      0x600010: word(CODE + 0x100),
    },
    registers({ rsi: TABLE, rdi: 0x600000, rbp: 0x700000 }),
  );
  t.deepEqual(found, [TABLE, 0x600010, TABLE + 1, 0x700000 + 40 - 8]);
});

test('both ways of a branch, a loop first', (t) => {
  // dec ecx; jnz back; mov rax, [rdi]; test al, al; je +4; mov rdx, [rdi + 8]; mov rdx, [rdi + 16]; ret
  const found = operands(
    { [CODE]: 'ffc9 75fc 488b07 84c0 7404 488b5708 488b5710 c3' },
    registers({ rdi: TABLE, rcx: 5 }),
  );
  t.deepEqual(found, [TABLE, TABLE + 8, TABLE + 16]);
});

test('what is not known names nothing', (t) => {
  // cpuid ends a way; rdx of a division is not known.
  t.deepEqual(operands({ [CODE]: '0fa2 488b07' }, registers({ rdi: TABLE })), []);
  t.deepEqual(operands({ [CODE]: '48f7f1 488b02 c3' }, registers({ rdx: TABLE })), []);
});
