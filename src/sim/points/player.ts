import { assertNever, InputError, type Nanoseconds } from '../../base/index.ts';
import type {
  Argument,
  CpuActivity,
  FunctionEntry,
  FunctionExit,
  KernelEvent,
  RawTracepointEvent,
  Task,
  TracepointEvent,
  UserEntry,
  UserExit,
  UserMarker,
} from '../../events/index.ts';
import type { ArgumentCalls, ArgumentsContext } from '../contexts/arguments.ts';
import type { RecordContext } from '../contexts/records.ts';
import type { FunctionContext } from '../contexts/registers.ts';
import type { SampleContext } from '../contexts/sample-context.ts';
import type { UserRegisters } from '../contexts/user-registers.ts';
import type { Current } from '../machine/current.ts';
import type { FireTimer, Timers } from '../machine/timers.ts';
import type { Network } from '../net/network.ts';
import type { KernelObjects } from '../objects/objects.ts';
import type { UserSpace } from '../processes/user-space.ts';
import type { CallbackPrograms } from '../programs/callbacks.ts';
import type { AttachPoints } from './attach.ts';
import type { ReturnInstances } from './calls.ts';
import { Overrides } from './overrides.ts';
import type { FunctionPoint, LinkResource, RawPoint } from './points.ts';
import type { Runs } from './runs.ts';
import type { Sampling, Take } from './sampling.ts';

/** What the player plays on. */
export interface PlayerParts {
  readonly current: Current;
  readonly points: AttachPoints;
  readonly runs: Runs;
  readonly network: Network;
  readonly userSpace: UserSpace;
  readonly userRegisters: UserRegisters;
  readonly sampling: Sampling;
  readonly samples: SampleContext;
  readonly objects: KernelObjects;
  readonly timers: Timers;
  readonly callbacks: CallbackPrograms;
}

/**
 * The hot path: an event sets the time, the CPU and the task, and runs what is attached to its point. An event that
 * nothing is attached to costs a look-up of its point; nothing is allocated for any. Samples that are due by then come
 * first.
 */
export class Player {
  readonly #current: Current;
  readonly #points: AttachPoints;
  readonly #runs: Runs;
  readonly #network: Network;
  readonly #userSpace: UserSpace;
  readonly #userRegisters: UserRegisters;
  readonly #sampling: Sampling;
  readonly #objects: KernelObjects;
  readonly #overrides = new Overrides();
  readonly #cpus: number;
  readonly #take: Take;
  readonly #timers: Timers;
  readonly #fireTimer: FireTimer;

  constructor(parts: PlayerParts) {
    const { current, samples } = parts;
    this.#current = current;
    this.#points = parts.points;
    this.#runs = parts.runs;
    this.#network = parts.network;
    this.#userSpace = parts.userSpace;
    this.#userRegisters = parts.userRegisters;
    this.#sampling = parts.sampling;
    this.#objects = parts.objects;
    this.#cpus = current.cpus.length;
    this.#timers = parts.timers;
    this.#fireTimer = (program, slot, map, value, cpu) => {
      const { task, stack, userStack } = this.#sampling.running(cpu);
      current.begin(cpu, task, stack, userStack);
      current.link = null;
      this.#runs.execute(
        parts.callbacks.entry(program, slot),
        program.program.name,
        parts.callbacks.context(map, value),
      );
    };
    this.#take = (link, running, at) => {
      current.now = at;
      current.begin(link.counter.cpu, running.task, running.stack, running.userStack);
      this.#runs.run(link, samples.write(link, running, current));
    };
  }

  /** @throws InputError for an event that cannot be */
  fire(event: KernelEvent): void {
    const current = this.#current;
    // Read once: where events are of many forms, each read of a time makes a number.
    const { cpu, time } = event;
    if (!(cpu >= 0 && cpu < this.#cpus && (cpu | 0) === cpu)) throw this.#noCpu(event);
    if (!(time >= current.now)) throw this.#tooLate(event);
    // What begins now is what a sample that is due now finds.
    if (this.#sampling.due <= time || this.#timers.due <= time) {
      this.#elapse(time, event.kind !== 'activity');
    }
    current.now = time;
    const happens = this.#overrides.any ? this.#overrides.pass(event) : event;
    if (happens === null) return;
    current.begin(cpu, event.task, event.stack, event.userStack);
    this.#play(happens);
  }

  /** When the machine next does something by itself. */
  get due(): Nanoseconds {
    return Math.min(this.#sampling.due, this.#timers.due);
  }

  /** Takes the samples and fires the timers due before a time, in order, and with `until` those due at it. */
  #elapse(time: Nanoseconds, until: boolean): void {
    let timer = this.#timers.next(time);
    while (timer !== undefined) {
      if (this.#sampling.due <= timer.due) this.#sampling.advance(timer.due, true, this.#take);
      this.#current.now = timer.due;
      this.#timers.fire(timer, this.#fireTimer);
      timer = this.#timers.next(time);
    }
    this.#sampling.advance(time, until, this.#take);
  }

  /** Moves the clock on; what samples takes its samples. */
  advanceTo(time: Nanoseconds): void {
    if (this.due <= time) this.#elapse(time, true);
    if (time > this.#current.now) this.#current.now = time;
  }

  /** What the call under way on a task is made to return, or undefined. */
  overridden(task: Task): bigint | undefined {
    return this.#overrides.returnsOf(task);
  }

  #play(event: KernelEvent): void {
    switch (event.kind) {
      case 'tracepoint':
        this.#tracepoint(event);
        break;
      case 'entry':
        this.#entry(event);
        break;
      case 'exit':
        this.#exit(event);
        break;
      case 'rawTracepoint':
        this.#rawTracepoint(event);
        break;
      case 'userEntry':
        this.#userEntry(event);
        break;
      case 'userExit':
        this.#userExit(event);
        break;
      case 'userMarker':
        this.#userMarker(event);
        break;
      case 'activity':
        this.#activity(event);
        break;
      case 'change':
        this.#objects.change(event.object);
        break;
      case 'packet':
        this.#network.play(event);
        break;
      default:
        assertNever(event);
    }
  }

  #tracepoint(event: TracepointEvent): void {
    const point = this.#points.tracepoint(event.name);
    const { links, raw } = point;
    if (point.schedules) this.#schedule(event);
    if (point.forks) this.#fork(event);
    if (point.ends) this.#points.forget(event.task);
    if (raw !== null && raw.links.length > 0) {
      const context = raw.context as ArgumentsContext;
      const args =
        event.raw === undefined
          ? context.writeFields(event.fields, this.#current)
          : context.write(event.raw, this.#current);
      this.#runAll(raw.links, args);
    }
    if (links.length > 0) this.#runAll(links, (point.context as RecordContext).write(event, this.#current));
    if (point.ends) {
      this.#current.forget(event.task);
      this.#objects.userMemory.forget(event.task);
    }
  }

  /** The tasks' states as the scheduler has set them by the time that it tells (kernel/sched/core.c). */
  #schedule({ task, fields, raw }: TracepointEvent): void {
    const { tasks } = this.#objects;
    if (fields.prev_state !== undefined) tasks.setState(task, Number(fields.prev_state));
    const runs = taskIn(raw?.next ?? raw?.p);
    if (runs) tasks.setState(runs, 0);
  }

  #fork({ raw }: TracepointEvent): void {
    const child = taskIn(raw?.child);
    if (child) this.#objects.userMemory.fork(child);
  }

  #rawTracepoint(event: RawTracepointEvent): void {
    const point: RawPoint = this.#points.raw(event.name);
    if (point.links.length === 0) return;
    this.#runAll(point.links, (point.context as ArgumentsContext).write(event.args, this.#current));
  }

  #entry(event: FunctionEntry): void {
    const point = this.#points.function(event.function);
    const { entries, exits, fentries, fexits, modifiers } = point;
    for (let index = 0; index < exits.length; index++) {
      const link = exits[index] as LinkResource;
      if (!(link.instances as ReturnInstances).enter(event.task)) this.#runs.miss(link);
    }
    if (entries.length > 0) this.#runAll(entries, (point.context as FunctionContext).enter(event, this.#current));
    if (this.#current.overrides) this.#override(event);
    if (fentries.length + fexits.length + modifiers.length > 0) this.#traced(event, point);
  }

  /** The trampoline of a traced function: keeps the arguments for those that want the result. */
  #traced(event: FunctionEntry, point: FunctionPoint): void {
    const current = this.#current;
    const args = (point.arguments as ArgumentsContext).write(event.args, current);
    current.stackFirst = 0;
    current.stackSkip = 0;
    if (point.fexits.length > 0) {
      (point.calls as ArgumentCalls).enter(event.task, current.memory, args);
    }
    this.#runAll(point.fentries, args);
    if (point.modifiers.length > 0) this.#modify(event, point, args);
  }

  /**
   * The programs that may answer for the function: the first that does not return 0 sets its result, and it does not
   * run (arch/x86/net/bpf_jit_comp.c: invoke_bpf_mod_ret). Each sees behind the arguments the 0 that stands so far.
   */
  #modify(event: FunctionEntry, point: FunctionPoint, args: number): void {
    (point.arguments as ArgumentsContext).clearResult(args);
    for (let index = 0; index < point.modifiers.length; index++) {
      const link = point.modifiers[index] as LinkResource;
      const { executable } = link.program;
      const before = link.hits;
      this.#runs.run(link, args);
      if (link.hits === before || executable.result === 0n) continue;
      this.#overrides.begin(event.task, event.function, executable.result);
      return;
    }
  }

  #override(event: FunctionEntry): void {
    const current = this.#current;
    current.overrides = false;
    const returns = (BigInt(current.overrideHigh) << 32n) | BigInt(current.overrideLow >>> 0);
    this.#overrides.begin(event.task, event.function, returns);
  }

  #exit(event: FunctionExit): void {
    const point = this.#points.function(event.function);
    const { exits, fexits } = point;
    if (fexits.length > 0 && (point.calls as ArgumentCalls).exit(event.task)) {
      const context = point.arguments as ArgumentsContext;
      this.#runAll(fexits, context.writeResult(point.calls as ArgumentCalls, event.returns, this.#current));
    }
    let registers = 0;
    for (let index = 0; index < exits.length; index++) {
      const link = exits[index] as LinkResource;
      if (!(link.instances as ReturnInstances).exit(event.task)) continue;
      if (registers === 0) registers = (point.context as FunctionContext).exit(event, this.#current);
      this.#runs.run(link, registers);
    }
  }

  #userEntry(event: UserEntry): void {
    const point = this.#points.user(event.binary, event.function);
    const { entries, exits } = point;
    for (let index = 0; index < exits.length; index++) {
      const link = exits[index] as LinkResource;
      if (isFor(link, event.task) && !(link.instances as ReturnInstances).enter(event.task)) this.#runs.miss(link);
    }
    if (entries.length === 0) return;
    this.#runFor(entries, event.task, this.#userRegisters.enter(event, point, this.#current));
  }

  #userExit(event: UserExit): void {
    const point = this.#points.user(event.binary, event.function);
    let registers = 0;
    for (let index = 0; index < point.exits.length; index++) {
      const link = point.exits[index] as LinkResource;
      if (!isFor(link, event.task) || !(link.instances as ReturnInstances).exit(event.task)) continue;
      if (registers === 0) registers = this.#userRegisters.exit(event, point, this.#current);
      this.#runs.run(link, registers);
    }
  }

  #userMarker(event: UserMarker): void {
    const marker = this.#userSpace.binary(event.binary).marker(event.provider, event.probe);
    const { entries } = marker.point;
    if (entries.length === 0) return;
    this.#runFor(entries, event.task, this.#userRegisters.marker(event, marker, this.#current));
  }

  #activity(event: CpuActivity): void {
    if (!(event.duration >= 0)) {
      throw new InputError(`an activity of ${event.duration} ns`, { expected: 'a duration of 0 or more' });
    }
    this.#sampling.begin(event, this.#take);
  }

  /** The kernel passes a tracepoint or function in the course of another event: at its time, on its CPU and task. */
  passOn(event: FunctionEntry | FunctionExit | TracepointEvent, outer: KernelEvent): void {
    this.#current.begin(event.cpu, event.task, event.stack, event.userStack);
    this.#play(event);
    this.#current.begin(outer.cpu, outer.task, outer.stack, outer.userStack);
  }

  /** Programs of a tracepoint that a helper passes while a program runs: all are skipped, as they would nest. */
  passNested(name: string): void {
    const point = this.#points.findTracepoint(name);
    if (point !== undefined) for (const link of point.links) this.#runs.miss(link);
  }

  #runAll(links: readonly LinkResource[], context: number): void {
    for (let index = 0; index < links.length; index++) this.#runs.run(links[index] as LinkResource, context);
  }

  /** As `runAll`, but of the links for one process only those of the task's. */
  #runFor(links: readonly LinkResource[], task: Task, context: number): void {
    for (let index = 0; index < links.length; index++) {
      const link = links[index] as LinkResource;
      if (isFor(link, task)) this.#runs.run(link, context);
    }
  }

  #noCpu(event: KernelEvent): InputError {
    return new InputError(`${nameOf(event)} happens on CPU ${event.cpu}`, {
      expected: `0 to ${this.#cpus - 1}`,
      hint: 'boot the machine with more CPUs',
    });
  }

  #tooLate(event: KernelEvent): InputError {
    return new InputError(`${nameOf(event)} happens at ${event.time} ns, before the clock`, {
      expected: `a time from ${this.#current.now} ns on`,
    });
  }
}

/** Whether a link that may be for one process sees what a task does. */
function isFor(link: LinkResource, task: Task): boolean {
  return link.pid === 0 || link.pid === task.tgid;
}

function nameOf(event: KernelEvent): string {
  switch (event.kind) {
    case 'tracepoint':
    case 'rawTracepoint':
      return event.name;
    case 'entry':
    case 'exit':
      return `${event.function} (${event.kind})`;
    case 'userEntry':
    case 'userExit':
      return `${event.function} of ${event.binary}`;
    case 'userMarker':
      return `${event.provider}:${event.probe} of ${event.binary}`;
    case 'activity':
      return `an activity of ${event.task.comm}`;
    case 'change':
      return `a change of a ${event.object.object}`;
    case 'packet':
      return `a packet at ${event.device.name}`;
    default:
      return assertNever(event);
  }
}

/** The task that an argument points to. */
function taskIn(argument: Argument | undefined): Task | undefined {
  const points = typeof argument === 'object' && argument !== null && 'object' in argument;
  return points && argument.object === 'task' ? argument.task : undefined;
}
