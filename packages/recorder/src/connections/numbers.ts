import { numberAgentConnection, readAgentConnection } from '@scribe-ts/core-native';
import { type ConnectionInRun, connectionsInRun } from '@scribe-ts/tracelog';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import { familyOf, isInternet } from './addresses.js';

/** The agent's clock may be so far behind, ns: it is moved on by the timer's interrupts, of which there are at least 100 a second. */
const SLACK_NS = 10_000_000;

/** Gives their numbers to the connections in frames of the agent. `base`: CLOCK_MONOTONIC of what was before, ns. */
export function numberConnections(
  session: Session,
  task: Task,
  run: Uint8Array,
  base: number,
): void {
  for (const found of connectionsInRun(run, base - session.startNs))
    numberAgentConnection(run, found.offset, numberOf(session, task, run, found));
}

function numberOf(session: Session, task: Task, run: Uint8Array, found: ConnectionInRun): number {
  const { connections } = session;
  const { before, local, offset, peer, time } = found;
  const { accepted, inode, peerPid, stream, underWay } = readAgentConnection(run, offset);
  const end = { local, peer, inode, peerPid };
  if (isInternet(familyOf(local))) {
    if (accepted) return connections.acceptedInternet(end, time, SLACK_NS);
    if (!stream) return connections.fresh();
    // The call began between the frame before it and its own.
    return connections.connectedInternet(end, before, time - before + SLACK_NS, underWay);
  }
  return accepted
    ? connections.acceptedUnix(end, task, time, SLACK_NS)
    : connections.connectedUnix(end, task, before);
}
