import { assertNever, hex64, u64 } from '../base/index.ts';
import { frameSize, maxCallFrames, type TrapKind } from './engine.ts';

/** What a trap was about: the address and bytes of an access, the id of a call (in `low`), the run's budget. */
export interface TrapFacts {
  readonly low: number;
  readonly high: number;
  readonly size: number;
  readonly budget: number | undefined;
}

/** A trap in one line for people; the same from every engine. */
export function trapMessage(kind: TrapKind, facts: TrapFacts): string {
  const access = `${facts.size} bytes at ${hex64(u64(facts.high, facts.low))}`;
  switch (kind) {
    case 'unmapped-address':
      return `access to ${access}, which is not mapped`;
    case 'read-only-address':
      return `write to ${access}, which is read-only`;
    case 'stack-overflow':
      return `access below the ${frameSize} bytes of its stack frame`;
    case 'call-depth':
      return `more than ${maxCallFrames} call frames`;
    case 'budget-exhausted':
      return `more than ${facts.budget} instructions`;
    case 'bad-instruction':
      return 'an instruction that cannot run here';
    case 'unknown-helper':
      return `call of helper ${facts.low}, which this kernel does not have`;
    case 'off-the-end':
      return 'control ran off the end of the program';
    default:
      return assertNever(kind);
  }
}
