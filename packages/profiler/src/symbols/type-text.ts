/** Types of C++ on their way to text. */

/** A type around a name: `int (` and `)(char)`. Most have nothing on the right. */
export interface TypeText {
  readonly left: string;
  readonly right: string;
}

/** A template argument: a type or value, or a pack of some. */
export type Argument = TypeText | readonly TypeText[];

export function plain(text: string): TypeText {
  return { left: text, right: '' };
}

export function isPack(argument: Argument): argument is readonly TypeText[] {
  return Array.isArray(argument);
}

/** Functions and arrays that nothing points to have no parentheses of their own. */
export function join({ left, right }: TypeText): string {
  if (left.endsWith('(') && right.startsWith(')')) {
    const rest = right.slice(1);
    return left.slice(0, -1).replace(/ $/, rest.startsWith('(') ? ' ' : '') + rest;
  }
  return left + right;
}

export function reference({ left, right }: TypeText, letter: 'P' | 'R' | 'O'): TypeText {
  // A reference to a reference is one, && only to &&.
  if (letter !== 'P' && left.endsWith('&'))
    return letter === 'R' && left.endsWith('&&')
      ? { left: left.slice(0, -1), right }
      : { left, right };
  return { left: left + (letter === 'P' ? '*' : letter === 'R' ? '&' : '&&'), right };
}

export function withArguments(name: string, args: readonly Argument[]): string {
  const texts = args.flatMap((argument) => (isPack(argument) ? argument : [argument])).map(join);
  const list = texts.join(', ');
  const last = args.at(-1);
  const endsOpen = last !== undefined && isPack(last) && last.length === 0;
  return `${name}${name.endsWith('<') ? ' ' : ''}<${list}${list.endsWith('>') && !endsOpen ? ' ' : ''}>`;
}
