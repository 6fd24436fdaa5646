/** Stacks as the replayer unwinds them, against those that gdb shows for a core file of the same stop. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReplay, type StackFrame } from '@scribe-ts/replayer';
import test, { type ExecutionContext } from 'ava';
import { Pool, run, scribe, workspace } from './harness.js';
import { find } from './programs/driver.js';

const pool = new Pool(2);

/** Writes `mark` and is not inlined or left by a jump. Raw, so that it needs no library. */
const MARK = `
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline, noclone))
static volatile int sink;
static inline long raw_write(const char *text, long size) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(1), "D"(1), "S"(text), "d"(size)
                   : "rcx", "r11", "memory");
  return result;
}
NOINLINE void mark(void) { raw_write("mark\\n", 5); sink++; }
`;

/** Functions with frames of all shapes: saved registers, arrays of unknown size, aligned stacks. */
const DEEP = `
NOINLINE int leaf(int a, const char *text) { mark(); sink += a + text[0]; return a; }
NOINLINE int saved(int a, int b, int c, int d, int e, int f, int g, int h) {
  int before = sink;
  int sum = leaf(a, "x") + leaf(b, "y") * c + d * e - f + g * h + before;
  sink += sum;
  return sum + a * b * c * d * e * f * g * h;
}
NOINLINE int sized(int n) {
  char room[n];
  memset(room, n, n);
  int result = saved(1, 2, 3, 4, 5, 6, n, room[n - 1]);
  sink += room[0];
  return result;
}
NOINLINE int aligned(int n) {
  int table[16] __attribute__((aligned(64)));
  for (int i = 0; i < 16; i++) table[i] = i * n;
  int result = sized(n + table[3]);
  sink += table[result & 15];
  return result;
}
NOINLINE int again(int n) { int result = n == 0 ? aligned(7) : again(n - 1) + 1; sink++; return result; }
`;

interface Case {
  readonly source: string;
  readonly flags: readonly string[];
  readonly compiler?: 'gcc' | 'g++';
  /** Innermost first; these functions must be there one after the other, whatever gdb says. */
  readonly names: readonly string[];
  /** Runs after the program has been made. */
  readonly prepare?: (directory: string) => void;
}

const cases: Readonly<Record<string, Case>> = {
  'optimised code without frame pointers': {
    source: `${MARK}${DEEP} int main(void) { again(3); return 0; }`,
    flags: ['-O2', '-fomit-frame-pointer'],
    names: [
      'mark',
      'leaf',
      'saved',
      'sized',
      'aligned',
      'again',
      'again',
      'again',
      'again',
      'main',
    ],
  },
  'frame pointers without unwind tables': {
    source: `${MARK}${DEEP} int main(void) { again(2); return 0; }`,
    flags: [
      '-O1',
      '-fno-omit-frame-pointer',
      '-fno-asynchronous-unwind-tables',
      '-fno-unwind-tables',
      '-fno-optimize-sibling-calls',
    ],
    names: ['mark', 'leaf', 'saved', 'sized', 'aligned', 'again', 'again', 'again', 'main'],
  },
  'a signal handler': {
    source: `${MARK}
      static void handler(int signo) { mark(); sink += signo; }
      NOINLINE void raises(void) { raise(SIGUSR1); sink++; }
      int main(void) { signal(SIGUSR1, handler); raises(); return 0; }`,
    flags: ['-O2', '-fomit-frame-pointer'],
    names: ['mark', 'handler', ''],
  },
  'a fault inside the PLT, handled on another stack': {
    source: `${MARK}
      extern char _GLOBAL_OFFSET_TABLE_[];
      #define PAGE ((uintptr_t)_GLOBAL_OFFSET_TABLE_ & -4096UL)
      static void handler(int signo, siginfo_t *info, void *context) {
        long result;
        // Readable again, as gdb finds the libraries through this page.
        __asm__ volatile("syscall" : "=a"(result) : "a"(10), "D"(PAGE), "S"(4096), "d"(3) : "rcx", "r11", "memory");
        mark();
        _exit(signo == SIGSEGV ? 0 : 1);
      }
      NOINLINE long calls(void) { long result = atol("5"); sink++; return result; }
      int main(void) {
        static char stack[65536];
        stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigaltstack(&other, NULL);
        sigaction(SIGSEGV, &action, NULL);
        mprotect((void *)PAGE, 4096, PROT_NONE);
        return calls();
      }`,
    flags: [
      '-O2',
      '-fomit-frame-pointer',
      '-fno-builtin',
      '-fcf-protection=none',
      '-Wl,-z,lazy',
      '-Wl,-z,norelro',
    ],
    names: ['mark', 'handler', '', 'strtol@plt', 'calls', 'main'],
  },
  'a resolver that lazy binding calls': {
    source: `int chosen(void); ${MARK}
      NOINLINE int calls(void) { int result = chosen(); sink += result; return result; }
      int main(void) { return calls() - 1; }`,
    flags: ['-O2', '-fomit-frame-pointer', '-L.', '-lchosen', '-Wl,-rpath,$ORIGIN', '-Wl,-z,lazy'],
    names: ['mark_there', 'resolve'],
    prepare(directory) {
      writeFileSync(
        join(directory, 'chosen.c'),
        `${MARK.replace('mark(void)', 'mark_there(void)')}
         static int one(void) { return 1; }
         static int (*resolve(void))(void) { mark_there(); sink++; return one; }
         int chosen(void) __attribute__((ifunc("resolve")));`,
      );
      const flags = ['-w', '-O2', '-fomit-frame-pointer', '-shared', '-fPIC'];
      execFileSync('gcc', [...flags, '-o', 'libchosen.so', 'chosen.c'], { cwd: directory });
    },
  },
  'a static program': {
    source: `${MARK}${DEEP}
      static int compare(const void *a, const void *b) { mark(); return *(const int *)a - *(const int *)b; }
      int main(void) { int list[] = {2, 1}; qsort(list, 2, sizeof *list, compare); return 0; }`,
    flags: ['-O2', '-fomit-frame-pointer', '-static'],
    names: ['mark', 'compare'],
  },
  'a stripped library': {
    source: `int entered(void (*call)(void)); ${MARK} int main(void) { return entered(mark) - 1; }`,
    flags: ['-O2', '-fomit-frame-pointer', '-L.', '-lhidden', '-Wl,-rpath,$ORIGIN'],
    names: ['mark', '', '', 'entered', 'main'],
    prepare(directory) {
      writeFileSync(
        join(directory, 'hidden.c'),
        `static volatile int sink;
         static __attribute__((noinline, noclone)) int two(void (*call)(void)) { call(); return sink + 1; }
         static __attribute__((noinline, noclone)) int three(void (*call)(void)) { int r = two(call); sink++; return r; }
         int entered(void (*call)(void)) { int r = three(call); sink++; return r; }`,
      );
      const library = join(directory, 'libhidden.so');
      execFileSync(
        'gcc',
        ['-O2', '-fomit-frame-pointer', '-shared', '-fPIC', '-o', library, 'hidden.c'],
        { cwd: directory },
      );
      execFileSync('strip', [library]);
    },
  },
  'C++ with templates, virtual calls and an exception': {
    source: `${MARK}
      #include <algorithm>
      #include <stdexcept>
      #include <vector>
      struct Base { virtual ~Base() {} virtual int visit(int) = 0; };
      struct Marks : Base {
        ~Marks() { if (sink > 100) mark(); }
        int visit(int n) override { if (n > 1) throw std::runtime_error("n"); return n; }
      };
      struct Guard { ~Guard() noexcept { mark(); } };
      template <class T> NOINLINE int walk(Base &base, const std::vector<T> &list) {
        Guard guard;
        int sum = 0;
        for (const T &item : list) sum += base.visit(item);
        return sum;
      }
      NOINLINE int caught(Base &base) {
        try { return walk<long>(base, {1, 2, 3}); } catch (const std::exception &) { sink++; return 0; }
      }
      int main() { Marks marks; return caught(marks); }`,
    flags: ['-O2', '-fomit-frame-pointer'],
    compiler: 'g++',
    names: ['_Z4markv', '_Z4walkIlEiR4BaseRKSt6vectorIT_SaIS3_EE', '_Z6caughtR4Base', 'main'],
  },
  'a thread': {
    source: `#include <pthread.h>
      ${MARK}${DEEP}
      static void *thread(void *n) { again((int)(long)n); return NULL; }
      int main(void) { pthread_t one; pthread_create(&one, NULL, thread, (void *)2); pthread_join(one, NULL); return 0; }`,
    flags: ['-O2', '-fomit-frame-pointer', '-pthread'],
    names: [
      'mark',
      'leaf',
      'saved',
      'sized',
      'aligned',
      'again',
      'again',
      'again',
      'thread',
      'start_thread',
    ],
  },
};

interface Shown {
  readonly address: number;
  /** '' where gdb knows none. */
  readonly name: string;
}

/** gdb's backtrace of a core file. It gets no debug information, from which it would show inlined calls too. */
async function gdbBacktrace(program: string, core: string): Promise<readonly Shown[]> {
  const commands = [
    'set debug-file-directory /nonexistent',
    'set debuginfod enabled off',
    'set print demangle off',
    'set print asm-demangle off',
    'set backtrace past-main on',
    'set width 0',
    `file ${program}`,
    `core-file ${core}`,
    'echo STACK\\n',
    'bt',
  ];
  const { stdout } = await run('gdb', [
    '-nx',
    '-batch',
    ...commands.flatMap((line) => ['-ex', line]),
  ]);
  const frames: Shown[] = [];
  for (const [, address, name = '', handler] of stdout
    .slice(stdout.indexOf('STACK'))
    .matchAll(/^#\d+ +(?:(0x[0-9a-f]+) in (\S+) \(|(<signal handler called>))/gm)) {
    if (handler !== undefined) frames.push({ address: -1, name: '' });
    else frames.push({ address: Number(address), name: name === '??' ? '' : name });
  }
  return frames;
}

/** Both walks must find the same places, and the same names where both have one. */
function compare(t: ExecutionContext, ours: readonly StackFrame[], gdb: readonly Shown[]): void {
  const text = `${ours.map((f) => `${f.address.toString(16)} ${f.symbol}`).join('\n')}\n\ngdb:\n${gdb
    .map((f) => `${f.address.toString(16)} ${f.name}`)
    .join('\n')}`;
  // Above _start gdb may go on with words that are no addresses of code.
  const shown = gdb.slice(0, ours.at(-1)?.symbol === '_start' ? ours.length : undefined);
  t.is(ours.length, shown.length, text);
  shown.forEach(({ address, name }, i) => {
    if (address < 0) t.true(ours[i]?.isSignalFrame, text);
    else t.is(ours[i]?.address, address, text);
    if (name !== '' && ours[i]?.symbol !== '') t.is(normal(ours[i]!.symbol), normal(name), text);
  });
}

/** One function has several names in the C library. */
function normal(name: string): string {
  return name.replace(/^_+|@plt$|_impl$|_2_34$/g, '').replace(/\.\w+$/, '');
}

for (const [title, { source, flags, compiler = 'gcc', names, prepare }] of Object.entries(cases)) {
  if (find('gdb') === undefined) {
    test.skip(`gdb shows the same stack: ${title} (not here: gdb)`, () => {});
    continue;
  }
  test(`gdb shows the same stack: ${title}`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('unwind');
    prepare?.(place.path);
    const file = join(place.path, compiler === 'gcc' ? 'program.c' : 'program.cc');
    writeFileSync(file, source);
    const program = join(place.path, 'program');
    execFileSync(compiler, ['-w', file, '-o', program, ...flags], { cwd: place.path });
    const log = join(place.path, 'log');
    const recorded = await scribe('record', ['-o', log, program]);
    t.regex(recorded.stdout, /mark/, recorded.stderr);
    const session = await openReplay(log);
    t.teardown(() => session.close());
    const { task } = await session.runTo({ syscall: { name: 'write', fd: 1 } });
    const ours = await task!.backtrace();
    const core = join(place.path, 'core');
    t.deepEqual(await task!.writeCore(core), []);
    compare(t, ours, await gdbBacktrace(program, core));
    const found = ours.map(({ symbol }) => symbol);
    t.deepEqual(found.slice(0, names.length), [...names], found.join(' '));
    place.discard();
  });
}
