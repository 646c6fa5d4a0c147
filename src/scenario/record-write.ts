/** Writes what a scenario emits as a file that runs again identically (record-format.ts draws its lines). */
import { closeSync, openSync, writeSync } from 'node:fs';
import { tap } from 'rxjs';
import { assertNever, InputError, toHex } from '../base/index.ts';
import type { Argument, Arguments, KernelEvent, KernelObject, PacketEvent, Task } from '../events/index.ts';
import { type RecordHeader, recordVersion, Slots } from './record-format.ts';
import type { Scenario, Stage } from './scenario.ts';

/** Turns events into lines. Each event gives the definitions that it needs and its own line. */
export class RecordWriter {
  readonly #tasks = new Slots<object>();
  readonly #stacks = new Slots<object>();
  readonly #objects = new Slots<object>();
  readonly #emit: (line: string) => void;

  constructor(emit: (line: string) => void) {
    this.#emit = emit;
  }

  event(event: KernelEvent): void {
    const task = this.#task(event.task);
    const stack = this.#slot('stack', this.#stacks, event.stack);
    const head = [event.time, event.cpu, task, stack, event.kind];
    const more: Record<string, unknown> = {};
    const tail = this.#tail(event, more);
    if (event.userStack !== undefined) more.userStack = this.#slot('stack', this.#stacks, event.userStack);
    this.#emit(JSON.stringify(Object.keys(more).length === 0 ? [...head, ...tail] : [...head, ...tail, more]));
  }

  /** The event's own two values; what else it has goes to `more`. */
  #tail(event: KernelEvent, more: Record<string, unknown>): readonly unknown[] {
    switch (event.kind) {
      case 'entry':
        return [event.function, this.#arguments(event.args)];
      case 'exit':
        return [event.function, this.#argument(event.returns)];
      case 'tracepoint':
        if (event.raw !== undefined) more.raw = this.#arguments(event.raw);
        return [event.name, this.#arguments(event.fields)];
      case 'rawTracepoint':
        return [event.name, this.#arguments(event.args)];
      case 'userEntry':
        more.binary = event.binary;
        return [event.function, event.args.map((argument) => this.#argument(argument))];
      case 'userExit':
        more.binary = event.binary;
        return [event.function, this.#argument(event.returns)];
      case 'userMarker':
        more.binary = event.binary;
        more.provider = event.provider;
        return [event.probe, event.args.map((argument) => this.#argument(argument))];
      case 'activity':
        return [event.duration, event.counts ?? {}];
      case 'change':
        return [this.#object(event.object), null];
      case 'packet':
        return this.#packet(event, more);
      default:
        return assertNever(event);
    }
  }

  #packet(event: PacketEvent, more: Record<string, unknown>): readonly unknown[] {
    const { sk, queue, mark, priority } = event;
    if (sk) more.sk = this.#object(sk);
    for (const [name, value] of Object.entries({ queue, mark, priority })) if (value !== undefined) more[name] = value;
    return [event.direction, { device: { ref: this.#object(event.device) }, data: { hex: toHex(event.data) } }];
  }

  /** A task's slot; the tasks that it names have theirs before it. */
  #task(task: Task): number {
    const known = this.#tasks.use(task);
    if (known !== undefined) return known;
    const { parent, leader, identity, fields, ...own } = task;
    const relatives = {
      ...(identity === undefined ? {} : { identity: this.#task(identity) }),
      ...(fields === undefined ? {} : { fields: this.#arguments(fields) }),
      ...(parent === undefined ? {} : { parent: this.#task(parent) }),
      ...(leader === undefined ? {} : { leader: this.#task(leader) }),
    };
    const slot = this.#tasks.give(task);
    this.#emit(JSON.stringify({ task: slot, is: { ...own, ...relatives } }));
    return slot;
  }

  #slot(kind: 'stack', slots: Slots<object>, thing: object): number {
    const known = slots.use(thing);
    if (known !== undefined) return known;
    const slot = slots.give(thing);
    this.#emit(JSON.stringify({ [kind]: slot, is: thing }));
    return slot;
  }

  #arguments(given: Arguments): Record<string, unknown> {
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, this.#argument(value)]));
  }

  #argument(value: Argument): unknown {
    if (typeof value === 'bigint') return { big: value.toString() };
    if (value instanceof Uint8Array) return { hex: toHex(value) };
    if (typeof value !== 'object' || value === null || 'symbol' in value) return value;
    return { ref: this.#object(value) };
  }

  #object(thing: KernelObject): number {
    const known = this.#objects.use(thing);
    if (known !== undefined) return known;
    const is = this.#definition(thing);
    const slot = this.#objects.give(thing);
    this.#emit(JSON.stringify({ object: slot, is }));
    return slot;
  }

  /** The object with the objects in it as references. */
  #definition(thing: KernelObject): object {
    if (thing.object === 'task') return { object: 'task', task: this.#task(thing.task) };
    return Object.fromEntries(Object.entries(thing).map(([name, value]) => [name, this.#member(name, value)]));
  }

  #member(name: string, value: unknown): unknown {
    if (name === 'fields') return this.#arguments(value as Arguments);
    if (Array.isArray(value)) return value.map((one) => this.#argument(one as Argument));
    return this.#argument(value as Argument);
  }
}

/** The first line of a recording. */
export function recordHead(scenario: Scenario, stage: Stage): string {
  const header: RecordHeader = {
    tracebed: 'recording',
    version: recordVersion,
    name: scenario.name,
    summary: scenario.summary,
    kernel: stage.profile.name,
    seed: stage.random.seed,
    cpus: stage.cpus,
    duration: stage.duration,
    ...(scenario.processes === undefined ? {} : { processes: scenario.processes }),
    ...(scenario.devices === undefined ? {} : { devices: scenario.devices }),
    ...(scenario.files === undefined ? {} : { files: scenario.files }),
    ...(scenario.containerMaps === undefined ? {} : { containerMaps: scenario.containerMaps }),
    ...(scenario.epoch === undefined ? {} : { epoch: scenario.epoch.toString() }),
  };
  return JSON.stringify(header);
}

/** Its last line. */
export function recordEnd(events: number): string {
  return JSON.stringify({ events });
}

/**
 * Plays a scenario on a fresh stage up to the stage's duration and hands on the lines of its recording.
 * @returns how many events there were
 */
export function recordLines(scenario: Scenario, stage: Stage, emit: (line: string) => void): number {
  emit(recordHead(scenario, stage));
  const writer = new RecordWriter(emit);
  const course = { count: 0, ended: false, failed: false, fault: undefined as unknown };
  // In the pipe, and not in the subscriber: there RxJS would report a failed write later, to nobody.
  const written = scenario.events(stage).pipe(
    tap((event) => {
      if (event.time > stage.duration) return;
      writer.event(event);
      course.count++;
    }),
  );
  const playing = written.subscribe({
    error: (fault: unknown) => {
      course.failed = true;
      course.fault = fault;
    },
    complete: () => {
      course.ended = true;
    },
  });
  const { scheduler } = stage;
  for (let next = scheduler.next; next !== undefined && !course.ended && !course.failed; next = scheduler.next) {
    if (next > stage.duration) break;
    scheduler.advanceTo(next);
  }
  playing.unsubscribe();
  if (course.failed) throw course.fault;
  emit(recordEnd(course.count));
  return course.count;
}

/** Bytes gathered before they are written. */
const chunk = 65_536;

/**
 * Writes the recording of a scenario to a file. @returns how many events it holds
 * @throws InputError when the file cannot be written; what the scenario throws
 */
export function recordScenario(scenario: Scenario, stage: Stage, path: string): number {
  const file = open(path);
  try {
    let waiting = '';
    const count = recordLines(scenario, stage, (line) => {
      waiting += `${line}\n`;
      if (waiting.length < chunk) return;
      write(file, path, waiting);
      waiting = '';
    });
    write(file, path, waiting);
    return count;
  } finally {
    closeSync(file);
  }
}

function write(file: number, path: string, text: string): void {
  try {
    writeSync(file, text);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'ENOSPC' ? 'no space is left on the device' : String(code);
    throw new InputError(`cannot write the file: ${why}`, { at: { file: path }, cause });
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such folder' : code === 'EISDIR' ? 'it is a folder' : String(code);
    throw new InputError(`cannot write the file: ${why}`, { at: { file: path }, cause });
  }
}
