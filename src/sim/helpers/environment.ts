import type { Random } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { BpfMap, RingBufferMap } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { HelperName } from '../../uapi/index.ts';
import type { CallWindow, Helper } from '../../vm/index.ts';
import type { Current } from '../machine/current.ts';
import type { Ledger } from '../machine/ledger.ts';
import type { SignalLog } from '../machine/signals.ts';
import type { Stacks } from '../machine/stacks.ts';
import type { SymbolTable } from '../machine/symbols.ts';
import type { Timers } from '../machine/timers.ts';
import type { TracePipe } from '../machine/trace-pipe.ts';
import type { PacketBuffers } from '../net/buffers.ts';
import type { Network } from '../net/network.ts';
import type { CgroupObjects } from '../objects/cgroup-objects.ts';
import type { KernelVariables } from '../objects/kernel-variables.ts';
import type { Packets } from '../objects/packets.ts';
import type { Sockets } from '../objects/sockets.ts';
import type { Structs } from '../objects/structs.ts';
import type { Tasks } from '../objects/tasks.ts';
import type { Cgroups } from '../processes/cgroups.ts';
import type { UserMemory } from '../processes/user-memory.ts';
import type { UserSpace } from '../processes/user-space.ts';
import type { Dynptrs } from './dynptrs.ts';

/** What helper bodies work on. */
export interface HelperEnvironment {
  readonly profile: KernelProfile;
  readonly memory: Memory;
  /** Through which all helper calls pass. */
  readonly window: CallWindow;
  readonly current: Current;
  /** Maps by the offset that a program's pointer to them holds. */
  readonly maps: ReadonlyMap<number, BpfMap>;
  /** Ringbufs by the offset of their consumer page. */
  readonly rings: ReadonlyMap<number, RingBufferMap>;
  readonly tasks: Tasks;
  readonly userMemory: UserMemory;
  readonly sockets: Sockets;
  readonly structs: Structs;
  readonly variables: KernelVariables;
  readonly cgroups: Cgroups;
  readonly cgroupObjects: CgroupObjects;
  readonly stacks: Stacks;
  readonly symbols: SymbolTable;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly pipe: TracePipe;
  readonly userSpace: UserSpace;
  readonly signals: SignalLog;
  readonly dynptrs: Dynptrs;
  readonly timers: Timers;
  readonly network: Network;
  /** Packets that programs see through their contexts. */
  readonly packets: PacketBuffers;
  /** Packets that tracers see as struct sk_buff. */
  readonly skbs: Packets;
  /** The kernel passes a tracepoint while a helper works: `bpf_trace:bpf_trace_printk`. */
  readonly passed: (tracepoint: string) => void;
}

/** Helper bodies by the kernel's names without `bpf_`. */
export type HelperBodies = Partial<Record<HelperName, Helper>>;
