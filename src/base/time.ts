import { UsageError } from './errors.ts';

/**
 * Time is virtual: whole nanoseconds since the simulated boot, as a JS number. 2^53 ns are 104 days, more than any
 * scenario lasts, and a number costs nothing to compare or add.
 */
export type Nanoseconds = number;

export const ns = (n: number): Nanoseconds => Math.round(n);
export const us = (n: number): Nanoseconds => Math.round(n * 1e3);
export const ms = (n: number): Nanoseconds => Math.round(n * 1e6);
export const sec = (n: number): Nanoseconds => Math.round(n * 1e9);
export const minutes = (n: number): Nanoseconds => Math.round(n * 60e9);
export const hours = (n: number): Nanoseconds => Math.round(n * 3600e9);

const units: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `500ms`, `10s`, `1.5m`, `2h`, or `1m30s`, to ns. A bare number is seconds. @throws UsageError */
export function parseDuration(text: string, option = 'duration'): Nanoseconds {
  const fault = (): never => {
    throw new UsageError(`${option} is not a duration: '${text}'`, {
      expected: 'a number with a unit: ns, us, ms, s, m or h',
      hint: 'for example 500ms, 10s, 1m30s, 2h',
    });
  };
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return sec(Number(trimmed));
  if (!/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(trimmed)) return fault();
  let total = 0;
  for (const [, amount, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(ns|us|ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit as string] ?? 0);
  }
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : fault();
}

/** A duration in its natural unit, three significant digits: `1.20ms`, `350us`, `12.0s`, `2h05m`. */
export function formatDuration(value: Nanoseconds): string {
  if (value < 0) return `-${formatDuration(-value)}`;
  if (value < 1e3) return `${Math.round(value)}ns`;
  if (value < 999.5e3) return `${Number((value / 1e3).toPrecision(3))}us`;
  if (value < 999.5e6) return `${Number((value / 1e6).toPrecision(3))}ms`;
  if (value < 60e9) return `${Number((value / 1e9).toPrecision(3))}s`;
  const seconds = Math.round(value / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(seconds / 3600)}h${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`;
}

/** The virtual clock: only its owner advances it, and it never goes back. */
export class VirtualClock {
  #now: Nanoseconds;

  constructor(start: Nanoseconds = 0) {
    this.#now = start;
  }

  get now(): Nanoseconds {
    return this.#now;
  }

  /** Moves on to `time`; a time that has passed already leaves the clock where it is. */
  advanceTo(time: Nanoseconds): void {
    if (time > this.#now) this.#now = time;
  }
}
