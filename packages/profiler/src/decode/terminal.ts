/** The flags of a struct termios. */
import { field, flags } from './flags.js';
import * as names from './names/terminal.js';

export const inputFlags = flags(names.INPUT_FLAGS, '');
export const outputFlags = flags(
  names.OUTPUT_FLAGS,
  '',
  field(0x100, names.NEWLINE_DELAY),
  field(0x600, names.RETURN_DELAY),
  field(0x1800, names.TAB_DELAY),
  field(0x2000, names.BACKSPACE_DELAY),
  field(0x4000, names.VERTICAL_DELAY),
  field(0x8000, names.FORM_FEED_DELAY),
);
export const controlFlags = flags(
  names.CONTROL_FLAGS,
  '',
  field(0x100f, names.BAUD_RATE),
  field(0x30, names.CHARACTER_SIZE),
);
export const localFlags = flags(names.LOCAL_FLAGS, '');
