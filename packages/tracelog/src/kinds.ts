/** The kinds of values that fields have, each with its encoding. */
import type { ByteSink, ByteSource } from './bytes.js';
import { MalformedError } from './errors.js';
import type { Backing, Mapping, MemoryWrite, Word } from './schema/frames.js';

/** How values of one kind are stored. `doc` is the encoding as FORMAT.md tells it. */
export interface Kind<V> {
  readonly name: string;
  readonly doc: string;
  encode(sink: ByteSink, value: V): void;
  decode(source: ByteSource): V;
}

const NONE: readonly never[] = Object.freeze([]) as readonly never[];

export const uint: Kind<number> = {
  name: 'uint',
  doc: 'Unsigned integer below 2^64 in 1 to 9 bytes: as many one bits as bytes follow the first, a zero bit (none after eight ones), and the value, high bits first. So 0 to 127 take one byte, up to 2^14 - 1 two, and so on by 7 bits a byte; 8 bytes hold 56 bits, 9 bytes 64.',
  encode: (sink, value) => sink.uint(value),
  decode: (source) => source.uint(),
};

export const int: Kind<number> = {
  name: 'int',
  doc: 'Signed integer n between -2^53 and 2^53 (both excluded), as the uint 2n (n >= 0) or -2n - 1 (n < 0).',
  encode: (sink, value) => sink.int(value),
  decode: (source) => source.int(),
};

export const word: Kind<Word> = {
  name: 'word',
  doc: 'As int, for all of -2^63 to 2^63 - 1.',
  encode: (sink, value) => sink.word(value),
  decode: (source) => source.word(),
};

/** Twice as much must be a safe integer. */
const MAX_SPAN = 2 ** 52 - 1;

/** Only for the last field of a frame: what is not there takes no room. */
export const span: Kind<number | undefined> = {
  name: 'span',
  doc: 'Nothing if there is none, as the last field of a frame only; else uint: twice as many microseconds, or where those are not whole, twice as many nanoseconds plus 1.',
  encode(sink, value) {
    if (value === undefined) return;
    if (!(value >= 0 && value <= MAX_SPAN)) throw new RangeError(`not a span of time: ${value}`);
    if (value % 1 !== 0) throw new RangeError(`not an integer: ${value}`);
    sink.uint(value % 1000 === 0 ? value / 500 : value * 2 + 1);
  },
  decode(source) {
    if (source.pos >= source.end) return undefined;
    const tagged = source.uint();
    return tagged % 2 === 0 ? tagged * 500 : (tagged - 1) / 2;
  },
};

export const bool: Kind<boolean> = {
  name: 'bool',
  doc: 'One byte, 0 or 1.',
  encode: (sink, value) => sink.byte(value ? 1 : 0),
  decode(source) {
    const value = source.byte();
    if (value > 1) throw new MalformedError(`a truth value is ${value}`);
    return value === 1;
  },
};

export const bytes: Kind<Uint8Array> = {
  name: 'bytes',
  doc: 'uint length, then that many bytes.',
  encode: (sink, value) => sink.bytes(value),
  decode: (source) => source.bytes(),
};

/** Only for the last field of a frame. */
export const rest: Kind<Uint8Array> = {
  name: 'rest',
  doc: 'All bytes up to the end of the frame.',
  encode(sink, value) {
    sink.ensure(value.length);
    sink.raw(value, value.length);
  },
  decode: (source) => source.rest(),
};

export const string: Kind<string> = {
  name: 'string',
  doc: 'uint tag, then tag >> 1 bytes: UTF-8 if the tag is even; UTF-16, little-endian, if it is odd (only for strings with unpaired surrogates).',
  encode: (sink, value) => sink.string(value),
  decode: (source) => source.string(),
};

const HEX = /^(?:[0-9a-f]{2})+$/;

export const hash: Kind<string> = {
  name: 'hash',
  doc: 'uint tag; if it is even, tag >> 1 bytes whose lower-case hexadecimal digits are the value; if it is 1, the value as a string follows.',
  encode(sink, value) {
    if (value !== '' && !HEX.test(value)) {
      sink.uint(1);
      sink.string(value);
      return;
    }
    const length = value.length / 2;
    sink.uint(length * 2);
    sink.ensure(length);
    for (let i = 0; i < length; i++) {
      sink.buf[sink.pos++] = Number.parseInt(value.slice(2 * i, 2 * i + 2), 16);
    }
  },
  decode(source) {
    const tag = source.uint();
    if (tag === 1) return source.string();
    if (tag % 2 === 1) throw new MalformedError('a hash has an unknown form');
    if (tag / 2 > source.end - source.pos) throw new MalformedError('a hash goes past the end');
    const start = source.pos;
    source.pos += tag / 2;
    return Buffer.from(source.buf.buffer, source.buf.byteOffset + start, tag / 2).toString('hex');
  },
};

function list<V>(of: Kind<V>, name: string): Kind<readonly V[]> {
  return {
    name,
    doc: `uint count, then that many ${of.name}.`,
    encode(sink, values) {
      sink.uint(values.length);
      for (let i = 0; i < values.length; i++) of.encode(sink, values[i] as V);
    },
    decode(source) {
      const count = source.count();
      if (count === 0) return NONE;
      const values: V[] = [];
      for (let i = 0; i < count; i++) values.push(of.decode(source));
      return values;
    },
  };
}

export const words = list(word, 'words');
export const uints = list(uint, 'uints');
export const strings = list(string, 'strings');

/** For fields that a later version has added at the end: `absent` is the value where they are not there. */
function later<V>(of: Kind<V>, absent: V, absentDoc: string): Kind<V> {
  return {
    name: `later ${of.name}`,
    doc: `As \`${of.name}\`, or nothing where the frame ends, which ${absentDoc}.`,
    encode: (sink, value) => of.encode(sink, value),
    decode: (source) => (source.pos >= source.end ? absent : of.decode(source)),
  };
}

export const laterUint = later(uint, 0, 'is 0');
export const laterUints = later<readonly number[]>(uints, NONE, 'are none');

const memoryWrite: Kind<MemoryWrite> = {
  name: 'write',
  doc: 'uint address, then bytes.',
  encode(sink, value) {
    sink.uint(value.addr);
    sink.bytes(value.bytes);
  },
  decode: (source) => ({ addr: source.uint(), bytes: source.bytes() }),
};

export const writes = list(memoryWrite, 'writes');

/** Exactly four values. */
export const ints4: Kind<readonly [number, number, number, number]> = {
  name: 'ints4',
  doc: 'Four int.',
  encode(sink, values) {
    for (let i = 0; i < 4; i++) sink.int(values[i] as number);
  },
  decode: (source) => [source.int(), source.int(), source.int(), source.int()],
};

/** One of `values`, stored as its index. Values are only ever added at the end. */
export function oneOf<V extends string>(...values: readonly V[]): Kind<V> {
  return {
    name: 'enum',
    doc: values.map((value, index) => `${index} \`${value}\``).join(', '),
    encode(sink, value) {
      const index = values.indexOf(value);
      if (index < 0) throw new RangeError(`not one of ${values.join(', ')}: ${value}`);
      sink.byte(index);
    },
    decode(source) {
      const index = source.byte();
      const value = values[index];
      if (value === undefined) throw new MalformedError(`an enum has no value ${index}`);
      return value;
    },
  };
}

/** The same for a field that a later version has added at the end: the first value where it is not there. */
export function laterOneOf<V extends string>(first: V, ...others: readonly V[]): Kind<V> {
  const of = oneOf(first, ...others);
  return { ...later(of, first, ''), name: 'later enum', doc: of.doc };
}

const backingKind = oneOf('anonymous', 'file', 'shared');

const backing: Kind<Backing> = {
  name: 'backing',
  doc: 'enum (0 `anonymous`, 1 `file`, 2 `shared`); for `file`: hash, uint offset, string path; for `shared`: uint object, uint offset, uint size, hash, string path.',
  encode(sink, value) {
    backingKind.encode(sink, value.kind);
    if (value.kind === 'file') {
      hash.encode(sink, value.hash);
      sink.uint(value.offset);
      sink.string(value.path);
    } else if (value.kind === 'shared') {
      sink.uint(value.object);
      sink.uint(value.offset);
      sink.uint(value.size);
      hash.encode(sink, value.hash);
      sink.string(value.path);
    }
  },
  decode(source) {
    const kind = backingKind.decode(source);
    switch (kind) {
      case 'anonymous':
        return { kind };
      case 'file':
        return {
          kind,
          hash: hash.decode(source),
          offset: source.uint(),
          path: source.string(),
        };
      case 'shared':
        return {
          kind,
          object: source.uint(),
          offset: source.uint(),
          size: source.uint(),
          hash: hash.decode(source),
          path: source.string(),
        };
    }
  },
};

export const mapping: Kind<Mapping> = {
  name: 'mapping',
  doc: 'uint start, uint end - start, int prot, int flags, backing.',
  encode(sink, value) {
    sink.uint(value.start);
    sink.uint(value.end - value.start);
    sink.int(value.prot);
    sink.int(value.flags);
    backing.encode(sink, value.backing);
  },
  decode(source) {
    const start = source.uint();
    return {
      start,
      end: start + source.uint(),
      prot: source.int(),
      flags: source.int(),
      backing: backing.decode(source),
    };
  },
};

export const mappings = list(mapping, 'mappings');

/** Numbers by name, `null` where there is none. */
export const counters: Kind<Readonly<Record<string, number | null>>> = {
  name: 'counters',
  doc: 'uint count, then for each: string name, one byte (0 null, 1 int, 2 double), and the int or the 8 bytes of the double, little-endian.',
  encode(sink, values) {
    const entries = Object.entries(values);
    sink.uint(entries.length);
    for (const [name, value] of entries) {
      sink.string(name);
      if (value === null) {
        sink.byte(0);
      } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        sink.byte(1);
        sink.int(value);
      } else {
        sink.byte(2);
        sink.double(value);
      }
    }
  },
  decode(source) {
    const entries: [string, number | null][] = [];
    for (let count = source.count(); count > 0; count--) {
      const name = source.string();
      const form = source.byte();
      if (form > 2) throw new MalformedError(`a counter has the unknown form ${form}`);
      entries.push([name, form === 0 ? null : form === 1 ? source.int() : source.double()]);
    }
    return Object.fromEntries(entries);
  },
};

/** Every kind that has a name of its own, for FORMAT.md. */
export const ALL_KINDS: readonly Pick<Kind<unknown>, 'name' | 'doc'>[] = [
  uint,
  int,
  word,
  span,
  bool,
  bytes,
  rest,
  string,
  hash,
  words,
  uints,
  laterUint,
  laterUints,
  strings,
  memoryWrite,
  writes,
  ints4,
  backing,
  mapping,
  mappings,
  counters,
];
