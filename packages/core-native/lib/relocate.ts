import { Flow, type Instruction } from './x86.js';

/** Turns ModRM.reg 2 (call) into 4 (jmp). */
const CALL_BITS = 0x30;

/** The bytes that do at `to` what the instruction at `from` does there; undefined if there are none. */
export type Relocated = Uint8Array | undefined;

/**
 * Moves an instruction. Relative jumps and calls go where they went, through absolute jumps, so that they reach any
 * distance; a call pushes the return address that it had at its old place. Undefined for what must run at its own place
 * (Flow.System), and where a rip-relative operand is out of reach.
 */
export function relocate(
  code: Uint8Array,
  at: number,
  instruction: Instruction,
  from: number,
  to: number,
): Relocated {
  const { length, flow, ripDisplacementAt } = instruction;
  const next = from + length;
  const target = next + instruction.relative;
  switch (flow) {
    case Flow.System:
      return undefined;
    case Flow.Jump:
      return jumpTo(target);
    case Flow.Call:
      return join(push(next), jumpTo(target));
    case Flow.Conditional: {
      // The opposite condition skips the jump.
      const last = code[at + instruction.opcodeAt]!;
      return join(Uint8Array.of(0x70 | ((last & 0xf) ^ 1), JUMP_SIZE), jumpTo(target));
    }
    case Flow.Loop: {
      const own = code.slice(at, at + length);
      own[length - 1] = 2;
      return join(own, Uint8Array.of(0xeb, JUMP_SIZE), jumpTo(target));
    }
    case Flow.IndirectCall: {
      const modrm = code[at + instruction.modrmAt]!;
      // The push moves rsp, and with it what the operand names.
      const usesStack = (modrm & 7) === 4 && instruction.memory?.base === 4;
      if (usesStack || modrm === 0xd4) return undefined;
      const jump = code.slice(at, at + length);
      jump[instruction.modrmAt] = modrm ^ CALL_BITS;
      const pushed = push(next);
      const moved = moveDisplacement(jump, ripDisplacementAt, next, to + pushed.length + length);
      return moved === undefined ? undefined : join(pushed, moved);
    }
    case Flow.Next:
    case Flow.Return:
    case Flow.IndirectJump:
      return moveDisplacement(code.slice(at, at + length), ripDisplacementAt, next, to + length);
  }
}

/** `jmp` to any address: 14 bytes, the last eight of which are the address. */
export function jumpTo(target: number): Uint8Array {
  const bytes = new Uint8Array(JUMP_SIZE);
  bytes.set([0xff, 0x25, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setBigUint64(6, BigInt(target), true);
  return bytes;
}
const JUMP_SIZE = 14;

/** Pushes an address without a register: the low half sign-extended, then the high half put in place. */
function push(address: number): Uint8Array {
  const bytes = new Uint8Array(13);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x68;
  view.setInt32(1, address | 0, true);
  bytes.set([0xc7, 0x44, 0x24, 0x04], 5);
  view.setInt32(9, Math.floor(address / 0x100000000), true);
  return bytes;
}

function moveDisplacement(
  bytes: Uint8Array,
  at: number,
  oldEnd: number,
  newEnd: number,
): Relocated {
  if (at < 0) return bytes;
  const view = new DataView(bytes.buffer);
  const displacement = view.getInt32(at, true) + oldEnd - newEnd;
  if (displacement !== (displacement | 0)) return undefined;
  view.setInt32(at, displacement, true);
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
