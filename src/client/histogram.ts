/**
 * Histograms as BCC 0.26 prints them (src/python/bcc/table.py, print_log2_hist and print_linear_hist): a header, then
 * a line for each slot up to the last that holds something, its count and a bar in proportion to the fullest.
 */
export interface HistogramOptions {
  /** The header above the values; `value` when absent. */
  readonly unit?: string;
  /** Leaves out empty slots before the first that holds something. */
  readonly stripLeadingZero?: boolean;
}

/** Slots of a log2 histogram: bpf_log2l of any u64 is 1 to 64. */
export const log2Slots = 65;
export const linearSlots = 1025;

const barWidth = 40;

/** Lines of a log2 histogram; slot n counts values from 2^(n-1) to 2^n - 1, slot 1 also the 0. */
export function printLog2Hist(slots: ArrayLike<number>, options: HistogramOptions = {}): string[] {
  const { last, most } = extent(slots);
  if (last <= 0) return [];
  // Wider columns for slots that go beyond 32 bits, as BCC's.
  const wide = last > 32;
  const [column, bar] = wide ? [20, barWidth / 2] : [10, barWidth];
  const unit = options.unit ?? 'value';
  const header = wide ? `${' '.repeat(15)}${unit.padEnd(29)}` : `${' '.repeat(5)}${unit.padEnd(19)}`;
  const lines = [`${header} : count     distribution`];
  for (let slot = firstSlot(slots, 1, last, options); slot <= last; slot++) {
    const { low, high } = log2Range(slot);
    const range = `${String(low).padStart(column)} -> ${String(high).padEnd(column)}`;
    lines.push(`${range} : ${countAndBar(slots[slot] as number, most, bar)}`);
  }
  return lines;
}

/** Lines of a linear histogram; slot n counts the value n. */
export function printLinearHist(slots: ArrayLike<number>, options: HistogramOptions = {}): string[] {
  const { last, most } = extent(slots);
  if (last < 0) return [];
  const lines = [`     ${(options.unit ?? 'value').padEnd(13)} : count     distribution`];
  for (let slot = firstSlot(slots, 0, last, options); slot <= last; slot++) {
    const value = String(slot).padEnd(10);
    lines.push(`        ${value} : ${countAndBar(slots[slot] as number, most, barWidth)}`);
  }
  return lines;
}

/** The values that slot n of a log2 histogram counts, both included. Whole up to slot 64. */
export function log2Range(slot: number): { readonly low: bigint; readonly high: bigint } {
  const power = 1n << BigInt(slot);
  const low = power >> 1n;
  const high = power - 1n;
  return { low: low === high ? low - 1n : low, high };
}

function extent(slots: ArrayLike<number>): { last: number; most: number } {
  let last = -1;
  let most = 0;
  for (let slot = 0; slot < slots.length; slot++) {
    const count = slots[slot] as number;
    if (count > 0) last = slot;
    if (count > most) most = count;
  }
  return { last, most };
}

function firstSlot(slots: ArrayLike<number>, first: number, last: number, options: HistogramOptions): number {
  let slot = first;
  while (options.stripLeadingZero && slot < last && slots[slot] === 0) slot++;
  return slot;
}

function countAndBar(count: number, most: number, width: number): string {
  const stars = Math.min(width, Math.floor((width * count) / most));
  return `${String(count).padEnd(8)} |${'*'.repeat(stars).padEnd(width)}|`;
}
