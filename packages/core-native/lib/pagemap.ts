import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE_SIZE } from './abi.js';

const ENTRY = 8;
const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const OF_FILE = 1n << 61n;

/** What /proc/TID/pagemap tells of a page. */
export enum PageOwner {
  /** It is not there. */
  Nobody,
  /** It is what a file has there, or shared memory. */
  File,
  /** The process's own. */
  Process,
}

/** Whose the page at an address is. */
export function pageOwner(tid: number, addr: number): PageOwner {
  let fd: number;
  try {
    fd = openSync(`/proc/${tid}/pagemap`, 'r');
  } catch {
    return PageOwner.Nobody;
  }
  try {
    const entry = new BigUint64Array(1);
    const at = Math.floor(addr / PAGE_SIZE) * ENTRY;
    if (readSync(fd, entry, 0, ENTRY, at) !== ENTRY) return PageOwner.Nobody;
    const bits = entry[0]!;
    if ((bits & OF_FILE) !== 0n) return PageOwner.File;
    return (bits & (PRESENT | SWAPPED)) === 0n ? PageOwner.Nobody : PageOwner.Process;
  } finally {
    closeSync(fd);
  }
}
