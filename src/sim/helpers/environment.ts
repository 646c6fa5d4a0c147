import type { Random } from '../../base/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { HelperName } from '../../uapi/index.ts';
import type { Helper } from '../../vm/index.ts';
import type { Current } from '../current.ts';
import type { Ledger } from '../ledger.ts';
import type { Tasks } from '../objects/tasks.ts';
import type { SignalLog } from '../signals.ts';
import type { Stacks } from '../stacks.ts';
import type { SymbolTable } from '../symbols.ts';
import type { TracePipe } from '../trace-pipe.ts';
import type { UserSpace } from '../user-space.ts';

/** What helper bodies work on. */
export interface HelperEnvironment {
  readonly memory: Memory;
  readonly current: Current;
  /** Maps by the offset that a program's pointer to them holds. */
  readonly maps: ReadonlyMap<number, BpfMap>;
  readonly tasks: Tasks;
  readonly stacks: Stacks;
  readonly symbols: SymbolTable;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly pipe: TracePipe;
  readonly userSpace: UserSpace;
  readonly signals: SignalLog;
  /** The kernel passes a tracepoint while a helper works: `bpf_trace:bpf_trace_printk`. */
  readonly passed: (tracepoint: string) => void;
}

/** Helper bodies by the kernel's names without `bpf_`. */
export type HelperBodies = Partial<Record<HelperName, Helper>>;
