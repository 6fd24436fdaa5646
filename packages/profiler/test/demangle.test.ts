import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import test from 'ava';
import { demangle } from '../src/symbols/demangle.js';

test('names of C++', (t) => {
  for (const [name, expected] of [
    ['_Z3foov', 'foo()'],
    ['_ZN2ns3Foo3barEiPKc', 'ns::Foo::bar(int, char const*)'],
    ['_ZNK3FooclERKS_', 'Foo::operator()(Foo const&) const'],
    ['_ZN3FooC1Ev', 'Foo::Foo()'],
    ['_ZN3FooD0Ev', 'Foo::~Foo()'],
    ['_ZN3FoonwEm', 'Foo::operator new(unsigned long)'],
    [
      '_Z4walkIlEiR4BaseRKSt6vectorIT_SaIS3_EE',
      'int walk<long>(Base&, std::vector<long, std::allocator<long> > const&)',
    ],
    ['_Z1fPFivE', 'f(int (*)())'],
    ['_Z1fRA3_Kc', 'f(char const (&) [3])'],
    ['_Z1fM3FooKFviE', 'f(void (Foo::*)(int) const)'],
    ['_Z3addIJidEEvDpT_', 'void add<int, double>(int, double)'],
    ['_ZZ4mainENKUlvE_clEv', 'main::{lambda()#1}::operator()() const'],
    ['_ZN12_GLOBAL__N_14hideEv', '(anonymous namespace)::hide()'],
    ['_ZTV3Foo', 'vtable for Foo'],
    ['_Z3foov.part.0', 'foo() [clone .part.0]'],
    ['_Z1fB5cxx11v', 'f[abi:cxx11]()'],
    ['_Z1fILi3ELb1EEvv', 'void f<3, true>()'],
  ] as const) {
    t.is(demangle(name), expected);
  }
});

test('what is no name of C++, or none that is known, stays as it is', (t) => {
  for (const name of [
    '',
    'main',
    '_Z',
    '_ZZ',
    '_Zfoo',
    '_ZN',
    '_ZN3Fo',
    '_Z3foovv9',
    '_Z1fDTcl1gEE',
    '_ZS_',
  ])
    t.is(demangle(name), name);
});

/** Every name of the C++ library: what is printed at all is printed as c++filt prints it. */
function libraryNames(): readonly string[] {
  const directory = '/usr/lib/x86_64-linux-gnu';
  const library = readdirSync(directory).find((name) => /^libstdc\+\+\.so\.6$/.test(name));
  const { stdout, error } = spawnSync('nm', ['-D', `${directory}/${library}`], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  if (library === undefined || error !== undefined) return [];
  const names = stdout.match(/\b_Z\w+/g) ?? [];
  return [...new Set(names)];
}

test("the C++ library's names are those of c++filt", (t) => {
  const names = libraryNames();
  if (names.length === 0) {
    t.log('skipped: there is no C++ library, or no nm');
    return t.pass();
  }
  const input = names.join('\n');
  const { stdout } = spawnSync('c++filt', { input, encoding: 'latin1', maxBuffer: 1 << 28 });
  const expected = stdout.split('\n');
  let known = 0;
  names.forEach((name, i) => {
    const found = demangle(name);
    if (found === name) return;
    known++;
    t.is(found, expected[i]!, name);
  });
  t.true(known / names.length > 0.95, `${known} of ${names.length}`);
});

test('damaged names give text, and neither errors nor loops', (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
  t.log(`SEED=${seed}`);
  let state = seed || 1;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const letters = 'NSIEJTLXZKPROAFMDpstvicUlC1D0_0123456789ae';
  const names = [
    '_Z4walkIlEiR4BaseRKSt6vectorIT_SaIS3_EE',
    '_Z3addIJidEEvDpOT_',
    '_ZZ4mainENKUliE_clEi',
  ];
  for (let round = 0; round < 20_000; round++) {
    const name = [...names[round % names.length]!];
    for (let i = 0; i <= round % 4; i++)
      name.splice(2 + random(name.length - 1), random(2), letters[random(letters.length)]!);
    t.is(typeof demangle(name.join('')), 'string');
  }
});
