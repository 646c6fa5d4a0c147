import { type FaultDetails, type Position, SysError } from '../base/index.ts';
import type { LineInfo } from '../object/index.ts';
import type { Fd, Kernel, ProgramLoad, ProgramLog } from '../sys/index.ts';
import { BpfError } from './bpf-error.ts';

/**
 * A program that the kernel refuses is loaded once more with a log, as libbpf does: the first time costs no log, and
 * the second says why.
 */
const logSize = 16 << 20;
/** Lines of the log that a fault shows; the whole of it is in `BpfError.log`. */
const shownLines = 12;

/** @throws BpfError with the verifier's log, at the source line of the instruction that it refused */
export function loadOrExplain(kernel: Kernel, attributes: ProgramLoad): Fd {
  try {
    return kernel.programLoad(attributes);
  } catch (fault) {
    if (!(fault instanceof SysError)) throw fault;
    throw refusal(fault, attributes, logOf(kernel, attributes));
  }
}

function logOf(kernel: Kernel, attributes: ProgramLoad): ProgramLog {
  const log: ProgramLog = { level: 1, size: logSize, text: '', trueSize: 0 };
  try {
    kernel.close(kernel.programLoad({ ...attributes, log }));
  } catch (fault) {
    // The same refusal again; what is new is in the log.
    if (!(fault instanceof SysError)) throw fault;
  }
  return log;
}

function refusal(fault: SysError, { name, lines }: ProgramLoad, log: ProgramLog): BpfError {
  const at = refusedAt(log.text, lines ?? []) ?? fault.at;
  const hint = hintOf(fault, log);
  const details: FaultDetails = {
    ...(at === undefined ? {} : { at }),
    ...(fault.expected === undefined ? {} : { expected: fault.expected }),
    ...(hint === undefined ? {} : { hint }),
    cause: fault,
  };
  return new BpfError(fault.errno, 'program load', `program ${name} is refused: ${fault.reason}`, details, log);
}

function hintOf(fault: SysError, { text, explanation }: ProgramLog): string | undefined {
  const end = text.trimEnd().split('\n').slice(-shownLines);
  const parts = [
    ...(fault.hint === undefined ? [] : [fault.hint]),
    ...(text === '' ? [] : [['the verifier’s log ends:', ...end].join('\n    ')]),
    ...(explanation === undefined ? [] : [explanation.trimEnd().replaceAll('\n', '\n  ')]),
  ];
  return parts.length === 0 ? undefined : parts.join('\n  ');
}

/** Where the source says the last instruction that the log shows: the first line of the program when it shows none. */
function refusedAt(log: string, lines: readonly LineInfo[]): Position | undefined {
  const last = [...log.matchAll(/^(\d+): \(/gm)].at(-1);
  const slot = last ? Number(last[1]) : 0;
  return lines.findLast((line) => line.slot <= slot)?.at ?? lines[0]?.at;
}
