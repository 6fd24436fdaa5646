import { QueryError } from './errors.js';

/** Something to look for in bytes. */
export interface TextPattern {
  /** Whether it is among these bytes. */
  isIn(bytes: Uint8Array): boolean;
}

/**
 * Text, or `/pattern/` with `i` behind it for either case. A pattern sees each byte as one character (of Latin-1).
 * Throws QueryError.
 */
export function parseTextPattern(source: string): TextPattern {
  if (source === '') throw new QueryError('there is no text to look for');
  const pattern = /^\/(.+)\/(i?)$/s.exec(source);
  if (pattern === null) {
    const wanted = Buffer.from(source);
    return {
      isIn: (bytes) => bytes.length >= wanted.length && view(bytes).includes(wanted),
    };
  }
  const [, body = '', flags] = pattern;
  let expression: RegExp;
  try {
    expression = new RegExp(body, `s${flags}`);
  } catch (error) {
    throw new QueryError(`${source} is no pattern: ${(error as Error).message}`);
  }
  return { isIn: (bytes) => expression.test(view(bytes).toString('latin1')) };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
