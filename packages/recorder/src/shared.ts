import { proceed } from './calls.js';
import type { Session } from './session.js';
import type { SharedObject } from './shared-objects.js';
import {
  type AddressSpace,
  type Domain,
  type SharedMapping,
  type Task,
  TaskState,
} from './tasks.js';

/**
 * The task has mapped shared memory. Those who see it change, or change what the task sees, become one domain with the
 * task's; `then` runs, with the baton, when they are.
 */
export function joinSharers(
  session: Session,
  task: Task,
  mapping: SharedMapping,
  then: () => void,
): void {
  const object = mapping.object;
  task.space.shared.push(mapping);
  task.proceedsLater = joinAll(
    session,
    task,
    (other) => other.object === object && (other.writable || mapping.writable || isChanged()),
    then,
    () => proceed(session, task),
  );
  function isChanged(): boolean {
    return session.objects.isChanged(object);
  }
}

/**
 * The task is about to change the file of an object by a system call: all who have it mapped must see that at one point
 * of their streams. `then` runs, with the baton, when they are in the task's domain. True if there were any: `resume`
 * runs after `then`.
 */
export function joinViewers(
  session: Session,
  task: Task,
  object: SharedObject,
  then: () => void,
  resume: () => void,
): boolean {
  return joinAll(session, task, (other) => other.object === object.id, then, resume);
}

/** True if memory of the address space changes by stores that are made elsewhere, or its stores are seen there. */
export function seesStores(session: Session, space: AddressSpace): boolean {
  for (const mapping of space.shared) {
    if (mapping.writable) return true;
    for (const other of session.tasks.values()) {
      if (other.state === TaskState.Dead) continue;
      const { shared } = other.space;
      if (shared.some((theirs) => theirs.writable && theirs.object === mapping.object)) return true;
    }
  }
  return false;
}

/** True if a task of another domain has the object mapped. */
export function hasOtherViewers(session: Session, task: Task, object: SharedObject): boolean {
  for (const other of session.tasks.values()) {
    if (other.domain === task.domain || other.state === TaskState.Dead) continue;
    if (other.space.shared.some((mapping) => mapping.object === object.id)) return true;
  }
  return false;
}

/**
 * Merges every domain with such a mapping into the task's, one after the other, and calls `then`. False if there was
 * none; otherwise the task has lost its turn on the way, and `resume` takes it on.
 */
function joinAll(
  session: Session,
  task: Task,
  concerns: (mapping: SharedMapping) => boolean,
  then: () => void,
  resume: () => void,
): boolean {
  const find = (): Domain | undefined => {
    for (const { domain, state, space } of session.tasks.values()) {
      if (domain === task.domain || state === TaskState.Dead) continue;
      if (space.shared.some(concerns)) return domain;
    }
    return undefined;
  };
  const join = (from: Domain): void =>
    mergeBehind(session, task, from, () => {
      const another = find();
      if (another !== undefined) {
        join(another);
        return;
      }
      task.blocked = false;
      then();
      resume();
    });
  const first = find();
  if (first === undefined) then();
  else join(first);
  return first !== undefined;
}

/**
 * Makes two domains one. The holder of `from` may be running user code: it keeps the baton, and the task, which is in a
 * call, gets it after that. So nobody has to be waited for.
 */
function mergeBehind(session: Session, task: Task, from: Domain, then: () => void): void {
  const into = task.domain;
  session.baton.giveWay(task);
  session.emitTo(from, {
    type: 'merged',
    task: from.tasks.values().next().value!.uid,
    time: session.now,
    into: into.stream,
  });
  session.endStream(from.stream);
  session.emit(task, { type: 'merge', task: task.uid, time: session.now, from: from.stream });
  for (const member of from.tasks) {
    member.domain = into;
    into.tasks.add(member);
  }
  into.ready.push(...from.ready);
  into.holder = from.holder;
  into.since = from.since;
  from.tasks.clear();
  from.ready.length = 0;
  from.holder = undefined;
  session.baton.request(task, then);
}
