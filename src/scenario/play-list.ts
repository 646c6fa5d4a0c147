/** Plays events that are known beforehand, each at its own time, by one action that walks them. */
import { Observable } from 'rxjs';
import type { KernelEvent } from '../events/index.ts';
import type { VirtualScheduler } from './scenario.ts';

/**
 * Emits what the source gives, in its order, when its time has come; the source is pulled one event ahead and held no
 * further. What it throws reaches the subscriber. Times must not go back.
 */
export function playInOrder(source: () => Iterable<KernelEvent>, scheduler: VirtualScheduler): Observable<KernelEvent> {
  return new Observable((subscriber) => {
    const events = source()[Symbol.iterator]();
    let next: KernelEvent | undefined;
    const pull = (): boolean => {
      try {
        const { done, value } = events.next();
        next = done ? undefined : value;
        if (next === undefined) subscriber.complete();
        return next !== undefined;
      } catch (error) {
        subscriber.error(error);
        return false;
      }
    };
    if (!pull()) return undefined;
    const playing = scheduler.schedule(function () {
      const now = scheduler.now();
      while (next !== undefined && next.time <= now) {
        subscriber.next(next);
        if (subscriber.closed || !pull()) return;
      }
      this.schedule(undefined, next!.time - now);
    }, next!.time - scheduler.now());
    return () => {
      playing.unsubscribe();
      events.return?.();
    };
  });
}
