import { posix } from 'node:path';
import { taskNumber } from '../format/common.js';
import type { TaskInfo } from '../events/task-info.js';

/** `make`; the task's number where the log does not tell what it executes. */
export function programName({ path, task }: TaskInfo): string {
  return path === '' ? `task ${task}` : posix.basename(path);
}

/** `[03] make, pid 12, tid 13`; the thread id where it is another. */
export function taskTitle(info: TaskInfo): string {
  const { task, pid, tid } = info;
  const thread = tid === pid ? '' : `, tid ${tid}`;
  return `[${taskNumber(task)}] ${programName(info)}, pid ${pid}${thread}`;
}
