import { type ErrnoName, type FaultDetails, SysError, TracebedError } from '../base/index.ts';

/** What the kernel refused to the author of a tool: which errno, at which step, and the system call's own words as cause. */
export class BpfError extends TracebedError {
  readonly errno: ErrnoName;
  /** `map create`, `program load`, `attach`, `perf event`. */
  readonly op: string;
  /** Of a program that was refused: all that the verifier said, and what a kernel that explains itself said for people. */
  readonly log: string | undefined;
  readonly explanation: string | undefined;

  constructor(
    errno: ErrnoName,
    op: string,
    message: string,
    details: FaultDetails = {},
    said: { readonly text?: string; readonly explanation?: string } = {},
  ) {
    super(`${message} (${errno})`, details);
    this.errno = errno;
    this.op = op;
    this.log = said.text;
    this.explanation = said.explanation;
  }
}

/** Runs one request to the kernel; its refusal becomes a BpfError, with what `explain` adds to it. */
export function request<T>(
  op: string,
  message: string,
  work: () => T,
  explain: (fault: SysError) => Omit<FaultDetails, 'cause'> = () => ({}),
): T {
  try {
    return work();
  } catch (fault) {
    if (!(fault instanceof SysError)) throw fault;
    const own = {
      ...(fault.at ? { at: fault.at } : {}),
      ...(fault.expected === undefined ? {} : { expected: fault.expected }),
      ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    };
    throw new BpfError(fault.errno, op, `${message}: ${fault.reason}`, { ...own, ...explain(fault), cause: fault });
  }
}
