import type { ErrnoName } from '../base/index.ts';

/**
 * How the verifier's own code leaves a program that it refuses: thrown with the errno where the fault is found, after
 * its message went to the log, and caught once, in `verify`, which makes a value of it.
 */
export class Rejection extends Error {
  readonly errno: ErrnoName;

  constructor(errno: ErrnoName, message: string) {
    super(message);
    this.errno = errno;
  }
}
