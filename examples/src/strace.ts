/**
 * A strace of one's own: which process called what, how long it took, and what its descriptors were.
 *
 *   node examples/dist/strace.js LOG [CALL…]
 */
import { decodeEvents, type SyscallEvent } from '@scribe-ts/profiler';
import { openLog } from '@scribe-ts/tracelog';

const [path, ...calls] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: strace LOG [CALL…]');
  process.exit(2);
}
using log = openLog(path);
for (const event of decodeEvents(log)) {
  if (event.type === 'syscall' && (calls.length === 0 || calls.includes(event.name)))
    console.log(line(event));
  else if (event.type === 'exit' && calls.length === 0)
    console.log(
      `${event.info.pid} ended with ${event.code < 0 ? `signal ${event.signal}` : event.code}`,
    );
}

function line(event: SyscallEvent): string {
  const took = event.duration === undefined ? '' : ` <${(event.duration / 1e9).toFixed(6)}>`;
  const files = event.fds.map(({ fd, meaning }) => `${fd}=${meaning?.text ?? '?'}`);
  return `${event.info.pid} ${event.text}${took}${files.length === 0 ? '' : ` {${files.join(' ')}}`}`;
}
