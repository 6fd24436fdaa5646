import { getSystemErrorName } from 'node:util';

/** An operation the kernel refused. `code` is the errno's name ('ESRCH'), `operation` the system call or step. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly errno: number;
  readonly code: string;
  readonly operation: string;

  constructor(errno: number, operation: string, detail = '') {
    const code = getSystemErrorName(-errno);
    super(`${operation}${detail === '' ? '' : ` ${detail}`}: ${code}`);
    this.errno = errno;
    this.code = code;
    this.operation = operation;
  }
}
