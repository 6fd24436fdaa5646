/** JSON that can hold what frames hold: bytes, bigints, and numbers that JSON does not know. */

const SPECIAL = ['Infinity', '-Infinity', '-0'];

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return { $bigint: String(part) };
    if (part instanceof Uint8Array) return { $bytes: Buffer.from(part).toString('hex') };
    if (Object.is(part, -0)) return { $number: '-0' };
    if (part === Infinity || part === -Infinity) return { $number: String(part) };
    return part;
  });
}

export function fromJson(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null) return part;
    if ('$bigint' in part) return BigInt(part.$bigint as string);
    if ('$bytes' in part) return Uint8Array.from(Buffer.from(part.$bytes as string, 'hex'));
    if ('$number' in part) {
      if (!SPECIAL.includes(part.$number as string)) throw new Error(`${part.$number}`);
      return Number(part.$number);
    }
    return part;
  });
}
