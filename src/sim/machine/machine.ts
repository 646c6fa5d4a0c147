import type { Nanoseconds } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { KernelEvent, NetDevice, Process, Task } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Kernel } from '../../sys/index.ts';
import type { Engine } from '../../vm/index.ts';
import type { PacketFate } from '../net/network.ts';
import type { TestResult, TestRun } from '../programs/test-run.ts';

/** The engines that a program can run on: alike but for speed. */
export type EngineName = Engine['name'];

export interface BootOptions {
  readonly profile: KernelProfile;
  readonly cpus: number;
  /** bytes of simulated memory; 64 MiB when absent */
  readonly memory?: number;
  /** By name, or one of the caller's; the compiler when absent. */
  readonly engine?: EngineName | Engine;
  /** What get_prandom_u32 begins with; 1 when absent. */
  readonly seed?: number;
  /** Processes whose binaries can be probed and whose user stacks have names; none when absent. */
  readonly processes?: readonly Process[];
  /** Network devices beside `lo`, which is always there. */
  readonly devices?: readonly NetDevice[];
  /** What files of /proc say, by path; /proc/meminfo and /proc/loadavg say without it that nothing goes on. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A signal that a program sent with send_signal or send_signal_thread. */
export interface SentSignal {
  readonly time: Nanoseconds;
  readonly task: Task;
  readonly signal: number;
  /** To the thread alone, not to its process. */
  readonly thread: boolean;
}

/** The simulated kernel: a Kernel for those above the seam, and what only its owner may do, make things happen. */
export interface Machine extends Kernel, Disposable {
  /** Moves the clock on, takes the samples and fires the timers that are due; events before it can no longer be fired. */
  advanceTo(time: Nanoseconds): void;
  /** When the machine next does something by itself, samples or fires a timer; infinite when nothing is to come. */
  readonly nextDue: Nanoseconds;
  /** The id of a cgroup by its path from the root; one that nobody named before is made. */
  cgroupId(path: string): number;
  /** Plays one event: sets clock, CPU and task, and runs what is attached. @throws InputError for an event that cannot be (unknown function, CPU out of range) */
  fire(event: KernelEvent): void;
  /** What a program made the function under way on a task return instead of running (override_return), or undefined. */
  overridden(task: Task): bigint | undefined;
  /** What became of the packet of the last packet event: whether it went on to its protocol, or where it ended. */
  readonly packetFate: PacketFate;
  /** What programs sent, the first 1,000. */
  readonly signals: readonly SentSignal[];
  /** Runs a program by hand, which no verifier has seen. @throws SysError E2BIG, EINVAL, EBADF as programLoad */
  testRun(run: TestRun): TestResult;
  /** What became of the records that programs wrote, per CPU. */
  readonly ledger: LossLedger;
  /** What went wrong in programs while running: a trap of an engine, with the program's name; bounded. */
  readonly traps: readonly { readonly program: string; readonly message: string; readonly count: number }[];
}

/**
 * Every event that an attached program could have reported, accounted for, per CPU:
 * produced = delivered + lost + filtered, at any moment. The four are counted where they happen, each by itself, so
 * that the sum can be checked: produced where an attach point meets a link (one for each run due, and one for each
 * record beyond a run's first), delivered and lost by the rings and the links, filtered when a run ends.
 */
export interface LossLedger {
  readonly cpus: number;
  /** Runs due on that CPU, missed ones included, and records beyond the first of a run. */
  produced(cpu: number): number;
  /** Records that a ring took. */
  delivered(cpu: number): number;
  /** Records that found their ring full, or no ring; and runs that were missed or trapped before a record. */
  lost(cpu: number): number;
  /** Runs that ended without trying to write a record. */
  filtered(cpu: number): number;
  /** Of those delivered: written and not read yet. */
  pending(cpu: number): number;
}

/** A machine with its memory, for whoever looks behind the seam. */
export interface OpenMachine extends Machine {
  readonly memory: Memory;
}
