import test from 'ava';
import { Pty } from '../src/live/model/pty.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test('an end of file waits in a pseudo-terminal until it is read', (t) => {
  const pty = new Pty();
  // ^D ends a line that has been begun, and only by itself the file.
  pty.written('master', bytes('word\x04'), 1);
  t.false(pty.settled().hasEnd);
  pty.written('master', bytes('\x04'), 3);
  t.true(pty.settled().hasEnd);
  pty.read('slave', bytes('word'), 2);
  t.true(pty.settled().hasEnd);
  pty.read('slave', bytes(''), 4);
  t.false(pty.settled().hasEnd);
  t.deepEqual(pty.settled().input.bytes.length, 0);
});

test('what is typed waits as it will be read, and is echoed', (t) => {
  const pty = new Pty();
  pty.written('master', bytes('one\rtw\x03'), 1);
  t.is(Buffer.from(pty.settled().input.bytes).toString(), '');
  pty.written('master', bytes('three\r'), 2);
  const { input, output } = pty.settled();
  t.is(Buffer.from(input.bytes).toString(), 'three\n');
  t.is(Buffer.from(output.bytes).toString(), '^Cthree\r\n');
});
