/** Reads the smallest parts of a C++ name, one after the other. */

/** A kind of name that is not known here. */
export class Unknown extends Error {}

/** A name and how far it has been read. Everything throws Unknown for what it does not find. */
export class NameReader {
  /** Behind `_Z`. */
  protected at = 2;

  constructor(protected readonly text: string) {}

  protected peek(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  protected take(text: string): boolean {
    if (!this.peek(text)) return false;
    this.at += text.length;
    return true;
  }

  protected expect(text: string): void {
    if (!this.take(text)) throw new Unknown();
  }

  protected next(): string {
    const letter = this.text[this.at];
    if (letter === undefined) throw new Unknown();
    return letter;
  }

  protected number(): number {
    const digits = /\d+/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text);
    if (found === null) throw new Unknown();
    this.at += found[0].length;
    return Number(found[0]);
  }

  protected discriminator(): void {
    const found = /_(?:\d|_\d+_)/y;
    found.lastIndex = this.at;
    const text = found.exec(this.text);
    if (text !== null) this.at += text[0].length;
  }

  protected source(): string {
    const length = this.number();
    const name = this.text.slice(this.at, this.at + length);
    if (name.length !== length) throw new Unknown();
    this.at += length;
    return name.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : name;
  }

  protected tagged(name: string): string {
    let text = name;
    while (this.take('B')) text += `[abi:${this.source()}]`;
    return text;
  }

  /** `_` is 1, `0_` is 2 … */
  protected ordinal(): number {
    if (this.take('_')) return 1;
    const number = this.number() + 2;
    this.expect('_');
    return number;
  }

  /** `_` is 0, `0_` is 1, in base 36. */
  protected sequence(): number {
    const digits = /[0-9A-Z]*_/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text);
    if (found === null) throw new Unknown();
    this.at += found[0].length;
    const text = found[0].slice(0, -1);
    return text === '' ? 0 : Number.parseInt(text, 36) + 1;
  }
}
