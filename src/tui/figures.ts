import type { Nanoseconds } from '../base/index.ts';

/** Numbers, times and trends as short text. */

/** `1,234,567`; from ten millions on `12.3M`. */
export function formatCount(count: number): string {
  if (count >= 1e10) return `${(count / 1e9).toFixed(1)}G`;
  if (count >= 1e7) return `${(count / 1e6).toFixed(1)}M`;
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Per second, three digits at most: `0.25/s`, `12.5/s`, `340/s`, `12.3k/s`. */
export function formatRate(rate: number): string {
  if (rate < 0.005) return '0/s';
  if (rate < 9.995) return `${rate.toFixed(2)}/s`;
  if (rate < 99.95) return `${rate.toFixed(1)}/s`;
  if (rate < 9999.5) return `${formatCount(Math.round(rate))}/s`;
  if (rate < 999_950) return `${(rate / 1e3).toFixed(1)}k/s`;
  return `${(rate / 1e6).toFixed(1)}M/s`;
}

/** A share of 1 as percent; a small one is not 0, a large one is not all. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1%';
  if (share < 1 && share > 0.999) return '>99.9%';
  return `${(share * 100).toFixed(1)}%`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** A point of virtual time: `00:12.345`, from an hour on `1:02:03.456`. */
export function formatClock(time: Nanoseconds): string {
  const total = Math.floor(time / 1e6);
  const milliseconds = String(total % 1000).padStart(3, '0');
  const seconds = Math.floor(total / 1000);
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${milliseconds}`;
  return seconds < 3600 ? clock : `${Math.floor(seconds / 3600)}:${clock}`;
}

/** A point of virtual time in tables: exact to the microsecond in a short run, `12.345678`; else as on a clock. */
export function formatMoment(time: Nanoseconds, duration: Nanoseconds): string {
  return duration < 100e9 ? (time / 1e9).toFixed(6) : formatClock(time);
}

const blocks = '▁▂▃▄▅▆▇█';

/** One sign a value, scaled to the largest: nothing lies on the ground line, anything stands above it. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values);
  return values.map((value) => blocks[value === 0 ? 0 : Math.max(1, Math.round((value / top) * 7))]).join('');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of at most `cells`, in eighths of a cell. */
export function bar(share: number, cells: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  return '█'.repeat(parts >> 3) + (eighths[parts & 7] ?? '');
}
