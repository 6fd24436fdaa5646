import type { Socket } from './model/socket.js';
import { pathIn } from './model/socket-address.js';
import type { Remote } from './remote.js';

const AF_UNIX = 1;
const EADDRINUSE = 98;
const ECONNREFUSED = 111;
const O_PATH = 0o10000000;

/** What there is to know of a socket that is to be bound. */
export type Bindable = Pick<Socket, 'bound' | 'boundIn' | 'family' | 'type'>;

/**
 * Binds a socket to the address that it had. A file that the recording has left there, in which nobody listens any more, is
 * replaced. Returns 0 or a negative errno.
 */
export function bindSocket(remote: Remote, fd: number, socket: Bindable): number {
  const { bound, boundIn, family } = socket;
  const bind = (): number => remote.call('bind', fd, remote.put(bound!), bound!.length);
  const path = family === AF_UNIX ? pathIn(bound!) : '';
  if (path === '') return bind();
  // Where it is bound is told by the path as the program gave it.
  return inDirectory(remote, boundIn, () => {
    const result = bind();
    if (result !== -EADDRINUSE || !isDead(remote, socket)) return result;
    remote.call('unlink', remote.text(path));
    return bind();
  });
}

/** Makes calls in a working directory. */
export function inDirectory<T>(remote: Remote, directory: string, act: () => T): T {
  const here = remote.call('open', remote.text('.'), O_PATH, 0);
  remote.call('chdir', remote.text(directory));
  const result = act();
  remote.call('fchdir', here);
  remote.call('close', here);
  return result;
}

/** Whether nobody is behind the address of a socket. */
function isDead(remote: Remote, { family, type, bound }: Bindable): boolean {
  const probe = remote.call('socket', family, type, 0);
  const result = remote.call('connect', probe, remote.put(bound!), bound!.length);
  remote.call('close', probe);
  return result === -ECONNREFUSED;
}
