import type { KernelEvent } from '../../src/events/index.ts';
import type { ToolRun, TracedRecord } from '../../src/lab/index.ts';
import type { Machine } from '../../src/sim/index.ts';
import { recordAt } from './records.ts';

/**
 * A machine and a tool of a few lines: each event is a record in the ring of its CPU, a ring holds `room` records,
 * every record wakes the reader. Enough to watch when the player reads, and what a late reader loses.
 */
export function smallKernel(cpus: number, room: number, over: Partial<ToolRun> = {}) {
  const rings: KernelEvent[][] = Array.from({ length: cpus }, () => []);
  const delivered = new Array<number>(cpus).fill(0);
  const lost = new Array<number>(cpus).fill(0);
  const woken = new Set<number>();
  let clock = 0;
  const machine = {
    cpus,
    /** Nothing samples. */
    nextDue: Number.POSITIVE_INFINITY,
    advanceTo: (time: number) => {
      if (time < clock) throw new Error('the clock goes back');
      clock = time;
    },
    fire: (event: KernelEvent) => {
      if (event.kind === 'entry' && event.function === 'refused') throw new Error('no such function');
      machine.advanceTo(event.time);
      const ring = rings[event.cpu]!;
      if (ring.length >= room) {
        lost[event.cpu]!++;
        return;
      }
      delivered[event.cpu]!++;
      ring.push(event);
      woken.add(event.cpu);
    },
    poll: (fds: readonly number[]) => {
      const ready = fds.filter((fd) => woken.has(fd));
      woken.clear();
      return ready;
    },
    readTracePipe: () => [],
    ledger: {
      cpus,
      produced: (cpu: number) => delivered[cpu]! + lost[cpu]!,
      delivered: (cpu: number) => delivered[cpu]!,
      lost: (cpu: number) => lost[cpu]!,
      filtered: () => 0,
      pending: (cpu: number) => rings[cpu]!.length,
    },
    traps: [],
    [Symbol.dispose]: () => {},
  };
  /** What happened, in order: reads with their time and records, ticks. */
  const log: string[] = [];
  const taken: TracedRecord[] = [];
  const tool: ToolRun = {
    view: { kind: 'text', noun: 'x', lines: [], json: {} },
    events: Array.from({ length: cpus }, (_, cpu) => cpu),
    drain: () => {
      const events = rings.flatMap((ring) => ring.splice(0));
      if (events.length > 0) log.push(`read ${events.map((event) => event.time).join(',')} at ${clock}`);
      taken.push(...events.map((event) => recordAt(event.time, [])));
      return events.length;
    },
    lost: 0,
    tick: (time, last) => {
      log.push(`${last ? 'last tick' : 'tick'} at ${time}`);
    },
    close: () => {},
    ...over,
  };
  return { machine: machine as unknown as Machine, tool, log, taken, lost };
}
