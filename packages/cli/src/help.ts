import { COMMON_OPTIONS, type CommandSpec } from './argv.js';
import type { Output } from './output.js';

/** The text of `--help`, its options under their headings. `more` is put below them. */
export function helpText(spec: CommandSpec, output: Output, more = ''): string {
  const options = [...spec.options, ...COMMON_OPTIONS];
  const width = Math.max(...options.map((option) => option.flags.length));
  const lines = [
    spec.summary,
    '',
    `${output.paint('heading', 'Usage:')} ${output.command} [options] ${spec.usage}`,
  ];
  for (const group of new Set(options.map((option) => option.group))) {
    lines.push('', output.paint('heading', `${group}:`));
    for (const option of options) {
      if (option.group !== group) continue;
      // Long names stand below each other, with or without a short one before them.
      const flags = option.flags.startsWith('--') ? `    ${option.flags}` : option.flags;
      lines.push(`  ${flags.padEnd(width + 4)}  ${option.description}`);
    }
  }
  if (more !== '') lines.push('', more);
  if (spec.examples !== undefined) {
    lines.push('', output.paint('heading', 'Examples:'));
    for (const example of spec.examples) lines.push(`  ${example}`);
  }
  return lines.join('\n');
}
