/**
 * Generators of events on virtual time. Each is one scheduled action that makes what happens when it happens, and
 * holds nothing else: a scenario of hours takes the memory of a moment.
 */
import {
  concat,
  defer,
  EMPTY,
  from,
  isObservable,
  merge,
  Observable,
  of,
  repeat as repeatSource,
  type Subscriber,
  Subscription,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';
import { InputError, type Nanoseconds, type Random } from '../base/index.ts';

import type { KernelEvent } from '../events/index.ts';
import type { VirtualScheduler } from './scenario.ts';

/** What a maker gives: nothing, an event, several of one moment, or a course of its own (a call tree). */
export type Emission = KernelEvent | readonly KernelEvent[] | Observable<KernelEvent> | undefined;

/** A part of a course: a stream, or what is made when its turn comes. An event holds the time that it was made at. */
export type Course = Observable<KernelEvent> | (() => Emission);

/** An emission as a stream. */
export function streamOf(emission: Emission): Observable<KernelEvent> {
  if (emission === undefined) return EMPTY;
  if (isObservable(emission)) return emission;
  return Array.isArray(emission) ? from(emission as readonly KernelEvent[]) : of(emission as KernelEvent);
}

/** @param what the word that was given the part @throws InputError for an event that is made already */
function courseOf(what: string, part: Course): Observable<KernelEvent> {
  if (typeof part === 'function') return defer(() => streamOf(part()));
  if (isObservable(part)) return part;
  throw new InputError(`${what} was given an event that is made already`, {
    expected: 'a stream, or a function that makes it when its turn comes: () => context.tracepoint(…)',
  });
}

/** Makes what happens the `index`-th time, from 0. */
export type Make = (index: number) => Emission;

/** The mean gap, ns, of so many a second. */
export function perSecond(rate: number): Nanoseconds {
  if (!(rate > 0)) throw new InputError(`a rate of ${rate} a second`, { expected: 'more than 0' });
  return 1e9 / rate;
}

/** Hands emissions on, and completes when the generator is done and the courses that it began have ended. */
class Emitter {
  readonly #subscriber: Subscriber<KernelEvent>;
  #running = 1;

  constructor(subscriber: Subscriber<KernelEvent>) {
    this.#subscriber = subscriber;
  }

  /** Makes and hands on. @returns false when making failed, and the subscriber was told */
  emit(make: Make, index: number): boolean {
    let made: Emission;
    try {
      made = make(index);
    } catch (error) {
      this.#subscriber.error(error);
      return false;
    }
    if (made === undefined) return true;
    if (Array.isArray(made)) for (const event of made) this.#subscriber.next(event);
    else if (isObservable(made)) this.#follow(made);
    else this.#subscriber.next(made as KernelEvent);
    return true;
  }

  /** One of those that run has ended. */
  done(): void {
    this.#running--;
    if (this.#running === 0) this.#subscriber.complete();
  }

  #follow(source: Observable<KernelEvent>): void {
    this.#running++;
    const following = new Subscription();
    this.#subscriber.add(following);
    following.add(
      source.subscribe({
        next: (event) => this.#subscriber.next(event),
        error: (error: unknown) => this.#subscriber.error(error),
        complete: () => {
          // Forgotten at once, or an endless generator would keep every course that it ever began.
          this.#subscriber.remove(following);
          this.done();
        },
      }),
    );
  }
}

/** Gaps between one happening and the next, ns; undefined ends. Called anew for each subscriber. */
type Gaps = () => (index: number) => Nanoseconds | undefined;

/** Happens after each gap in turn. Fractions of ns are carried on, so that rates come out right. */
function generate(scheduler: VirtualScheduler, gaps: Gaps, make: Make): Observable<KernelEvent> {
  return new Observable((subscriber) => {
    const emitter = new Emitter(subscriber);
    const nextGap = gaps();
    let index = 0;
    let due: number = scheduler.now();
    const first = nextGap(0);
    if (first === undefined) {
      emitter.done();
      return undefined;
    }
    due += first;
    return scheduler.schedule(function () {
      if (!emitter.emit(make, index)) return;
      const gap = nextGap(++index);
      if (gap === undefined) {
        emitter.done();
        return;
      }
      due += gap;
      this.schedule(undefined, due - scheduler.now());
    }, first);
  });
}

/** The generators of one scenario, bound to its clock and its chance. */
export class Generators {
  readonly #scheduler: VirtualScheduler;
  readonly #random: Random;
  #named = 0;

  constructor(scheduler: VirtualScheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** Each `period` ns, first after one period; `count` times, or for ever. */
  every(period: Nanoseconds, make: Make, count = Number.POSITIVE_INFINITY): Observable<KernelEvent> {
    atLeast('period', period, 1);
    return generate(this.#scheduler, () => (index) => (index < count ? period : undefined), make);
  }

  /** At random, `meanGap` ns apart on average (`perSecond(200)`); `count` times, or for ever. */
  poisson(meanGap: Nanoseconds, make: Make, count = Number.POSITIVE_INFINITY): Observable<KernelEvent> {
    if (!(meanGap > 0)) throw new InputError(`a mean gap of ${meanGap} ns`, { expected: 'more than 0' });
    const name = `poisson ${this.#named++}`;
    const gaps: Gaps = () => {
      const random = this.#random.fork(name);
      return (index) => (index < count ? random.exponential(meanGap) : undefined);
    };
    return generate(this.#scheduler, gaps, make);
  }

  /** `count` times, `gap` ns apart, the first at once. */
  burst(count: number, gap: Nanoseconds, make: Make): Observable<KernelEvent> {
    atLeast('gap', gap, 0);
    return generate(this.#scheduler, () => (i) => (i >= count ? undefined : i === 0 ? 0 : gap), make);
  }

  /** For `duration` ns, at a rate that goes evenly from `fromRate` to `toRate` a second. */
  ramp(fromRate: number, toRate: number, duration: Nanoseconds, make: Make): Observable<KernelEvent> {
    atLeast('rate', Math.min(fromRate, toRate), 0);
    const gaps: Gaps = () => (index) => {
      const time = rampTime(index + 1, fromRate, toRate, duration);
      return time === undefined ? undefined : time - (rampTime(index, fromRate, toRate, duration) ?? 0);
    };
    return generate(this.#scheduler, gaps, make);
  }

  /** `source`, begun after `delay` ns. */
  after(delay: Nanoseconds, source: Course): Observable<KernelEvent> {
    const course = courseOf('after', source);
    return generate(
      this.#scheduler,
      () => (index) => (index === 0 ? delay : undefined),
      () => course,
    );
  }

  /** `source`, cut off `duration` ns after it began. */
  lasting(duration: Nanoseconds, source: Course): Observable<KernelEvent> {
    return courseOf('lasting', source).pipe(takeUntil(timer(duration, this.#scheduler)));
  }

  /** All at once, each on its own. */
  concurrently(...sources: Course[]): Observable<KernelEvent> {
    return merge(...sources.map((source) => courseOf('concurrently', source)));
  }

  /** One after the other, each when the one before has ended. */
  sequence(...sources: Course[]): Observable<KernelEvent> {
    return concat(...sources.map((source) => courseOf('sequence', source)));
  }

  /** Nothing for `duration` ns: a pause in a sequence. */
  quiet(duration: Nanoseconds): Observable<KernelEvent> {
    return timer(duration, this.#scheduler).pipe(switchMap(() => EMPTY));
  }

  /**
   * `source` again and again, `gap` ns between; `count` times, or for ever. Given as functions, the source and the gap
   * are made anew each time.
   */
  repeat(source: Course, gap: Nanoseconds | (() => Nanoseconds) = 0, count?: number): Observable<KernelEvent> {
    const delay = () => timer(typeof gap === 'function' ? gap() : gap, this.#scheduler);
    return courseOf('repeat', source).pipe(repeatSource(count === undefined ? { delay } : { count, delay }));
  }
}

/** When the `nth` happening of a ramp is due, ns after its begin: the solution of from·t + (to − from)·t²/2d = n. */
function rampTime(nth: number, fromRate: number, toRate: number, duration: Nanoseconds): Nanoseconds | undefined {
  if (nth === 0) return 0;
  const seconds = duration / 1e9;
  const slope = (toRate - fromRate) / seconds;
  const square = fromRate * fromRate + 2 * slope * nth;
  if (square < 0) return undefined;
  const time = (2 * nth) / (fromRate + Math.sqrt(square));
  return time <= seconds * (1 + 1e-12) ? time * 1e9 : undefined;
}

function atLeast(what: string, value: number, least: number): void {
  if (value >= least && Number.isFinite(value)) return;
  throw new InputError(`a ${what} of ${value}`, { expected: `${least} or more` });
}
