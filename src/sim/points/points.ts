import type { AttachTarget } from '../../sys/index.ts';
import type { ArgumentCalls, ArgumentsContext } from '../contexts/arguments.ts';
import type { RecordContext } from '../contexts/records.ts';
import type { FunctionContext } from '../contexts/registers.ts';
import { Resource } from '../fds/fds.ts';
import type { ProgramResource } from '../programs/programs.ts';
import { ReturnInstances } from './calls.ts';

/**
 * Attach points: a function with its kprobes, kretprobes and tracing programs, a tracepoint, a raw tracepoint, a place
 * in a binary. Each keeps its links in
 * a flat array in the order of attaching, which is the order in which they run. A point's context writer is made when
 * something is first attached.
 */
export class FunctionPoint {
  readonly name: string;
  readonly entries: LinkResource[] = [];
  readonly exits: LinkResource[] = [];
  context: FunctionContext | undefined;
  /** Tracing programs: fentry and fexit. */
  readonly fentries: LinkResource[] = [];
  readonly fexits: LinkResource[] = [];
  /** Those that may make it return without running: fmod_ret, and lsm on a hook. */
  readonly modifiers: LinkResource[] = [];
  arguments: ArgumentsContext | undefined;
  /** Calls that fexit programs wait for. */
  calls: ArgumentCalls | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** Those by which a task's state is known. */
const schedulingPoints: ReadonlySet<string> = new Set([
  'sched:sched_switch',
  'sched:sched_wakeup',
  'sched:sched_wakeup_new',
]);

export class TracepointPoint {
  readonly name: string;
  readonly links: LinkResource[] = [];
  context: RecordContext | undefined;
  /** Whether a child of the task that passes it is there from then on. */
  readonly forks: boolean;
  /** Whether the task that passes it ends there. */
  readonly ends: boolean;
  /** Whether it tells of a task that goes to sleep or is woken. */
  readonly schedules: boolean;
  /** The point of its raw tracepoint; null when this kernel has none. */
  readonly raw: RawPoint | null;

  constructor(name: string, raw: RawPoint | null) {
    this.name = name;
    this.ends = name === 'sched:sched_process_exit';
    this.forks = name === 'sched:sched_process_fork';
    this.schedules = schedulingPoints.has(name);
    this.raw = raw;
  }
}

/** A raw tracepoint: raw_tracepoint programs and tracing programs of its BTF type. */
export class RawPoint {
  readonly name: string;
  readonly links: LinkResource[] = [];
  context: ArgumentsContext | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** A place in a binary: the begin of a function, or a USDT probe. */
export class UserPoint {
  /** The function that begins there, or that the probe stands in. */
  readonly function: string;
  /** Halves of its address in every process that maps the binary. */
  readonly low: number;
  readonly high: number;
  readonly entries: LinkResource[] = [];
  readonly exits: LinkResource[] = [];

  constructor(name: string, high: number, low: number) {
    this.function = name;
    this.high = high;
    this.low = low;
  }
}

/** Bits of a cookie that is absent. */
const noCookie = 0n;

export class LinkResource extends Resource {
  override readonly kind = 'link';
  readonly target: AttachTarget;
  readonly program: ProgramResource;
  /** Of a kretprobe or uretprobe. */
  readonly instances: ReturnInstances | undefined;
  /** The one process that it is for; 0 for all. */
  readonly pid: number;
  readonly cookieLow: number;
  readonly cookieHigh: number;
  readonly #counts = new Float64Array(2);
  readonly #list: LinkResource[];

  /**
   * @param list where the point keeps its links of this kind
   * @param maxActive of a probe of returns: calls under way at once; 0 for all others
   */
  constructor(target: AttachTarget, program: ProgramResource, list: LinkResource[], maxActive: number) {
    super();
    this.target = target;
    this.program = program;
    this.instances = maxActive > 0 ? new ReturnInstances(maxActive) : undefined;
    this.pid = 'pid' in target ? (target.pid ?? 0) : 0;
    const cookie = target.cookie ?? noCookie;
    this.cookieLow = Number(BigInt.asIntN(32, cookie));
    this.cookieHigh = Number(BigInt.asIntN(32, cookie >> 32n));
    this.#list = list;
    program.hold();
    list.push(this);
  }

  get hits(): number {
    return this.#counts[0] as number;
  }

  get missed(): number {
    return this.#counts[1] as number;
  }

  countHit(): void {
    this.#counts[0]!++;
  }

  countMissed(): void {
    this.#counts[1]!++;
  }

  /** Takes it from its point, though it may live on: another program has its place. */
  detach(): void {
    const index = this.#list.indexOf(this);
    if (index >= 0) this.#list.splice(index, 1);
  }

  protected override release(): void {
    this.detach();
    this.program.letGo();
  }
}
