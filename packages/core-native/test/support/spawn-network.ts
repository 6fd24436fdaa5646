// Run by an unprivileged user: a program in a network of its own prints its uid and its interfaces.
import { EventKind, NativeError, Resume, Tracer } from '../../lib/index.js';

const tracer = new Tracer();
try {
  const command = 'echo $(id -u) $(tail -n +3 /proc/net/dev | cut -d: -f1)';
  const { tid } = tracer.spawn({
    file: '/bin/sh',
    argv: ['sh', '-c', command],
    envp: ['PATH=/usr/bin:/bin'],
    newNetwork: true,
  });
  const { event } = tracer;
  tracer.resume(tid, Resume.Cont, 0);
  for (let kind; (kind = tracer.wait(-1)) !== EventKind.NoTracees;) {
    if (kind === EventKind.Exited) continue;
    tracer.resume(event[0]!, Resume.Cont, kind === EventKind.Signal ? event[2]! : 0);
  }
} catch (error) {
  if (!(error instanceof NativeError)) throw error;
  process.stdout.write(error.message);
}
