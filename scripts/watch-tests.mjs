// Watches a test run that nobody looks at: says once a minute how far it is, shows the processes when no test has
// ended for long, and ends the run when it takes too long, so that a test that hangs is named instead of waited for.
import { execFileSync } from 'node:child_process';
import { clearInterval, setInterval } from 'node:timers';

const MINUTE = 60_000;
/** Above the limit of what single tests start (300 s), below AVA's own of ten minutes, at which its TAP report breaks. */
const SILENCE_MS = 8 * MINUTE;

/** The process table's lines of pid's descendants, the children's after their parent's. */
function descendants(pid) {
  const columns = 'pid=,ppid=,etimes=,stat=,wchan:24=,args=';
  const table = execFileSync('ps', ['-eo', columns], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const children = new Map();
  for (const line of table.split('\n')) {
    const [id, parent] = line.trim().split(/\s+/, 2).map(Number);
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push({ pid: id, line });
  }
  const below = (parent) =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/**
 * Watches the run of the process `child`. `line` is to be called with each line of its TAP report; `say` prints a line;
 * `tooLong` is called with what is wrong before everything is killed: a run of more than `limitMinutes`, or a test that
 * hangs.
 */
export function watchTests(child, { limitMinutes, say, tooLong }) {
  const start = Date.now();
  const counts = { ok: 0, failed: 0 };
  let last = { time: start, name: 'none' };
  const timer = setInterval(() => {
    const now = Date.now();
    const minutes = Math.round((now - start) / MINUTE);
    say(`# ${minutes} min: ${counts.ok} ok, ${counts.failed} not ok; last ended: ${last.name}`);
    if (now - last.time >= SILENCE_MS) end(`no test has ended for ${SILENCE_MS / MINUTE} minutes`);
    else if (now - start >= limitMinutes * MINUTE)
      end(`the tests took more than ${limitMinutes} minutes`);
  }, MINUTE);
  child.on('close', () => clearInterval(timer));

  function end(why) {
    clearInterval(timer);
    const processes = descendants(child.pid);
    tooLong(`${why}; the last that ended: ${last.name}`);
    for (const { line } of processes) say(`# ${line.slice(0, 200)}`);
    // AVA first, so that it does not start the next test file.
    for (const pid of [child.pid, ...processes.map((one) => one.pid)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  return {
    line(text) {
      const ended = /^(not )?ok \d+ - (.*)$/.exec(text);
      if (ended === null) return;
      if (ended[1] === undefined) counts.ok++;
      else counts.failed++;
      last = { time: Date.now(), name: ended[2] };
    },
  };
}
