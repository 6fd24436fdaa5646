const PLAIN = /^[\w@%+=:,./-]+$/;

/**
 * Text from a log made safe for a terminal: logs come from anywhere, and control characters could move the cursor or
 * worse. Bidirectional controls go as well, which could show another text than there is.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (control) => {
    const code = control.charCodeAt(0);
    return code > 0xff
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** A command line that a shell would read as these words. */
export function shellQuote(words: readonly string[]): string {
  return words
    .map((word) => (PLAIN.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
