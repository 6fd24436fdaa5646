// Builds the agents. The recording's: a table of the calls it makes by itself, generated from tracelog's syscall table,
// and the code (build/agent.bin, and agent-allowed.bin with the `syscall` instructions that dispatch lets through) with the
// addresses the tracer needs (build/agent.json). The same of the replay's: replay-agent. Does nothing when no input has
// changed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { specialRegions, syscallTable } from '@scribe-ts/tracelog';
import { AGENT_CALLS } from './agent-calls.mjs';

const script = fileURLToPath(import.meta.url);
const packageDir = dirname(dirname(script));
const source = join(packageDir, 'agent');
const buildDir = join(packageDir, 'build');
const addresses = join(buildDir, 'agent.json');

/** Symbols whose addresses the tracer knows. */
const SYMBOLS = [
  'agent_entry',
  'agent_tail',
  'agent_tail_end',
  'agent_forward_end',
  'agent_take_end',
  'agent_exit_end',
  'agent_window',
  'agent_insn',
  'agent_called',
  'agent_aborted',
  'agent_pass',
  'agent_pass_end',
  'agent_cpuid',
  'agent_rdtsc',
  'agent_trap_left',
  'agent_trap_done',
];
const REPLAY_SYMBOLS = [
  ...['agent_entry', 'agent_forward', 'agent_stop'],
  ...['agent_cpuid', 'agent_rdtsc', 'agent_trap_left', 'agent_trap_done'],
];
const MAX_STEPS = 9;
/** See `waits` in agent-calls.mjs. MAYBE: nothing is known. */
const WAITS = [
  'NEVER',
  'MAYBE',
  'READ',
  'WRITE',
  'WRITEV',
  'RECEIVE',
  'SEND',
  'MESSAGE_IN',
  'MESSAGE_OUT',
  'POLL',
  'PPOLL',
  'SELECT',
  'EPOLL',
];
/** A size for `keeps`: that of the array that poll takes. */
const KEEP_POLLED = 255;
/** What `probe` may be. */
const PROBES = ['NONE', 'ENTRY', 'BUFFER', 'VECTOR', 'MESSAGE'];
/** What `check` may be. */
const CHECKS = [
  ...['NONE', 'OPEN', 'DUP', 'FUTEX', 'SIGACTION', 'SIGPROCMASK', 'CONNECT', 'ACCEPT', 'RANDOM'],
  ...['SOCKOPT', 'MMAP', 'MUNMAP', 'MREMAP', 'MPROTECT', 'MADVISE'],
];

/** As in agent/layout.h. */
const FD_BITS = { read: 1, write: 2, both: 3 };

if (process.platform === 'linux') build();

function build() {
  mkdirSync(buildDir, { recursive: true });
  const table = join(buildDir, 'table.h');
  const text = generate();
  const same = existsSync(table) && readFileSync(table, 'utf8') === text;
  if (!same) writeFileSync(table, text);
  const inputs = [...readdirSync(source).map((name) => join(source, name)), table, script];
  const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));
  if (existsSync(addresses) && statSync(addresses).mtimeMs > newest) return;
  const replay = compile('replay.c', 'replay-agent', REPLAY_SYMBOLS);
  writeFileSync(join(buildDir, 'replay-agent.json'), JSON.stringify(replay));
  const symbols = compile('agent.c', 'agent', SYMBOLS);
  const numbers = Object.keys(AGENT_CALLS).map((name) => rowOf(name).nr);
  writeFileSync(addresses, JSON.stringify({ symbols, calls: numbers }));
}

/** Compiles an agent to build/NAME.bin and build/NAME-allowed.bin. Returns the addresses of its `wanted` symbols. */
function compile(file, name, wanted) {
  const elf = join(buildDir, `${name}.elf`);
  run('gcc', [
    '-std=c11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-ffreestanding',
    '-fno-builtin',
    '-fno-pic',
    '-fno-pie',
    '-fno-stack-protector',
    '-fno-asynchronous-unwind-tables',
    '-fno-tree-loop-distribute-patterns',
    '-fcf-protection=none',
    '-mgeneral-regs-only',
    '-mno-red-zone',
    '-nostdlib',
    '-static',
    '-no-pie',
    `-I${buildDir}`,
    `-I${source}`,
    '-Wl,--build-id=none',
    `-Wl,-T,${join(source, 'agent.lds')}`,
    '-o',
    elf,
    join(source, file),
  ]);
  const extract = (section, to) =>
    run('objcopy', ['-O', 'binary', '-j', section, elf, join(buildDir, to)]);
  extract('.text', `${name}.bin`);
  extract('.allowed', `${name}-allowed.bin`);
  const found = new Map(
    run('nm', [elf])
      .split('\n')
      .map((line) => line.split(' '))
      .map(([address, , name]) => [name, Number.parseInt(address, 16)]),
  );
  return Object.fromEntries(wanted.map((symbol) => [symbol, found.get(symbol)]));
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function rowOf(name) {
  const row = syscallTable.find((candidate) => candidate?.name === name);
  if (row === undefined) throw new Error(`no row for ${name}`);
  return row;
}

function generate() {
  const calls = Object.entries(AGENT_CALLS);
  const rows = calls.map(([name, traits]) => rowText(rowOf(name), traits));
  const variants = [];
  for (const [name, { variants: commands, ...traits }] of calls) {
    for (const [command, extra] of Object.entries(commands ?? {})) {
      const { nr } = rowOf(name);
      variants.push(`  {${nr}, ${command}, ${rows.length}}, /* ${name} */`);
      rows.push(rowText(rowOf(name), { ...traits, ...extra }, Number(command)));
    }
  }
  const indices = calls.map(
    ([name], index) => `  [${rowOf(name).nr}] = ${index + 1}, /* ${name} */`,
  );
  const count = Math.max(...calls.map(([name]) => rowOf(name).nr)) + 1;
  return `/* Generated from the syscall table: do not edit. */
#define AGENT_ROWS ${count}
#define MAX_STEPS ${MAX_STEPS}
#define NO_ARG 255
/* Gather: the kernel reads what a vector points to; scatter: it stores there. Message in: received, out: sent. Mask: a
 * pointer to a signal mask, and its size. */
enum { OP_OUT, OP_IN, OP_STRING, OP_GATHER, OP_SCATTER, OP_MESSAGE_IN, OP_MESSAGE_OUT, OP_MASK };
#define KEEP_POLLED ${KEEP_POLLED}
enum { MEASURE_CONST, MEASURE_LONG, MEASURE_INT, MEASURE_UINT, MEASURE_RESULT, MEASURE_RESULT_UP_TO, MEASURE_DEREF };
enum { ${CHECKS.map((name) => `CHECK_${name}`).join(', ')} };
enum { ${WAITS.map((name) => `WAITS_${name}`).join(', ')} };
enum { ${PROBES.map((name) => `PROBE_${name}`).join(', ')} };
/* O_WRONLY, O_RDWR, O_TRUNC. */
#define OPEN_WRITES 01003
#define O_TRUNC 01000
/* O_CREAT, O_EXCL */
#define OPEN_NEW 0300
struct agent_step {
  unsigned char op, arg, measure, a, positive;
  unsigned int a_const, times, per;
  int plus;
};
struct agent_row {
  unsigned char args, fd_arg, fd_need, null_arg, check, check_arg, gives, pair, nonblock, closes, takes, varies, modes, reads,
      fails, probe, quick, waits, entry_arg, entry_offset, keeps, keep_arg[2], keep_size[2], steps;
  struct agent_step step[MAX_STEPS];
};
/* 0 for calls the agent does not make. */
static const unsigned char agent_index[AGENT_ROWS] = {
${indices.join('\n')}
};
static const struct agent_row agent_rows[] = {
${rows.join('\n')}
};
/* Calls whose shape depends on their second argument: what it is, and the row. */
#define AGENT_VARIANTS ${variants.length}
static const struct {
  unsigned int nr, command, row;
} agent_variants[] = {
${variants.join('\n')}
};
`;
}

/** `command`: the second argument of a call whose shape depends on it. */
function rowText(row, traits, command) {
  const steps = [];
  // Whether the kernel stores something even if the call fails.
  let fails = false;
  let nullArg = 'NO_ARG';
  // A length that the kernel overwrites.
  let entry = { arg: 'NO_ARG', offset: 0 };
  row.args.forEach((spec, index) => {
    const { type } = spec;
    if (type.kind === 'string') {
      steps.push({ op: 'OP_STRING', arg: index, measure: 'MEASURE_CONST' });
      return;
    }
    if (type.kind === 'iovec' && type.dir !== 'inout') {
      const op = type.dir === 'in' ? 'OP_GATHER' : 'OP_SCATTER';
      steps.push({ op, arg: index, ...lengthOf(row, type.count, 1) });
      return;
    }
    if (type.kind === 'special') {
      if (command !== undefined) steps.push(...flatSteps(row, type.decoder, index, command));
      else if (traits.nullArg === index) nullArg = index;
      else if (type.decoder === 'pselect_sigmask')
        steps.push({ op: 'OP_MASK', arg: index, measure: 'MEASURE_CONST' });
      else if (traits.inputs !== undefined) addInputs(steps, index, traits);
      else if (traits.variants === undefined)
        throw new Error(`the agent has no ${type.decoder} (${row.name})`);
      return;
    }
    if (type.kind === 'msghdr' && type.count === undefined) {
      const receives = type.dir === 'out';
      const op = receives ? 'OP_MESSAGE_IN' : 'OP_MESSAGE_OUT';
      steps.push({ op, arg: index, measure: 'MEASURE_CONST' });
      // msg_namelen
      if (receives) entry = { arg: index, offset: 8 };
      return;
    }
    if (type.kind !== 'buffer' && type.kind !== 'struct') {
      if (['iovec', 'msghdr', 'strings'].includes(type.kind))
        throw new Error(`the agent has no ${type.kind} (${row.name})`);
      addInputs(steps, index, traits);
      return;
    }
    if (traits.nullArg === index) {
      nullArg = index;
      return;
    }
    const size = type.kind === 'buffer' ? type.size : (type.count ?? { const: 1 });
    const unit = type.kind === 'buffer' ? 1 : type.size;
    if ('deref' in size) entry = { arg: size.deref, offset: 0 };
    if (type.when === 'always') fails = true;
    const step = { arg: index, ...lengthOf(row, size, unit), positive: type.when === 'positive' };
    if (type.dir !== 'out') steps.push({ ...step, op: 'OP_IN' });
    if (type.dir !== 'in') steps.push({ ...step, op: 'OP_OUT' });
  });
  // Strings come first, as the traced path writes them.
  steps.sort((a, b) => Number(b.op === 'OP_STRING') - Number(a.op === 'OP_STRING'));
  if (steps.length > MAX_STEPS) throw new Error(`${row.name} has too many steps`);
  const keeps = Object.entries(traits.keeps ?? {});
  const reads = fails || steps.some((step) => step.op !== 'OP_OUT');
  const fields = {
    args: row.args.length,
    fd_arg: traits.fd ?? 'NO_ARG',
    fd_need: FD_BITS[traits.need] ?? 0,
    null_arg: nullArg,
    check: traits.check ?? (traits.open === undefined ? 'CHECK_NONE' : 'CHECK_OPEN'),
    check_arg: traits.open ?? 0,
    gives: FD_BITS[traits.gives ?? (traits.open === undefined ? '' : 'read')] ?? 0,
    pair: traits.pair ?? 'NO_ARG',
    nonblock: traits.nonblock ?? 'NO_ARG',
    closes: Number(traits.closes === true),
    takes: Number(traits.takes === true),
    varies: Number(traits.variants !== undefined && command === undefined),
    modes: Number(traits.modes === true),
    reads: Number(reads),
    fails: Number(fails),
    probe: `PROBE_${traits.probe ?? 'NONE'}`,
    entry_arg: entry.arg,
    entry_offset: entry.offset,
    waits: `WAITS_${traits.waits ?? (row.class === 'blocking' ? 'MAYBE' : 'NEVER')}`,
    keeps: keeps.length,
    keep_arg: `{${keeps.map(([arg]) => arg).join(', ')}}`,
    keep_size: `{${keeps.map(([, size]) => (size === 'polled' ? KEEP_POLLED : size)).join(', ')}}`,
    // Nothing that it could wait for.
    quick: Number(row.class === 'data' && !reads && !row.args.some(isFile)),
    steps: steps.length,
    step: `{${steps.map(stepText).join(', ')}}`,
  };
  const text = Object.entries(fields).map(([name, value]) => `.${name} = ${value}`);
  return `  {${text.join(', ')}}, /* ${row.name} */`;
}

function addInputs(steps, index, { inputs }) {
  const size = inputs?.[index];
  if (size === undefined) return;
  steps.push({ op: 'OP_IN', arg: index, measure: 'MEASURE_CONST', a_const: size });
}

function stepText(step) {
  const {
    op,
    arg,
    measure,
    a = 0,
    positive = false,
    a_const = 0,
    times = 1,
    per = 1,
    plus = 0,
  } = step;
  return (
    `{.op = ${op}, .arg = ${arg}, .measure = ${measure}, .a = ${a}, .positive = ${Number(positive)}, ` +
    `.a_const = ${a_const}, .times = ${times}, .per = ${per}, .plus = ${plus}}`
  );
}

function isFile({ type }) {
  return type.kind === 'fd' || type.kind === 'dirfd';
}

/** What a call with that command reads and stores through the argument, which must be of one known size. */
function flatSteps(row, decoder, index, command) {
  const args = [0, command, 0, 0, 0, 0];
  args[index] = 0x1000;
  const regions = specialRegions(decoder, row.nr, args, index, () => undefined);
  return regions.flatMap(({ addr, size, dir, when, unknown, part }) => {
    const known = addr === 0x1000 && when === 'success' && !unknown && part === undefined;
    if (!known) throw new Error(`${row.name}: command ${command} is not flat`);
    const step = { arg: index, measure: 'MEASURE_CONST', a_const: size };
    const ops = [...(dir === 'out' ? [] : ['OP_IN']), ...(dir === 'in' ? [] : ['OP_OUT'])];
    return ops.map((op) => ({ ...step, op }));
  });
}

/** As the recorder measures: see the sizes in tracelog's syscall table. */
function lengthOf(row, size, unit) {
  if ('const' in size) return { measure: 'MEASURE_CONST', a_const: size.const * unit };
  if ('arg' in size) {
    const { kind } = row.args[size.arg].type;
    const measure = ['int', 'fd', 'dirfd'].includes(kind)
      ? 'MEASURE_INT'
      : kind === 'uint'
        ? 'MEASURE_UINT'
        : 'MEASURE_LONG';
    const { arg: a, plus = 0, per = 1, times = 1 } = size;
    return { measure, a, plus, per, times: times * unit };
  }
  if ('result' in size) {
    if (size.plus) throw new Error(`${row.name}: result plus ${size.plus}`);
    return { measure: 'MEASURE_RESULT', times: (size.times ?? 1) * unit };
  }
  if ('deref' in size) {
    if (size.width !== 4 || size.plus) throw new Error(`${row.name}: a length of another kind`);
    return { measure: 'MEASURE_DEREF', a: size.deref, times: unit };
  }
  return { measure: 'MEASURE_RESULT_UP_TO', a: size.resultUpTo, times: unit };
}
