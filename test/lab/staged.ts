import { Observable } from 'rxjs';
import type { KernelProfile } from '../../src/btf/index.ts';
import type { KernelEvent, Task } from '../../src/events/index.ts';
import type { Scenario } from '../../src/scenario/index.ts';

const task: Task = { pid: 1, tgid: 1, comm: 'x', uid: 0, gid: 0 };

/** A profile for those who never look into it. */
export const noProfile = {} as KernelProfile;

export function eventAt(time: number, cpu = 0, name = 'f'): KernelEvent {
  return { kind: 'entry', time, cpu, task, stack: [], function: name, args: {} };
}

/** Emits each event at its time, and completes with the last. */
export function timed(events: readonly KernelEvent[]): Scenario['events'] {
  return (stage) =>
    new Observable((subscriber) => {
      for (const event of events) stage.scheduler.schedule(() => subscriber.next(event), event.time);
      stage.scheduler.schedule(() => subscriber.complete(), events.at(-1)?.time ?? 0);
    });
}
