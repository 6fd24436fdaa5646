// Measures what one ptrace stop costs, with tracer and tracee on one CPU or two, and with cpuid trapping in neither, in
// the tracee or in both: the numbers behind CpuPolicy and trapCpuidHere. Run after `npm run build`:
//   node bench/stops.mjs [STOPS]
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  EventKind,
  getAffinity,
  mapReserved,
  Reg,
  Registers,
  Resume,
  setAffinity,
  Tracer,
  trapCpuid,
  trapCpuidHere,
} from '@scribe-ts/core-native';

const stops = Number(process.argv[2] ?? 40_000);
/** Stops of the program's start, and a few more: not counted. */
const WARM_UP = 301;

/** Microseconds a stop, in this thread; null if the CPU can't trap cpuid. */
function measure({ binary, tracerCpu, traceeCpu, inTracee, inTracer }) {
  const tracer = new Tracer();
  if (inTracer && !trapCpuidHere()) return null;
  const { tid } = tracer.spawn({ file: binary, argv: ['getppid', String(stops)], envp: [] });
  setAffinity(0, [tracerCpu]);
  setAffinity(tid, [traceeCpu]);
  let start = 0;
  for (let seen = 0; seen < stops + WARM_UP; seen++) {
    tracer.resume(tid, Resume.Syscall, 0);
    if (tracer.wait(-1) !== EventKind.Syscall) throw new Error(`stop ${seen} is no system call`);
    if (seen !== WARM_UP - 1) continue;
    // The program's start asks cpuid, so it is made to trap here. This is an exit-stop: the first was execve's.
    if (inTracee) {
      mapReserved(tracer, tid, new Registers(tracer.regs).address(Reg.rip));
      if (!trapCpuid(tracer, tid)) return null;
    }
    start = performance.now();
  }
  const us = ((performance.now() - start) * 1000) / stops;
  tracer.kill(0, tid, 9);
  return us;
}

async function main() {
  const directory = fileURLToPath(new URL('../build/bench', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const binary = join(directory, 'getppid');
  const source = fileURLToPath(new URL('programs/getppid.c', import.meta.url));
  execFileSync('gcc', ['-O2', source, '-o', binary]);
  const [first, second] = getAffinity(0);
  const traps = [
    ['in neither', false, false],
    ['in the tracee', true, false],
    ['in both', true, true],
  ];
  for (const [where, inTracee, inTracer] of traps) {
    for (const traceeCpu of second === undefined ? [first] : [first, second]) {
      const us = await inWorker({ binary, tracerCpu: first, traceeCpu, inTracee, inTracer });
      const cpus = traceeCpu === first ? 'one CPU ' : 'two CPUs';
      const cost = us === null ? 'not on this CPU' : `${us.toFixed(1).padStart(5)} µs a stop`;
      console.log(`cpuid traps ${where.padEnd(13)}  ${cpus}  ${cost}`);
    }
  }
}

/** ptrace and the traps belong to a thread: each measurement has one of its own. */
function inWorker(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: data,
      argv: process.argv.slice(2),
    });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

if (isMainThread) await main();
else parentPort.postMessage(measure(workerData));
