import { UsageError } from '../base/index.ts';
import type { CodecValue } from './codec.ts';

/**
 * The counts of a table that is a histogram: its key is a slot, or a struct of a bucket and a slot. How they print is in
 * histogram.ts.
 */
export interface HistogramPrint<B = CodecValue> {
  /** Above each histogram, where the key is a struct of a bucket and a slot. `Bucket ptr` when absent. */
  readonly sectionHeader?: string;
  /** What stands behind the section header; the bucket itself when absent. */
  readonly sectionPrintFn?: (bucket: B) => string;
  /** Puts several buckets into one, whose counts are added. */
  readonly bucketFn?: (bucket: B) => B;
  readonly bucketSortFn?: (buckets: B[]) => B[];
  readonly stripLeadingZero?: boolean;
}

type Entries = Iterable<readonly [key: unknown, value: unknown]>;

/** Counts by slot. @throws UsageError for a slot beyond the last, as BCC's print_linear_hist does */
export function countsOf(table: string, entries: Entries, slots: number): number[] {
  const counts = new Array<number>(slots).fill(0);
  for (const [slot, value] of entries) add(table, counts, Number(slot), Number(value));
  return counts;
}

/** Buckets, each with its counts by slot; told apart by what they hold. @throws UsageError as `countsOf` */
export function bucketsOf<B>(
  table: string,
  entries: Entries,
  [bucketName, slotName]: readonly [bucket: string, slot: string],
  { bucketFn, bucketSortFn }: HistogramPrint<B>,
  slots: number,
): [B, number[]][] {
  const buckets = new Map<string, [B, number[]]>();
  for (const [key, value] of entries) {
    const fields = key as Record<string, CodecValue>;
    const given = fields[bucketName] as B;
    const bucket = bucketFn ? bucketFn(given) : given;
    const name = identity(bucket);
    const entry = buckets.get(name) ?? [bucket, new Array<number>(slots).fill(0)];
    buckets.set(name, entry);
    add(table, entry[1], Number(fields[slotName]), Number(value));
  }
  const list = [...buckets.values()];
  if (!bucketSortFn) return list;
  return bucketSortFn(list.map(([bucket]) => bucket)).map((bucket) => buckets.get(identity(bucket)) as [B, number[]]);
}

/** An array has slots that nothing was counted in; where they lie is no matter. */
function add(table: string, counts: number[], slot: number, count: number): void {
  if (slot >= 0 && slot < counts.length) counts[slot] = (counts[slot] as number) + count;
  else if (count !== 0) {
    throw new UsageError(`table '${table}' counts slot ${slot}`, { expected: `a slot from 0 to ${counts.length - 1}` });
  }
}

/** A bucket as its section's header shows it. */
export function bucketText(bucket: unknown): string {
  return typeof bucket === 'object' ? identity(bucket) : String(bucket);
}

/** A text that is the same for equal values. */
function identity(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one));
}
