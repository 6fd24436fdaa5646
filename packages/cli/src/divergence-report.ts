import type { Frame, Word } from '@scribe-ts/tracelog';
import type { Divergence } from '@scribe-ts/replayer';
import { count, type Output } from './output.js';

/** Registers in a line. */
const REGISTERS_PER_LINE = 3;

export interface Formatter {
  /** Turns the frames of one task, oldest first, into lines in Scribe's form. */
  frames(frames: readonly Frame[]): readonly string[];
  /** Prints a call from its number and raw arguments. */
  call(nr: number, args: readonly Word[]): string;
}

/** What a replay that diverged says, many lines with a newline at the end. */
export function divergenceReport(
  divergence: Divergence,
  output: Output,
  format: Formatter,
): string {
  const { task, pid, tid, expected, actual, history, registers, backtrace, core, notes } =
    divergence;
  const heading = (text: string): string => output.paint('heading', text);
  const lines = [
    `${output.command}: ${output.paint('error', 'diverged from the log')} (${divergence.kind}) ` +
      `in task ${task}, pid ${pid}, tid ${tid}: ${divergence.message}`,
    `${heading('expected:')} ${expected === undefined ? 'nothing more' : describe(expected, format)}`,
    `${heading('actual:')}   ${describeActual(actual, format)}`,
  ];
  for (const { task, state, frames } of history) {
    lines.push(heading(`last ${count(frames.length, 'event')} of task ${task} (${state}):`));
    for (const line of format.frames(frames)) lines.push(`  ${line}`);
  }
  const cells = registerLines(registers);
  if (cells.length > 0) lines.push(heading('registers:'), ...cells);
  if (backtrace.length > 0) lines.push(heading('backtrace:'));
  backtrace.forEach(({ address, object, symbol }, depth) => {
    const where = object === '' ? '' : ` in ${object}`;
    lines.push(`  #${depth} ${address} ${symbol === '' ? '?' : symbol}${where}`);
  });
  lines.push(
    `${heading('core:')} ${core === '' ? 'none could be written' : core}`,
    ...notes.map((note) => `${heading('note:')} ${note}`),
    output.paint('dim', 'the program was stopped there; docs/ERRORS.md says what may be the cause'),
  );
  return `${lines.join('\n')}\n`;
}

function describe(frame: Frame, format: Formatter): string {
  const lines = format.frames([frame]);
  return lines.length === 0 ? frame.type : lines.map((line) => line.trim()).join(' · ');
}

function describeActual(actual: Divergence['actual'], format: Formatter): string {
  const parts = [actual.event];
  if (actual.nr !== undefined) parts.push(format.call(actual.nr, actual.args ?? []));
  if (actual.signo !== undefined) parts.push(`signal ${actual.signo}`);
  if (actual.rip !== '') parts.push(`rip ${actual.rip}`);
  return parts.join(', ');
}

function registerLines(registers: Readonly<Record<string, string>>): readonly string[] {
  const entries = Object.entries(registers);
  const nameWidth = Math.max(0, ...entries.map(([name]) => name.length));
  const valueWidth = Math.max(0, ...entries.map(([, value]) => value.length));
  const lines: string[] = [];
  for (let i = 0; i < entries.length; i += REGISTERS_PER_LINE) {
    const cells = entries
      .slice(i, i + REGISTERS_PER_LINE)
      .map(([name, value]) => `${name.padEnd(nameWidth)} ${value.padEnd(valueWidth)}`);
    lines.push(`  ${cells.join('  ').trimEnd()}`);
  }
  return lines;
}
