/** Arguments whose memory the table tells, though their shape depends on other arguments. */
import { specialRegions, type Peek, type Region } from '@scribe-ts/tracelog';
import type { ArgPrinter, Call } from './call.js';
import { regionStruct } from './ioctl.js';
import { addressArg, stringArg, structPrinter } from './pointers.js';
import { quoteUpTo } from './text.js';

/** What the table says of an argument that leads to memory: its first region, printed as its structure or as text. */
export function regionArg(decoder: string): ArgPrinter {
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    const region = firstRegion(call, decoder, i, addr);
    const type = region === undefined ? undefined : regionStruct(region);
    if (region !== undefined && type !== undefined) {
      return structPrinter(type, region.dir, () => region.size, undefined)(call, i);
    }
    // Strings have no length that could be told without their bytes.
    if (region === undefined || region.dir === 'in') return stringArg(call, i);
    const stored = call.output(addr);
    return stored === undefined
      ? addressArg(call, i)
      : quoteUpTo(stored, stored.length, call.limits.output);
  };
}

function firstRegion(call: Call, decoder: string, index: number, addr: number): Region | undefined {
  const { nr, args, result } = call.frame;
  // Some shapes are told by the beginning of the structure, others by another argument's.
  const peek: Peek = (from, length) => {
    let bytes = call.output(from);
    if (bytes === undefined) {
      for (let i = 0; i < args.length && bytes === undefined; i++) {
        if (args[i] === from) bytes = call.input(i)?.bytes;
      }
    }
    return bytes === undefined || bytes.length < length ? undefined : bytes.subarray(0, length);
  };
  return specialRegions(decoder, nr, args, index, peek, result).find(
    (region) => region.addr === addr && region.unknown !== true,
  );
}
