import { resolve } from 'node:path';
import type { Args, OptionSpec } from './argv.js';
import { UsageError } from './errors.js';

/** Where a program that goes live has its files. */
export const FILES_OPTION: Omit<OptionSpec, 'group' | 'description'> = {
  flags: '--files <disk|overlay dir>',
  wordBehind: 'overlay',
};

/** Directory of the overlay, absolute; undefined: files are as they are. Throws UsageError. */
export function overlayDirectory(args: Args): string | undefined {
  const value = args.value('files');
  if (value === undefined || value === 'disk') return undefined;
  const directory = value.startsWith('overlay ') ? value.slice('overlay '.length) : '';
  if (directory === '')
    throw new UsageError(`--files takes 'disk' or 'overlay DIR', not '${value.trim()}'`);
  return resolve(directory);
}
