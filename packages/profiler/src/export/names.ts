import { posix } from 'node:path';
import type { TaskInfo } from '../events/task-info.js';

/** `make`; the task's number where the log does not tell what it executes. */
export function programName({ path, task }: TaskInfo): string {
  return path === '' ? `task ${task}` : posix.basename(path);
}
