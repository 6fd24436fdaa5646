/** Bytes as a quoted string, with escapes as in C. */

const PLAIN = new Uint8Array(256);
/** What a byte becomes; other than plain bytes, where a digit does not follow. */
const ESCAPED: string[] = [];
for (let byte = 0; byte < 256; byte++) {
  const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  PLAIN[byte] = plain ? 1 : 0;
  ESCAPED.push(plain ? String.fromCharCode(byte) : '\\' + byte.toString(8));
}
ESCAPED[0x09] = '\\t';
ESCAPED[0x0a] = '\\n';
ESCAPED[0x0b] = '\\v';
ESCAPED[0x0c] = '\\f';
ESCAPED[0x0d] = '\\r';
ESCAPED[0x22] = '\\"';
ESCAPED[0x5c] = '\\\\';

/** Runs shorter than this are cheaper to add one by one than to slice. */
const SHORT_RUN = 12;

function isOctalDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x37;
}

/** `"…"` for the bytes from `start` to before `end`. */
export function quote(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = '"';
  let i = start;
  while (i < end) {
    let runEnd = i;
    while (runEnd < end && PLAIN[buffer[runEnd]!] === 1) runEnd++;
    if (runEnd - i >= SHORT_RUN) text += buffer.toString('latin1', i, runEnd);
    else for (let k = i; k < runEnd; k++) text += ESCAPED[buffer[k]!]!;
    i = runEnd;
    if (i === end) break;
    const byte = buffer[i]!;
    const escaped = ESCAPED[byte]!;
    // An octal digit after a short escape would be read as part of it.
    if (
      escaped.length < 4 &&
      isOctalDigit(escaped.charCodeAt(1)) &&
      i + 1 < end &&
      isOctalDigit(buffer[i + 1])
    ) {
      text += '\\' + byte.toString(8).padStart(3, '0');
    } else {
      text += escaped;
    }
    i++;
  }
  return text + '"';
}

/**
 * The first `limit` bytes, quoted, with `...` where there are more. `size` is the length of the whole, of which `bytes`
 * may hold only the beginning.
 */
export function quoteUpTo(bytes: Uint8Array, size: number, limit: number): string {
  const end = Math.min(bytes.length, limit, Math.max(size, 0));
  const text = quote(bytes, 0, end);
  return end < size ? text + '...' : text;
}

/** Bytes up to a NUL, quoted. `size` as above, without the NUL. */
export function quoteString(bytes: Uint8Array, size: number): string {
  const nul = bytes.indexOf(0);
  if (nul >= 0) return quote(bytes, 0, nul);
  return bytes.length < size ? quote(bytes) + '...' : quote(bytes);
}

/** A NUL-terminated string in the `size` bytes at `at`. */
export function quoteField(bytes: Uint8Array, at: number, size: number): string {
  const nul = bytes.indexOf(0, at);
  const end = Math.min(at + size, bytes.length);
  return quote(bytes, at, nul >= 0 && nul < end ? nul : end);
}
