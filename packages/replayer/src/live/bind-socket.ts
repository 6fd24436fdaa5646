import type { Socket } from './model/socket.js';
import type { Remote } from './remote.js';

const AF_UNIX = 1;
const EADDRINUSE = 98;
const ECONNREFUSED = 111;
const O_PATH = 0o10000000;
/** Of struct sockaddr_un: where its path begins. */
const SUN_PATH = 2;

/**
 * Binds a socket to the address that it had. A file that the recording has left there, in which nobody listens any more, is
 * replaced. Returns 0 or a negative errno.
 */
export function bindSocket(remote: Remote, fd: number, socket: Socket): number {
  const { bound, boundIn, family } = socket;
  const bind = (): number => remote.call('bind', fd, remote.put(bound!), bound!.length);
  const path = family === AF_UNIX ? pathIn(bound!) : '';
  if (path === '') return bind();
  // Where it is bound is told by the path as the program gave it.
  const here = remote.call('open', remote.text('.'), O_PATH, 0);
  remote.call('chdir', remote.text(boundIn));
  let result = bind();
  if (result === -EADDRINUSE && isDead(remote, socket)) {
    remote.call('unlink', remote.text(path));
    result = bind();
  }
  remote.call('fchdir', here);
  remote.call('close', here);
  return result;
}

/** Whether nobody is behind the address of a socket. */
function isDead(remote: Remote, { family, type, bound }: Socket): boolean {
  const probe = remote.call('socket', family, type, 0);
  const result = remote.call('connect', probe, remote.put(bound!), bound!.length);
  remote.call('close', probe);
  return result === -ECONNREFUSED;
}

/** '' for an abstract address. */
function pathIn(address: Uint8Array): string {
  const end = address.indexOf(0, SUN_PATH);
  return Buffer.from(address.subarray(SUN_PATH, end < 0 ? address.length : end)).toString();
}
