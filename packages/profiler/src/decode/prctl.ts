/** prctl(): what each option takes and gives. */
import type { ArgPrinter, Call } from './call.js';
import type { NumberPrinter } from './flags.js';
import { addressArg } from './pointers.js';
import {
  ambientOption,
  capability,
  dumpable,
  machineCheckKill,
  memoryMapOption,
  speculation,
  speculationState,
  tscMode,
} from './process.js';
import { regionArg } from './regions.js';
import { signalName } from './signal.js';
import { quoteField } from './text.js';
import { hex, i32 } from './words.js';

const enum Prctl {
  SetPdeathsig = 1,
  GetPdeathsig = 2,
  GetDumpable = 3,
  SetDumpable = 4,
  GetUnalign = 5,
  GetKeepcaps = 7,
  SetKeepcaps = 8,
  GetFpemu = 9,
  GetFpexc = 11,
  SetName = 15,
  GetName = 16,
  GetEndian = 19,
  GetSeccomp = 21,
  SetSeccomp = 22,
  CapbsetRead = 23,
  CapbsetDrop = 24,
  GetTsc = 25,
  SetTsc = 26,
  GetSecurebits = 27,
  SetSecurebits = 28,
  SetTimerslack = 29,
  GetTimerslack = 30,
  MceKillGet = 34,
  SetMm = 35,
  SetChildSubreaper = 36,
  GetChildSubreaper = 37,
  SetNoNewPrivs = 38,
  GetNoNewPrivs = 39,
  GetTidAddress = 40,
  SetThpDisable = 41,
  GetThpDisable = 42,
  CapAmbient = 47,
  GetSpeculationCtrl = 52,
  SetVma = 0x53564d41,
}

/** How many of prctl's arguments an option takes, itself counted. */
export function prctlArguments(call: Call): number {
  switch (call.int(0)) {
    case Prctl.GetDumpable:
    case Prctl.GetKeepcaps:
    case Prctl.GetSeccomp:
    case Prctl.GetSecurebits:
    case Prctl.GetTimerslack:
      return 1;
    case Prctl.SetPdeathsig:
    case Prctl.GetPdeathsig:
    case Prctl.SetDumpable:
    case Prctl.SetKeepcaps:
    case Prctl.SetName:
    case Prctl.GetName:
    case Prctl.CapbsetRead:
    case Prctl.CapbsetDrop:
    case Prctl.GetTsc:
    case Prctl.SetTsc:
    case Prctl.SetSecurebits:
    case Prctl.SetTimerslack:
    case Prctl.SetChildSubreaper:
    case Prctl.GetChildSubreaper:
    case Prctl.GetTidAddress:
    case Prctl.GetSpeculationCtrl:
    case Prctl.GetUnalign:
    case Prctl.GetFpemu:
    case Prctl.GetFpexc:
    case Prctl.GetEndian:
      return 2;
    case Prctl.SetSeccomp:
      return 3;
    default:
      return 5;
  }
}

/** What a result that is a choice means. */
export function prctlResult(call: Call): string | undefined {
  switch (call.int(0)) {
    case Prctl.GetDumpable:
      return `${call.count} (${dumpable(call.count)})`;
    case Prctl.GetSpeculationCtrl:
      return `${hex(call.count)} (${speculationState(call.count)})`;
    case Prctl.MceKillGet:
      return `${call.count} (${machineCheckKill(call.count)})`;
    default:
      return undefined;
  }
}

/** An int that the kernel stored, by its name. */
function namedWord(call: Call, index: number, print: NumberPrinter): string {
  const stored = call.failed ? undefined : call.output(call.address(index));
  if (stored === undefined || stored.length < 4) return addressArg(call, index);
  return `[${print(i32(stored, 0))}]`;
}

const NAME_BYTES = 16;
const prctlMemory = regionArg('prctl');
export const prctlArg: ArgPrinter = (call, i) => {
  const option = call.int(0);
  const word = call.frame.args[i]!;
  switch (option) {
    case Prctl.GetSpeculationCtrl:
      return speculation(call.uint(i));
    case Prctl.SetPdeathsig:
      return signalName(call.int(i));
    case Prctl.CapbsetRead:
    case Prctl.CapbsetDrop:
      return capability(call.uint(i));
    case Prctl.SetTsc:
      return tscMode(call.uint(i));
    case Prctl.CapAmbient:
      if (i === 1) return ambientOption(call.uint(i));
      return i === 2 ? capability(call.uint(i)) : String(call.uint(i));
    case Prctl.SetMm:
      return i === 1 ? memoryMapOption(call.uint(i)) : prctlMemory(call, i);
    case Prctl.SetVma:
      if (i === 1) return word === 0 ? 'PR_SET_VMA_ANON_NAME' : hex(word);
      return i === 3 ? String(word) : prctlMemory(call, i);
    case Prctl.GetName: {
      const stored = call.output(call.address(i));
      return stored === undefined ? addressArg(call, i) : quoteField(stored, 0, NAME_BYTES);
    }
    case Prctl.SetDumpable:
      return dumpable(call.uint(i));
    case Prctl.GetTsc:
      return namedWord(call, i, tscMode);
    case Prctl.GetPdeathsig:
      return namedWord(call, i, signalName);
    case Prctl.SetKeepcaps:
    case Prctl.SetTimerslack:
    case Prctl.SetChildSubreaper:
    case Prctl.SetNoNewPrivs:
    case Prctl.GetNoNewPrivs:
    case Prctl.SetThpDisable:
    case Prctl.GetThpDisable:
      return String(word);
    case Prctl.SetName:
    case Prctl.GetChildSubreaper:
    case Prctl.GetTidAddress:
    case Prctl.SetSeccomp:
      return i === 1 && option === Prctl.SetSeccomp ? String(word) : prctlMemory(call, i);
    default:
      return call.address(i) === 0 ? hex(word) : prctlMemory(call, i);
  }
};
