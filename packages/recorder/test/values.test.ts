import { closeSync, openSync } from 'node:fs';
import test from 'ava';
import {
  decode,
  EventKind,
  Flow,
  ReadPages,
  Reg,
  REGISTER_ORDER,
  Registers,
  Resume,
  Signal,
  Tracer,
} from '@scribe-ts/core-native';
import { Values } from '../src/preempt/values.js';

/** A dynamic loader, a C library and a program with calls of all kinds. */
const PROGRAM = ['/bin/ls', '-la', '/'];
const STEPS = 20_000;

test('what registers are said to hold is what they hold after the instruction', (t) => {
  const tracer = new Tracer();
  const regs = new Registers(tracer.regs);
  const [file, ...args] = PROGRAM;
  const nowhere = openSync('/dev/null', 'r+');
  const { tid } = tracer.spawn({
    file: file!,
    argv: [file!, ...args],
    envp: ['LC_ALL=C'],
    stdio: [nowhere, nowhere, nowhere],
  });
  closeSync(nowhere);
  const wrong: string[] = [];
  let known = 0;
  let followed = 0;
  try {
    // Out of exec.
    tracer.resume(tid, Resume.Step, 0);
    tracer.waitFor(tid);
    for (let step = 0; step < STEPS; step++) {
      tracer.getRegs(tid);
      const rip = regs.address(Reg.rip);
      const memory = new ReadPages(tracer, tid);
      const code = memory.code(rip);
      const instruction = decode(code);
      let values: Values | undefined;
      let target = NaN;
      if (instruction !== undefined && !instruction.repeats && instruction.flow !== Flow.System) {
        values = Values.of(regs, memory);
        target = values.follow(code, instruction, rip + instruction.length);
      }
      tracer.resume(tid, Resume.Step, 0);
      const kind = tracer.waitFor(tid);
      if (kind !== EventKind.Signal || tracer.event[2] !== Signal.SIGTRAP) break;
      if (values === undefined) continue;
      followed++;
      const name = Buffer.from(code.subarray(0, instruction!.length)).toString('hex');
      REGISTER_ORDER.forEach((reg, number) => {
        const value = values.get(number, 8);
        if (Number.isNaN(value)) return;
        known++;
        if (value !== regs.get(reg))
          wrong.push(`${name}: ${Reg[reg]} is ${regs.get(reg)}, not ${value}`);
      });
      const { flow } = instruction!;
      if (flow === Flow.Conditional || flow === Flow.Loop || Number.isNaN(target)) continue;
      if (target !== regs.address(Reg.rip)) wrong.push(`${name}: goes elsewhere than ${target}`);
    }
  } finally {
    tracer.kill(0, tid, Signal.SIGKILL);
    while (tracer.waitFor(tid) !== EventKind.NoTracees) tracer.resume(tid, Resume.Cont, 0);
  }
  t.deepEqual(wrong.slice(0, 20), []);
  t.true(followed > STEPS / 2, `${followed} instructions`);
  // Most of them: the others hold numbers of 64 bits, or are results of what is not followed.
  t.true(known > followed * 12, `${known} registers known after ${followed} instructions`);
});
