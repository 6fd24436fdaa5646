import type { ModelCall } from '../model-call.js';
import { DEFAULT } from '../process-state.js';
import type { Handlers } from './handler.js';
import { siginfo } from '../signal-traffic.js';
import { timerSetting } from './special-files.js';

const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
/** SIGKILL and SIGSTOP cannot be blocked. */
const BLOCKABLE = ~((1n << 8n) | (1n << 18n)) & 0xffffffffffffffffn;
/** The agent's dispatch raises SIGSYS, which the kernel unblocks for that: what is said of it is not what the program asked for. */
const SIGSYS = 1n << 30n;
const SS_DISABLE = 2;
const TIMER_ABSTIME = 1;
const ITIMER_REAL = 0;
const SIGEVENT = 64;
const SIGINFO = 128;
const SI_TKILL = -6;

function setAction(call: ModelCall): void {
  const signo = call.int(0);
  const { handlers } = call.task.process;
  checkOldAction(call, signo);
  const addr = call.long(1);
  if (addr === 0) return;
  const view = call.asked(32);
  handlers.actions[signo] = {
    handler: Number(view.getBigUint64(0, true)),
    flags: view.getBigUint64(8, true),
    restorer: Number(view.getBigUint64(16, true)),
    mask: view.getBigUint64(24, true) & BLOCKABLE,
  };
  call.model.signals.actionSet(call.task.process, signo);
}

/** The kernel said what it was before: the model must know. */
function checkOldAction(call: ModelCall, signo: number): void {
  const old = call.long(2);
  if (old === 0) return;
  const handler = Number(call.view(old, 8).getBigUint64(0, true));
  const { actions } = call.task.process.handlers;
  const known = actions[signo];
  if (known === undefined) {
    if (handler > 1) call.model.contradict(call, `signal ${signo} had a handler`);
    else actions[signo] = { ...DEFAULT, handler };
  } else if (known.handler !== handler)
    call.model.contradict(call, `signal ${signo} had the handler 0x${handler.toString(16)}`);
}

function setMask(call: ModelCall): void {
  const { task } = call;
  const old = call.long(2);
  const before = task.mask;
  const set = call.long(1);
  if (old !== 0) {
    const said = call.signalSet(old);
    if (before !== undefined && ((said ^ before) & ~SIGSYS) !== 0n)
      call.model.contradict(call, `the signals 0x${said.toString(16)} were blocked`);
    task.mask = said | ((before ?? 0n) & SIGSYS);
  }
  if (set === 0) return;
  const signals = call.asked(8).getBigUint64(0, true) & BLOCKABLE;
  const how = call.int(0);
  if (how === SIG_BLOCK) task.mask = (task.mask ?? 0n) | signals;
  else if (how === SIG_UNBLOCK) task.mask = (task.mask ?? 0n) & ~signals;
  else task.mask = signals;
}

function setIntervalTimer(call: ModelCall): void {
  const which = call.int(0);
  const addr = call.long(1);
  const { intervalTimers } = call.task.process;
  intervalTimers.delete(which);
  if (addr === 0) return;
  const interval = call.timeval(addr);
  const value = call.timeval(addr + 16);
  if (value === 0) return;
  const stands = which !== ITIMER_REAL;
  intervalTimers.set(which, { value, interval, absolute: false, time: call.time, seen: 0, stands });
}

function setAlarm(call: ModelCall): void {
  const { intervalTimers } = call.task.process;
  const value = (call.int(0) >>> 0) * 1e9;
  const setting = { value, interval: 0, absolute: false, time: call.time, seen: 0, stands: false };
  if (value === 0) intervalTimers.delete(ITIMER_REAL);
  else intervalTimers.set(ITIMER_REAL, setting);
}

/** To a thread: from tkill and its like. */
function sendToThread(call: ModelCall, tid: number, signo: number, given?: Uint8Array): void {
  const { model, time } = call;
  const { pid } = call.task.process;
  for (const task of model.tasks.values())
    if (task.tid === tid) {
      const info = given ?? siginfo(signo, SI_TKILL, pid);
      model.signals.send(task.process, task, signo, time, info, pid);
    }
}

function sendToProcess(call: ModelCall, pid: number, signo: number, info: Uint8Array): void {
  const { model, time, task } = call;
  const to = model.process(pid);
  if (to !== undefined) model.signals.send(to, undefined, signo, time, info, task.process.pid);
}

const givenInfo = (call: ModelCall, index: number): Uint8Array =>
  call.bytes(call.long(index), SIGINFO).slice();

/** Signals and timers that send some. */
export const signalCalls: Handlers = {
  rt_sigaction: setAction,
  rt_sigprocmask: setMask,
  sigaltstack: (call) => {
    const addr = call.long(0);
    if (addr === 0) return;
    const view = call.view(addr, 24);
    const flags = view.getInt32(8, true);
    call.task.altStack =
      (flags & SS_DISABLE) !== 0
        ? undefined
        : {
            sp: Number(view.getBigUint64(0, true)),
            flags,
            size: Number(view.getBigUint64(16, true)),
          };
  },
  kill: (call) => call.model.signals.kill(call.task.process, call.int(0), call.int(1), call.time),
  tkill: (call) => sendToThread(call, call.int(0), call.int(1)),
  tgkill: (call) => sendToThread(call, call.int(1), call.int(2)),
  rt_sigqueueinfo: (call) => sendToProcess(call, call.int(0), call.int(1), givenInfo(call, 2)),
  rt_tgsigqueueinfo: (call) => sendToThread(call, call.int(1), call.int(2), givenInfo(call, 3)),
  pidfd_send_signal: (call) => {
    const what = call.descriptor(0)?.file.what;
    const signo = call.int(1);
    const info = call.long(2) === 0 ? siginfo(signo, 0, call.task.process.pid) : givenInfo(call, 2);
    if (what?.kind === 'pidfd') sendToProcess(call, what.pid, signo, info);
  },
  rt_sigtimedwait: (call) => {
    const { task, result, time } = call;
    if (call.long(1) === 0) return call.model.signals.taken(task, result, time, undefined, 0);
    const info = call.view(call.long(1), SIGINFO);
    call.model.signals.taken(task, result, time, info.getInt32(8, true), info.getInt32(16, true));
  },
  setitimer: setIntervalTimer,
  alarm: setAlarm,
  timer_create: (call) => {
    const event = call.long(1) === 0 ? undefined : call.bytes(call.long(1), SIGEVENT).slice();
    const id = call.view(call.long(2), 4).getInt32(0, true);
    call.task.process.posixTimers.set(id, { clock: call.int(0), event, setting: undefined });
  },
  timer_settime: (call) => {
    const timer = call.task.process.posixTimers.get(call.int(0));
    if (timer === undefined) return;
    const absolute = (call.int(1) & TIMER_ABSTIME) !== 0;
    const setting = timerSetting(call, call.long(2), absolute, timer.clock);
    timer.setting = setting.value === 0 ? undefined : setting;
  },
  timer_delete: (call) => void call.task.process.posixTimers.delete(call.int(0)),
};
