import { InputError } from '../base/index.ts';
import type { FunctionEntry, FunctionExit, KernelEvent, TracepointEvent } from '../events/index.ts';
import type { AttachPoints } from './attach.ts';
import type { ReturnInstances } from './calls.ts';
import type { Current } from './current.ts';
import type { Ledger } from './ledger.ts';
import type { LinkResource } from './points.ts';
import type { RecordContext } from './records.ts';
import type { FunctionContext } from './registers.ts';
import type { TrapLog } from './traps.ts';

/**
 * The hot path: an event sets the time, the CPU and the task, and runs what is attached to its point. An event that
 * nothing is attached to costs a look-up of its point; nothing is allocated for any.
 */
export class Player {
  readonly #current: Current;
  readonly #points: AttachPoints;
  readonly #ledger: Ledger;
  readonly #traps: TrapLog;
  readonly #cpus: number;

  constructor(current: Current, points: AttachPoints, ledger: Ledger, traps: TrapLog) {
    this.#current = current;
    this.#points = points;
    this.#ledger = ledger;
    this.#traps = traps;
    this.#cpus = current.cpus.length;
  }

  /** @throws InputError for an event that cannot be */
  fire(event: KernelEvent): void {
    const current = this.#current;
    const { cpu } = event;
    if (!(cpu >= 0 && cpu < this.#cpus && (cpu | 0) === cpu)) throw this.#noCpu(event);
    if (!(event.time >= current.now)) throw this.#tooLate(event);
    current.now = event.time;
    current.cpu = cpu;
    current.task = event.task;
    current.stack = event.stack;
    if (event.kind === 'tracepoint') this.#tracepoint(event);
    else if (event.kind === 'entry') this.#entry(event);
    else this.#exit(event);
  }

  #tracepoint(event: TracepointEvent): void {
    const point = this.#points.tracepoint(event.name);
    const { links } = point;
    if (links.length === 0) return;
    const record = (point.context as RecordContext).write(event, this.#current);
    for (let index = 0; index < links.length; index++) this.#run(links[index] as LinkResource, record);
  }

  #entry(event: FunctionEntry): void {
    const point = this.#points.function(event.function);
    const { entries, exits } = point;
    for (let index = 0; index < exits.length; index++) {
      const link = exits[index] as LinkResource;
      if (!(link.instances as ReturnInstances).enter(event.task)) this.#miss(link);
    }
    if (entries.length === 0) return;
    const registers = (point.context as FunctionContext).enter(event, this.#current);
    for (let index = 0; index < entries.length; index++) this.#run(entries[index] as LinkResource, registers);
  }

  #exit(event: FunctionExit): void {
    const point = this.#points.function(event.function);
    const { exits } = point;
    let registers = 0;
    for (let index = 0; index < exits.length; index++) {
      const link = exits[index] as LinkResource;
      if (!(link.instances as ReturnInstances).exit(event.task)) continue;
      if (registers === 0) registers = (point.context as FunctionContext).exit(event, this.#current);
      this.#run(link, registers);
    }
  }

  /** Programs of a tracepoint that a helper passes while a program runs: all are skipped, as they would nest. */
  passNested(name: string): void {
    const point = this.#points.findTracepoint(name);
    if (point !== undefined) for (const link of point.links) this.#miss(link);
  }

  #run(link: LinkResource, context: number): void {
    const current = this.#current;
    const { cpu } = current;
    if (current.active[cpu] !== 0) {
      this.#miss(link);
      return;
    }
    const { executable } = link.program;
    this.#ledger.countProduced(cpu);
    current.active[cpu] = 1;
    current.records = 0;
    executable.run(context);
    current.active[cpu] = 0;
    link.countHit();
    const { trap } = executable;
    if (trap !== null) this.#traps.note(link.program.name, trap);
    if (current.records > 0) return;
    if (trap === null) this.#ledger.countFiltered(cpu);
    else this.#ledger.countUnrun(cpu);
  }

  /** A run was due and does not happen. */
  #miss(link: LinkResource): void {
    link.countMissed();
    this.#ledger.countProduced(this.#current.cpu);
    this.#ledger.countUnrun(this.#current.cpu);
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

function nameOf(event: KernelEvent): string {
  return event.kind === 'tracepoint' ? event.name : `${event.function} (${event.kind})`;
}
