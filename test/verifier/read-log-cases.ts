import { assemble } from '../../src/isa/index.ts';
import { helperByName, type ProgramType } from '../../src/uapi/index.ts';
import type { LineInfo } from '../../src/verifier/index.ts';

/**
 * Cases of `log/cases.json`: a program with the level and the size of its log, and what the running kernel made of it.
 * `npm run fixtures:verifier` asks the kernel again.
 */
export interface LogCase {
  readonly name: string;
  readonly type: ProgramType;
  readonly source: readonly string[];
  readonly lines?: readonly LineInfo[];
  readonly level: number;
  /** 16 MiB when absent. */
  readonly size?: number;
  readonly answer: { readonly errno: string | null; readonly trueSize: number; readonly log: string };
}

export function codeOf({ source }: LogCase): Uint8Array {
  return assemble(source.join('\n'), { helper: (name) => helperByName(name)?.id }).code;
}

/** Real time, which is different every time: it and what its digits make of the log's length. */
export function withoutTime(log: string): string {
  return log.replace(/verification time \d+ usec/, 'verification time 0 usec');
}
