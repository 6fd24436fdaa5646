/** Values of socket options. */
import type { ArgPrinter } from './call.js';
import { known } from './exception.js';
import { inet4, optionStruct } from './net.js';
import { addressArg, bufferArg } from './pointers.js';
import { quoteString } from './text.js';

const SOCKOPT_LEVEL = 1;
const SOCKOPT_NAME = 2;
const int = known('int');
const SO_BINDTODEVICE = 25;
const IP_ADDRESSES: ReadonlySet<number> = new Set([32, 35, 36]);
const INT_BYTES = 4;

/** A socket option's value: a structure, an int, or bytes. */
export function optionArg(dir: 'in' | 'out'): ArgPrinter {
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    const input = dir === 'in' ? call.input(i) : undefined;
    const bytes = dir === 'in' ? input?.bytes : call.output(addr);
    if (bytes === undefined) return addressArg(call, i);
    const level = call.uint(SOCKOPT_LEVEL);
    const name = call.uint(SOCKOPT_NAME);
    if (level === 1 && name === SO_BINDTODEVICE) return quoteString(bytes, bytes.length);
    const type = optionStruct(level, name) ?? (bytes.length === INT_BYTES ? int : undefined);
    if (type !== undefined && bytes.length >= type.size) {
      if (input !== undefined) call.decoded.push(input);
      if (level === 0 && IP_ADDRESSES.has(name)) return `inet_addr("${inet4(bytes, 0)}")`;
      const text = type.print(bytes, 0, type.size);
      return type.boxed ? `[${text}]` : text;
    }
    if (level === 0 && IP_ADDRESSES.has(name) && bytes.length >= 8) {
      if (input !== undefined) call.decoded.push(input);
      return `{imr_multiaddr=inet_addr("${inet4(bytes, 0)}"), imr_interface=inet_addr("${inet4(bytes, 4)}")}`;
    }
    return optionBytes[dir](call, i);
  };
}

const anyRow = { nr: -1, name: '', class: 'data', args: [], returns: 'int', groups: [] } as const;
const optionBytes: Readonly<Record<'in' | 'out', ArgPrinter>> = {
  in: bufferArg(anyRow, { kind: 'buffer', dir: 'in', size: { deref: 4, width: 4 } }),
  out: bufferArg(anyRow, { kind: 'buffer', dir: 'out', size: { deref: 4, width: 4 } }),
};
