/** Names of C++ functions as people write them (Itanium C++ ABI, chapter 5), spelled as c++filt spells them. */
import { BUILTINS, LITERALS, OPERATORS, SPECIAL, STANDARD } from './cxx-words.js';
import {
  type Argument,
  isPack,
  join,
  plain,
  reference,
  type TypeText,
  withArguments,
} from './type-text.js';
import { NameReader, Unknown } from './name-reader.js';

interface NameText {
  readonly text: string;
  /** Template arguments that the name ends with: its function type begins with the result then. */
  readonly args: readonly Argument[] | undefined;
  /** Constructors, destructors and conversions have no result. */
  readonly hasResult: boolean;
  /** `const`, `&` behind the parameters. */
  readonly qualifiers: string;
}

/** The name as people write it; the name itself if it is none of C++, or of a kind that is not known here. */
export function demangle(name: string): string {
  if (!name.startsWith('_Z')) return name;
  try {
    return new Demangler(name).whole();
  } catch (error) {
    if (error instanceof Unknown || error instanceof RangeError) return name;
    throw error;
  }
}

class Demangler extends NameReader {
  private readonly substitutions: (TypeText | undefined)[] = [];
  private templateArgs: readonly Argument[] = [];
  /** Which element of a pack is meant, inside an expansion. */
  private packIndex = -1;
  private packSize = -1;
  private depth = 0;
  /** Compilers do not agree on how what comes after a lambda's parameters is numbered. */
  private lastSure = Infinity;
  /** How often a template parameter was read, and substitutions that depend on one. */
  private parameterUses = 0;
  private readonly dependent = new Set<number>();

  whole(): string {
    const found = this.encoding();
    if (this.at === this.text.length) return found;
    const clone = /^(?:\.[a-z_]+(?:\.\d+)*|\.\d+)+$/.exec(this.text.slice(this.at));
    if (clone === null) throw new Unknown();
    const parts = clone[0].match(/\.[a-z_]+(?:\.\d+)*|\.\d+/g)!;
    return found + parts.map((part) => ` [clone ${part}]`).join('');
  }

  /** `scope`: what is local to it is named; a result is not printed then. */
  private encoding(place: 'whole' | 'scope' = 'whole'): string {
    if (++this.depth > 64) throw new Unknown();
    for (const [code, words] of Object.entries(SPECIAL)) {
      if (this.take(code)) return words + join(this.type());
    }
    if (this.take('GV')) return `guard variable for ${this.name().text}`;
    if (this.peek('T') || this.peek('G')) throw new Unknown();
    const name = this.name();
    if (this.at >= this.text.length || this.peek('E') || this.peek('.')) return name.text;
    const outer = this.templateArgs;
    if (name.args !== undefined) this.templateArgs = name.args;
    const result = name.args !== undefined && name.hasResult ? this.type() : undefined;
    const parameters = this.parameters();
    this.templateArgs = outer;
    const call = `${name.text}(${parameters})${name.qualifiers}`;
    if (result === undefined || place === 'scope') return call;
    return `${result.left}${/[*&(]$/.test(result.left) && result.right !== '' ? '' : ' '}${call}${result.right}`;
  }

  private parameters(): string {
    const types: string[] = [];
    while (this.at < this.text.length && !this.peek('E') && !this.peek('.')) {
      const type = this.typeOrPack();
      for (const one of type) types.push(join(one));
    }
    if (types.length === 1 && types[0] === 'void') return '';
    return types.join(', ');
  }

  /** A type, or all those that a pack expands to. */
  private typeOrPack(): readonly TypeText[] {
    if (!this.take('Dp')) return [this.type()];
    const start = this.at;
    const [index, size] = [this.packIndex, this.packSize];
    const types: TypeText[] = [];
    this.packSize = -1;
    this.packIndex = 0;
    const kept = this.substitutions.length;
    const first = this.type();
    const end = this.at;
    const count = this.packSize;
    if (count < 0) throw new Unknown();
    const after = this.substitutions.slice(kept);
    if (count > 0) types.push(first);
    for (let i = 1; i < count; i++) {
      this.at = start;
      this.packIndex = i;
      this.substitutions.length = kept;
      types.push(this.type());
    }
    this.at = end;
    this.substitutions.length = kept;
    // What they stand for is a pattern, which this cannot print.
    this.substitutions.push(...after.map(() => undefined), undefined);
    [this.packIndex, this.packSize] = [index, size];
    return types;
  }

  private name(): NameText {
    if (this.peek('N')) return this.nested();
    if (this.take('Z')) return this.local();
    let text: TypeText;
    let hasResult = true;
    if (this.peek('S') && !this.peek('St')) {
      text = this.substitution();
      if (!this.peek('I')) throw new Unknown();
    } else {
      const prefix = this.take('St') ? 'std::' : '';
      const part = this.unqualified('');
      ({ hasResult } = part);
      text = plain(prefix + part.text);
      if (this.peek('I')) this.substitutions.push(text);
    }
    const name = join(text);
    if (!this.peek('I')) return { text: name, args: undefined, hasResult, qualifiers: '' };
    const args = this.arguments();
    return { text: withArguments(name, args), args, hasResult, qualifiers: '' };
  }

  private nested(): NameText {
    this.expect('N');
    let qualifiers = '';
    for (;;) {
      if (this.take('K')) qualifiers += ' const';
      else if (this.take('V')) qualifiers += ' volatile';
      else break;
    }
    if (this.take('R')) qualifiers += ' &';
    else if (this.take('O')) qualifiers += ' &&';
    let text = '';
    let last = '';
    let args: readonly Argument[] | undefined;
    let hasResult = true;
    while (!this.take('E')) {
      if (this.peek('S') && text === '') {
        if (this.take('St')) {
          text = last = 'std';
          continue;
        }
        text = join(this.substitution());
        last = text.replace(/<.*$/s, '').replace(/^.*::/s, '');
        args = undefined;
        continue;
      }
      if (this.peek('T') && text === '') {
        text = join(this.templateParameter());
        last = text;
        this.substitutions.push(plain(text));
        continue;
      }
      if (this.peek('I')) {
        if (text === '') throw new Unknown();
        args = this.arguments();
        text = withArguments(text, args);
      } else {
        const part = this.unqualified(last);
        text = text === '' ? part.text : `${text}::${part.text}`;
        last = part.text;
        ({ hasResult } = part);
        args = undefined;
      }
      if (!this.peek('E')) this.substitutions.push(plain(text));
    }
    return { text, args, hasResult, qualifiers };
  }
  private local(): NameText {
    const outer = this.templateArgs;
    const scope = this.encoding('scope');
    // Outside they would stand for other arguments.
    for (const index of this.dependent) this.substitutions[index] = undefined;
    this.dependent.clear();
    this.expect('E');
    if (this.take('s')) {
      this.discriminator();
      return {
        text: `${scope}::string literal`,
        args: undefined,
        hasResult: false,
        qualifiers: '',
      };
    }
    if (this.peek('d')) throw new Unknown();
    const name = this.name();
    this.discriminator();
    this.templateArgs = outer;
    return { ...name, text: `${scope}::${name.text}` };
  }

  /** `enclosing`: the last part of the class's name, which its constructors have too. */
  private unqualified(enclosing: string): { readonly text: string; readonly hasResult: boolean } {
    this.take('L');
    const letter = this.next();
    if (letter >= '0' && letter <= '9')
      return { text: this.tagged(this.source()), hasResult: true };
    const two = this.text.slice(this.at, this.at + 2);
    if (/^C[1-5]$/.test(two) || /^D[0-5]$/.test(two)) {
      if (enclosing === '' || enclosing.startsWith('{')) throw new Unknown();
      this.at += 2;
      const plainName = enclosing.replace(/\[abi:.*$/, '');
      return { text: this.tagged(`${two[0] === 'D' ? '~' : ''}${plainName}`), hasResult: false };
    }
    if (two === 'Ul') return { text: this.lambda(), hasResult: true };
    if (two === 'Ut') {
      this.at += 2;
      return { text: `{unnamed type#${this.ordinal()}}`, hasResult: true };
    }
    const operator = OPERATORS[two];
    if (operator === undefined) throw new Unknown();
    this.at += 2;
    return { text: this.tagged(`operator${operator}`), hasResult: true };
  }

  private lambda(): string {
    this.expect('Ul');
    const parameters = this.parameters();
    this.expect('E');
    if (parameters !== '') this.lastSure = Math.min(this.lastSure, this.substitutions.length);
    return `{lambda(${parameters})#${this.ordinal()}}`;
  }

  private substitution(): TypeText {
    this.expect('S');
    const short = STANDARD[this.next()];
    if (short !== undefined) {
      this.at++;
      return plain(this.tagged(short));
    }
    const index = this.sequence();
    const found = this.substitutions[index];
    if (found === undefined || index >= this.lastSure) throw new Unknown();
    return found;
  }

  private templateParameter(): TypeText {
    this.expect('T');
    this.parameterUses++;
    let index = 0;
    if (!this.take('_')) {
      index = this.number() + 1;
      this.expect('_');
    }
    const found = this.templateArgs[index];
    if (found === undefined) throw new Unknown();
    if (!isPack(found)) return found;
    if (this.packIndex < 0) throw new Unknown();
    this.packSize = found.length;
    return found[this.packIndex] ?? plain('');
  }

  private arguments(): readonly Argument[] {
    this.expect('I');
    const args: Argument[] = [];
    while (!this.take('E')) args.push(this.argument());
    return args;
  }

  private argument(): Argument {
    if (this.take('J')) {
      const pack: TypeText[] = [];
      while (!this.take('E')) {
        const one = this.argument();
        if (isPack(one)) throw new Unknown();
        pack.push(one);
      }
      return pack;
    }
    if (this.take('L')) return plain(this.literal());
    if (this.peek('X')) throw new Unknown();
    const types = this.typeOrPack();
    return types.length === 1 ? types[0]! : types;
  }

  private literal(): string {
    if (this.take('_Z')) {
      const text = this.encoding();
      this.expect('E');
      return text;
    }
    const letter = this.next();
    const type = this.type();
    const digits = /n?\d+E/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text);
    if (found === null) throw new Unknown();
    this.at += found[0].length;
    const value = found[0].slice(0, -1).replace('n', '-');
    if (letter === 'b') return value === '0' ? 'false' : 'true';
    const suffix = LITERALS[letter];
    return suffix === undefined ? `(${join(type)})${value}` : value + suffix;
  }

  private type(): TypeText {
    const uses = this.parameterUses;
    const found = this.anyType();
    if (this.parameterUses !== uses) this.dependent.add(this.substitutions.length - 1);
    return found;
  }

  private anyType(): TypeText {
    if (++this.depth > 512) throw new Unknown();
    const letter = this.next();
    const builtin = BUILTINS[letter] ?? BUILTINS[this.text.slice(this.at, this.at + 2)];
    if (builtin !== undefined) {
      this.at += BUILTINS[letter] === undefined ? 2 : 1;
      return plain(builtin);
    }
    switch (letter) {
      case 'P':
      case 'R':
      case 'O':
        this.at++;
        return this.known(reference(this.type(), letter));
      case 'K':
      case 'V':
        return this.qualified();
      case 'F':
        return this.known(this.functionType());
      case 'A':
        return this.known(this.arrayType());
      case 'M':
        return this.known(this.memberPointer());
      case 'S': {
        if (this.peek('St')) return this.className();
        const found = this.substitution();
        if (!this.peek('I')) return found;
        const args = this.arguments();
        return this.known(plain(withArguments(join(found), args)));
      }
      case 'T': {
        const found = this.known(this.templateParameter());
        if (this.peek('I')) throw new Unknown();
        return found;
      }
      case 'N':
      case 'Z':
        return this.className();
      default:
        if (letter >= '0' && letter <= '9') return this.className();
        throw new Unknown();
    }
  }

  private known(type: TypeText): TypeText {
    this.substitutions.push(type);
    return type;
  }

  private className(): TypeText {
    const { text } = this.name();
    return this.known(plain(text));
  }

  private qualified(): TypeText {
    let words = '';
    for (;;) {
      if (this.take('V')) words = ` volatile${words}`;
      else if (this.take('K')) words = ` const${words}`;
      else break;
    }
    const { left, right } = this.type();
    if (right !== '' && !/[*&]$/.test(left)) throw new Unknown();
    return this.known({ left: left.endsWith(words) ? left : left + words, right });
  }

  private functionType(): TypeText {
    this.expect('F');
    if (this.take('Y')) throw new Unknown();
    const result = this.type();
    // A function that gives a pointer to another: its parentheses go inside those.
    if (result.right !== '') throw new Unknown();
    const parameters = this.parameters();
    if (this.peek('R') || this.peek('O')) throw new Unknown();
    this.expect('E');
    return { left: `${result.left} (`, right: `)(${parameters})${result.right}` };
  }

  private arrayType(): TypeText {
    this.expect('A');
    const size = this.peek('_') ? '' : String(this.number());
    this.expect('_');
    const { left, right } = this.type();
    // Arrays of arrays have one pair of parentheses, inside of both.
    if (right !== '') throw new Unknown();
    return { left: `${left} (`, right: `) [${size}]` };
  }

  private memberPointer(): TypeText {
    this.expect('M');
    const owner = join(this.type());
    const constant = this.peek('KF');
    if (constant) this.at++;
    const { left, right } = this.type();
    const space = left.endsWith('(') ? '' : ' ';
    return { left: `${left}${space}${owner}::*`, right: right + (constant ? ' const' : '') };
  }
}
