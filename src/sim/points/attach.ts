import { assertNever, InputError, type Nanoseconds, nearestHint, SysError } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { Task } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { AttachTarget, Fd, LinkInfo, SamplingTarget, UserTarget } from '../../sys/index.ts';
import { type AttachType, type ProgramType, perfCounters, placeAttachTypes } from '../../uapi/index.ts';
import { ArgumentCalls, hasRawTracepoint, rawContext, trampolineContext } from '../contexts/arguments.ts';
import { RecordContext } from '../contexts/records.ts';
import { FunctionContext } from '../contexts/registers.ts';
import type { Values } from '../contexts/values.ts';
import type { FdTable } from '../fds/fds.ts';
import type { Stacks } from '../machine/stacks.ts';
import type { SymbolTable } from '../machine/symbols.ts';
import { isNetworkTarget, type NetworkPoints, type NetworkTarget } from '../net/attach.ts';
import type { UserSpace } from '../processes/user-space.ts';
import type { Attachment, ProgramResource } from '../programs/programs.ts';
import { defaultMaxActive } from './calls.ts';
import { isErrorInjectable } from './overrides.ts';
import { FunctionPoint, LinkResource, RawPoint, TracepointPoint, type UserPoint } from './points.ts';
import type { Sampling } from './sampling.ts';

/** What the writers of contexts work with. */
export interface ContextParts {
  readonly profile: KernelProfile;
  readonly memory: Memory;
  readonly symbols: SymbolTable;
  readonly values: Values;
  readonly stacks: Stacks;
  readonly userSpace: UserSpace;
  readonly sampling: Sampling;
  readonly network: NetworkPoints;
}

const op = 'attach';
/** KRETPROBE_MAXACTIVE_MAX (kernel/trace/trace_kprobe.c) */
const mostActive = 4096;
/** MAX_URETPROBE_DEPTH of each task bounds them; what all tasks together may hold has no bound that is reached. */
const uretprobes = 0x3fff_ffff;
/** sysctl kernel.perf_event_max_sample_rate */
const mostSamples = 100_000;

/** The types of programs that a kind of target takes. */
const programsOf: Readonly<Record<AttachTarget['kind'], readonly ProgramType[]>> = {
  kprobe: ['kprobe'],
  kretprobe: ['kprobe'],
  uprobe: ['kprobe'],
  uretprobe: ['kprobe'],
  tracepoint: ['tracepoint'],
  raw_tracepoint: ['raw_tracepoint', 'raw_tracepoint_writable', 'tracing'],
  fentry: ['tracing'],
  fexit: ['tracing'],
  fmod_ret: ['tracing'],
  lsm: ['lsm'],
  perf_event: ['perf_event'],
  xdp: ['xdp'],
  tc: ['sched_cls'],
  socket: ['socket_filter'],
};

/** All attach points that events or programs have named, and the links on them. */
export class AttachPoints {
  readonly #parts: ContextParts;
  readonly #fds: FdTable;
  readonly #cpus: number;
  readonly #functions = new Map<string, FunctionPoint>();
  readonly #tracepoints = new Map<string, TracepointPoint>();
  readonly #raw = new Map<string, RawPoint>();

  constructor(parts: ContextParts, fds: FdTable, cpus: number) {
    this.#parts = parts;
    this.#fds = fds;
    this.#cpus = cpus;
  }

  /** The point of a function. @throws InputError when this kernel has none of the name */
  function(name: string): FunctionPoint {
    return this.#functions.get(name) ?? this.#newFunction(name);
  }

  /** The point of a tracepoint. @throws InputError when this kernel has none of the name */
  tracepoint(name: string): TracepointPoint {
    return this.#tracepoints.get(name) ?? this.#newTracepoint(name);
  }

  /** The point of a tracepoint that something has named, or undefined. */
  findTracepoint(name: string): TracepointPoint | undefined {
    return this.#tracepoints.get(name);
  }

  /** The point of a raw tracepoint, `sched_switch`. @throws InputError when this kernel has none of the name */
  raw(name: string): RawPoint {
    const point = this.#raw.get(name) ?? this.#newRaw(name);
    if (point !== null) return point;
    throw new InputError(`this kernel has no raw tracepoint '${name}'`, nearestHint(name, this.rawNames()));
  }

  *rawNames(): Generator<string> {
    const { profile } = this.#parts;
    const prefix = '__traceiter_';
    for (const name of profile.btf.functionNames()) {
      const short = name.slice(prefix.length);
      if (name.startsWith(prefix) && hasRawTracepoint(profile, short)) yield short;
    }
  }

  #newRaw(name: string): RawPoint | null {
    if (!hasRawTracepoint(this.#parts.profile, name)) return null;
    const point = new RawPoint(name);
    this.#raw.set(name, point);
    return point;
  }

  /** The point of a function of a binary. @throws InputError */
  user(binary: string, name: string): UserPoint {
    return this.#parts.userSpace.binary(binary).function(name);
  }

  /** A task is gone: no call of it is under way any more. */
  forget(task: Task): void {
    for (const point of this.#functions.values()) {
      for (const link of point.exits) link.instances?.forget(task);
      point.calls?.forget(task);
    }
  }

  #newFunction(name: string): FunctionPoint {
    const { btf } = this.#parts.profile;
    if (!btf.functionPrototype(name)) {
      throw new InputError(`this kernel has no function '${name}'`, nearestHint(name, btf.functionNames()));
    }
    const point = new FunctionPoint(name);
    this.#functions.set(name, point);
    return point;
  }

  #newTracepoint(name: string): TracepointPoint {
    const { profile } = this.#parts;
    if (!profile.tracepoint(name)) {
      throw new InputError(`this kernel has no tracepoint '${name}'`, nearestHint(name, profile.tracepointNames()));
    }
    const short = name.slice(name.indexOf(':') + 1);
    const point = new TracepointPoint(name, this.#raw.get(short) ?? this.#newRaw(short));
    this.#tracepoints.set(name, point);
    return point;
  }

  /** @throws SysError ENOENT for an unknown point, EINVAL for a program of another type, EBADF */
  attach(fd: Fd, target: AttachTarget, now: Nanoseconds): Fd {
    const program = this.#fds.get<ProgramResource>(fd, 'program', op);
    const wanted = programsOf[target.kind];
    if (!wanted.includes(program.type)) {
      throw new SysError('EINVAL', op, `a ${program.type} program cannot attach to a ${target.kind}`, {
        expected: `a ${wanted[0]} program`,
      });
    }
    if (program.attachment !== undefined) checkAttachment(program.attachment, target);
    if (program.overrides) checkInjectable(target);
    if (isNetworkTarget(target)) return this.#fds.open(this.#parts.network.attach(program, target));
    if (target.kind === 'perf_event') return this.#fds.open(this.#sample(program, target, now));
    const list = this.#links(target);
    return this.#fds.open(new LinkResource(target, program, list, this.#instances(target)));
  }

  /** How many calls a probe of returns may wait for at once; 0 for what is none. */
  #instances(target: AttachTarget): number {
    if (target.kind === 'uretprobe') return uretprobes;
    return target.kind === 'kretprobe' ? this.#maxActive(target.maxActive ?? 0) : 0;
  }

  #sample(program: ProgramResource, target: SamplingTarget, now: Nanoseconds): LinkResource {
    const { cpu, event, period, frequency } = target;
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= this.#cpus) {
      throw new SysError('ENODEV', op, `CPU ${cpu} is not online`, { expected: `0 to ${this.#cpus - 1}` });
    }
    if (!Object.hasOwn(perfCounters, event)) {
      throw new SysError('ENOENT', op, `no counter '${event}'`, { expected: Object.keys(perfCounters).join(', ') });
    }
    const given = [period, frequency].filter((number) => number !== undefined && number !== 0);
    const [number = 0] = given;
    if (given.length !== 1 || !Number.isInteger(number) || number < 0 || (frequency ?? 0) > mostSamples) {
      throw new SysError('EINVAL', op, `${event} with period ${period ?? 0} and frequency ${frequency ?? 0}`, {
        expected: `one of the two, a frequency of at most ${mostSamples}`,
      });
    }
    const { period: _period, frequency: _frequency, ...rest } = target;
    const exact: SamplingTarget = { ...rest, ...(period ? { period: number } : { frequency: number }) };
    return this.#parts.sampling.attach(exact, program, now);
  }

  /** The list of links that a target means. Makes the writer of its context. */
  #links(target: Exclude<AttachTarget, SamplingTarget | NetworkTarget>): LinkResource[] {
    switch (target.kind) {
      case 'kprobe':
        if ((target.offset ?? 0) !== 0) {
          const where = `${target.function}+0x${(target.offset ?? 0).toString(16)}`;
          throw new SysError('EINVAL', op, `${where}: events tell only of entries and exits`, {
            hint: 'attach without an offset',
          });
        }
        return this.#prepareFunction(target.function).entries;
      case 'kretprobe':
        return this.#prepareFunction(target.function).exits;
      case 'tracepoint':
        return this.#prepareTracepoint(target.name).links;
      case 'raw_tracepoint':
        return this.#prepareRaw(target.name).links;
      case 'fentry':
        return this.#prepareTrampoline(target.function).fentries;
      case 'fexit':
        return this.#prepareTrampoline(target.function).fexits;
      case 'fmod_ret':
      case 'lsm':
        return this.#prepareTrampoline(target.function).modifiers;
      case 'uprobe':
        return this.#findUser(target).entries;
      case 'uretprobe':
        return this.#findUser(target).exits;
      default:
        return assertNever(target);
    }
  }

  #findUser({ binary, address }: UserTarget): UserPoint {
    const { userSpace } = this.#parts;
    const loaded = userSpace.find(binary);
    if (loaded === undefined) {
      throw new SysError('ENOENT', op, `there is no file '${binary}'`, nearestHint(binary, userSpace.paths()));
    }
    const point = loaded.at(address);
    if (point !== undefined) return point;
    throw new SysError('EINVAL', op, `${binary}+0x${address.toString(16)}: events tell only of functions and probes`, {
      expected: 'the address of a function or of a USDT probe',
    });
  }

  #prepareTrampoline(name: string): FunctionPoint {
    const point = orNoEntry(() => this.function(name));
    const { profile, symbols, memory, values } = this.#parts;
    point.arguments ??= orInvalid(() => trampolineContext(profile, symbols, memory, values, name));
    // Calls that began before somebody waits for them return unseen.
    if (point.fexits.length === 0) point.calls = new ArgumentCalls();
    return point;
  }

  #prepareRaw(name: string): RawPoint {
    const point = orNoEntry(() => this.raw(name));
    const { profile, memory, values } = this.#parts;
    point.context ??= rawContext(profile, memory, values, name);
    return point;
  }

  #prepareFunction(name: string): FunctionPoint {
    const point = orNoEntry(() => this.function(name));
    const { profile, symbols, memory, values, stacks } = this.#parts;
    point.context ??= new FunctionContext(profile, symbols, memory, values, stacks, name);
    return point;
  }

  #prepareTracepoint(name: string): TracepointPoint {
    const point = orNoEntry(() => this.tracepoint(name));
    const { profile, memory, values } = this.#parts;
    const format = profile.tracepoint(name);
    if (format) point.context ??= new RecordContext(profile, memory, values, format);
    return point;
  }

  #maxActive(wanted: number): number {
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > mostActive) {
      throw new SysError('EINVAL', op, `maxActive ${wanted}`, { expected: `0 to ${mostActive}` });
    }
    return wanted === 0 ? defaultMaxActive(this.#cpus) : wanted;
  }

  /** @throws SysError EBADF */
  info(fd: Fd): LinkInfo {
    const { target, hits, missed } = this.#fds.get<LinkResource>(fd, 'link', 'link_info');
    return { target, hits, missed };
  }
}

/** A tracing program attaches only to what it was loaded for. */
function checkAttachment({ type, name }: Attachment, target: AttachTarget): void {
  const place = 'function' in target ? target.function : 'name' in target ? target.name : '';
  const wanted: Readonly<Partial<Record<string, AttachType>>> = placeAttachTypes;
  if (wanted[target.kind] === type && place === name) return;
  throw new SysError('EINVAL', op, `a program loaded as ${type} of ${name} cannot attach to ${target.kind} ${place}`, {
    expected: 'the function and attach type that it was loaded with',
  });
}

/** perf_event_attach_bpf_prog: whose result may be replaced. */
function checkInjectable(target: AttachTarget): void {
  if (target.kind === 'kprobe' && isErrorInjectable(target.function)) return;
  const place = 'function' in target ? target.function : target.kind;
  throw new SysError('EINVAL', op, `${place} is no function whose result may be overridden`, {
    expected: 'a kprobe on a system call or another function that allows error injection',
  });
}

/** A function that no trampoline can be made for is EINVAL to who attaches. */
function orInvalid<T>(make: () => T): T {
  try {
    return make();
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    throw new SysError('EINVAL', op, fault.message, fault.expected === undefined ? {} : { expected: fault.expected });
  }
}

/** An unknown name is ENOENT to who attaches. */
function orNoEntry<T>(find: () => T): T {
  try {
    return find();
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    throw new SysError('ENOENT', op, fault.message, fault.hint === undefined ? {} : { hint: fault.hint });
  }
}
