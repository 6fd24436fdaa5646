import test from 'ava';
import { type CommandSpec, parseArgv, seconds, wholeNumber } from '../src/argv.js';

const options: CommandSpec['options'] = [
  { flags: '-o, --output <file>', description: '', group: '' },
  { flags: '-p, --pid <pid>', description: '', group: '' },
  { flags: '-s, --shell', description: '', group: '' },
  { flags: '-q, --quiet', description: '', group: '' },
  { flags: '--state-hashes', description: '', group: '' },
];
const program: CommandSpec = {
  name: 'run',
  summary: '',
  usage: 'command [args…]',
  arguments: [1, Infinity],
  afterFirstWord: 'program',
  options,
};
const ours: CommandSpec = { ...program, afterFirstWord: 'ours' };

test('everything after the first bare word is the program’s', (t) => {
  const args = parseArgv(program, [
    '-s',
    'ls',
    '-la',
    '-o',
    'x',
    '--output=y',
    '--',
    '-q',
    '--help',
  ]);
  t.deepEqual(args.positionals, ['ls', '-la', '-o', 'x', '--output=y', '--', '-q', '--help']);
  t.true(args.flag('shell'));
  t.false(args.flag('quiet'));
  t.false(args.flag('help'));
  t.is(args.value('output'), undefined);
});

test('an option’s value is not the first bare word', (t) => {
  for (const argv of [
    ['-o', 'x', 'ls'],
    ['-ox', 'ls'],
    ['--output', 'x', 'ls'],
    ['--output=x', 'ls'],
    ['-so', 'x', 'ls'],
    ['-sox', 'ls'],
  ]) {
    const args = parseArgv(program, argv);
    t.is(args.value('output'), 'x', argv.join(' '));
    t.deepEqual(args.positionals, ['ls'], argv.join(' '));
  }
});

test('-- ends our options', (t) => {
  t.deepEqual(parseArgv(program, ['-s', '--', '-o', '--', 'x']).positionals, ['-o', '--', 'x']);
  t.deepEqual(parseArgv(ours, ['-q', '--', '-o']).positionals, ['-o']);
  t.deepEqual(parseArgv(ours, ['--']).positionals, []);
});

test('our options may follow our arguments', (t) => {
  const args = parseArgv(ours, ['a.log', '-q', '-o', 'out', 'b.log']);
  t.deepEqual(args.positionals, ['a.log', 'b.log']);
  t.true(args.flag('quiet'));
  t.is(args.value('output'), 'out');
});

test('values come through as they are', (t) => {
  for (const value of [
    '007',
    '1e3',
    '0x10',
    '',
    '-',
    '-x',
    '--',
    '=',
    '==',
    'a=b',
    'true',
    'ü',
    ' ',
  ]) {
    t.is(parseArgv(program, ['-o', value]).value('output'), value);
    t.is(parseArgv(program, [`--output=${value}`]).value('output'), value);
  }
  t.is(parseArgv(program, ['-o1']).value('output'), '1');
});

test('arguments come through as they are', (t) => {
  const words = ['007', '', '-', 'true', '__proto__', 'a.b', '=x'];
  t.deepEqual(parseArgv(program, ['-q', ...words]).positionals, words);
  t.deepEqual(parseArgv(ours, ['-q', ...words]).positionals, words);
});

test('the last value wins, all can be had', (t) => {
  const args = parseArgv(ours, ['-p', '1', '--pid=2', '-p3', 'x.log']);
  t.is(args.value('pid'), '3');
  t.deepEqual(args.values('pid'), ['1', '2', '3']);
  t.deepEqual(parseArgv(ours, []).values('pid'), []);
});

test('an option given twice is given', (t) => {
  const args = parseArgv(ours, ['-qq', '--quiet', '--state-hashes']);
  t.true(args.flag('quiet'));
  t.true(args.flag('state-hashes'));
});

test('wrong options are named', (t) => {
  const message = (argv: string[]): string => t.throws(() => parseArgv(program, argv)).message;
  t.is(message(['-x', 'ls']), 'unknown option -x');
  t.is(message(['-sx', 'ls']), 'unknown option -x');
  t.is(message(['--outputs=x', 'ls']), 'unknown option --outputs');
  t.is(message(['--__proto__', 'ls']), 'unknown option --__proto__');
  t.is(message(['---', 'ls']), 'unknown option ---');
  t.is(message(['--quiet=yes', 'ls']), '--quiet takes no value');
  t.is(message(['-o']), '-o needs a value');
  t.is(message(['-so']), '-o needs a value');
  t.is(message(['--output']), '--output needs a value');
});

test('numbers are checked', (t) => {
  t.is(wholeNumber('-l', '15', 0, 15), 15);
  for (const text of ['16', '-1', '1.5', '', 'x', '1e1', ' 1', '99999999999999999999']) {
    t.throws(() => wholeNumber('-l', text, 0, 15), { message: /^-l takes a whole number/ });
  }
  t.is(seconds('-a', '0.5'), 0.5);
  t.is(seconds('-a', '.5'), 0.5);
  t.is(seconds('-a', '3'), 3);
  for (const text of ['0', '-1', 'x', '', '1e3', 'Infinity', '3000000', '.']) {
    t.throws(() => seconds('-a', text), { message: /^-a takes a number of seconds/ });
  }
});
