import test from 'ava';
import { decode } from '../lib/x86.js';
import { jumpTo, relocate } from '../lib/relocate.js';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex'));
const FROM = 0x555555554000;
const TO = 0x555522220000;

function moved(text: string, from = FROM, to = TO): string | undefined {
  const code = hex(text);
  const bytes = relocate(code, 0, decode(code)!, from, to);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

const far = (target: number): string => Buffer.from(jumpTo(target)).toString('hex');

test('jumpTo: jmp through the word behind it', (t) => {
  t.is(far(0x7fff12345678), 'ff250000000078563412ff7f0000');
});

test('relocate: instructions that do not depend on their place stay as they are', (t) => {
  for (const text of [
    '90',
    '4883c001',
    'c3',
    '8b45fc',
    'ffe0',
    'ff2424',
    'f348a5',
    '62f17c48284701',
  ])
    t.is(moved(text), text);
});

test('relocate: rip-relative operands name the same address', (t) => {
  // mov eax,[rip+0x10] with the displacement grown by the distance.
  const bytes = hex(moved('8b 05 10 00 00 00')!);
  const displacement = new DataView(bytes.buffer).getInt32(2, true);
  t.is(TO + 6 + displacement, FROM + 6 + 0x10);
  t.is(moved('8b 05 10 00 00 00', FROM, 0x7fff00000000), undefined);
});

test('relocate: jumps go where they went', (t) => {
  t.is(moved('eb 10'), far(FROM + 0x12));
  t.is(moved('e9 00 01 00 00'), far(FROM + 0x105));
  t.is(moved('75 f0'), `740e${far(FROM - 14)}`);
  t.is(moved('0f 84 00 01 00 00'), `750e${far(FROM + 0x106)}`);
  t.is(moved('e2 f0'), `e202eb0e${far(FROM - 14)}`);
  t.is(moved('67 e3 10'), `67e302eb0e${far(FROM + 0x13)}`);
});

test('relocate: calls push the return address of their old place', (t) => {
  const pushed = '6805405555c744240455550000';
  t.is(moved('e8 00 01 00 00'), `${pushed}${far(FROM + 0x105)}`);
  t.is(moved('ff d0'), `68${'02405555'}c744240455550000ffe0`);
  t.is(moved('ff 50 08'), `68${'03405555'}c744240455550000ff6008`);
  // Its operand is on the stack that the push moves.
  t.is(moved('ff 54 24 08'), undefined);
});

test('relocate: what must run at its own place is not moved', (t) => {
  for (const text of [
    '0f 05',
    'cc',
    'cd 80',
    '0f 31',
    '0f a2',
    'f4',
    '0f 0b',
    'c7 f8 00 00 00 00',
    '9c',
  ])
    t.is(moved(text), undefined, text);
});
