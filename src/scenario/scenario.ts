import type { Observable, SchedulerLike } from 'rxjs';
import type { Nanoseconds, Random } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { KernelEvent, NetDevice, Process, Task } from '../events/index.ts';

/** A scenario: a name, a line, and the Observable of what happens. The same stage options give the same events. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** CPUs that it plays on when the user does not say; 2 when absent. */
  readonly cpus?: number;
  /** How long it lasts by itself, when it ends; an endless one is cut by the user's duration, 60 s by default. */
  readonly duration?: Nanoseconds;
  /** Real time of the scenario's time 0, ns since 1970, when it comes from a recording. */
  readonly epoch?: bigint;
  /** The processes in it whose programs and libraries can be probed, and whose user stacks have names. */
  readonly processes?: readonly Process[];
  /** The network devices in it, beside `lo`: packets can be at them, and programs be attached to them. */
  readonly devices?: readonly NetDevice[];
  /** What files of /proc say, by path: `/proc/meminfo`, `/proc/loadavg`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Maps that somebody has filled and pinned before the run: what tools take with --cgroupmap and --mntnsmap. */
  readonly containerMaps?: readonly ContainerMap[];
  /** What a user should know of it on this kernel: events that are left out, packets without bytes. */
  readonly notes?: (profile: KernelProfile) => readonly string[];
  events(stage: Stage): Observable<KernelEvent>;
}

/** A pinned hash map whose keys are the ids of cgroups, or the numbers of mount namespaces. */
export interface ContainerMap {
  /** Below /sys/fs/bpf/. */
  readonly path: string;
  /** Cgroups by path, `/system.slice/ssh.service`. */
  readonly cgroups?: readonly string[];
  readonly mountNamespaces?: readonly number[];
}

/** What a scenario plays on: virtual time, seeded chance, and the kernel that it is played to. */
export interface Stage {
  readonly profile: KernelProfile;
  readonly random: Random;
  readonly cpus: number;
  /** When the user wants it to end; events after it are not played. */
  readonly duration: Nanoseconds;
  /** RxJS scheduler on the virtual clock. Its unit is ns: `interval(us(10), stage.scheduler)` ticks each 10 us. */
  readonly scheduler: VirtualScheduler;
  /**
   * What a program made the call under way on a task return instead of running, or undefined; asked right behind the
   * entry that a scenario has emitted. Absent where nothing is attached: when a scenario is only listed or recorded.
   */
  readonly overridden?: (task: Task) => bigint | undefined;
  /**
   * Whether the packet of the event just emitted went on to its protocol, or out; asked right behind the event. Absent
   * where nothing is attached: then every packet does.
   */
  readonly passed?: () => boolean;
}

/** A scheduler whose time moves only when its owner says so; work of the same time runs in the order scheduled. */
export interface VirtualScheduler extends SchedulerLike {
  /** Virtual ns. */
  now(): number;
  /** Time of the next piece of work, or undefined when there is none. */
  readonly next: Nanoseconds | undefined;
  /** Runs all work up to and including `time`, in order, and leaves the clock at `time`. */
  advanceTo(time: Nanoseconds): void;
}
