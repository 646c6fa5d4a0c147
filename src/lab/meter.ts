import type { Nanoseconds } from '../base/index.ts';

/**
 * Counts things over virtual time in a ring of equal buckets, for a rate and a sparkline. Bucket `i` holds the time
 * [i × width, (i + 1) × width); the ring keeps the newest `buckets` of them, so memory is the same after an hour.
 */
export class Meter {
  readonly width: Nanoseconds;
  readonly #counts: Uint32Array;
  /** Index since time 0 of the newest bucket that was counted in; -1 before the first. */
  #newest = -1;

  /** @param width ns of virtual time in a bucket */
  constructor(width: Nanoseconds, buckets = trendBuckets) {
    this.width = width;
    this.#counts = new Uint32Array(buckets);
  }

  /** Counts `n` at `time`. A time older than the ring reaches is not counted. */
  add(time: Nanoseconds, n = 1): void {
    const bucket = Math.floor(time / this.width);
    const length = this.#counts.length;
    if (bucket > this.#newest) this.#moveTo(bucket);
    else if (bucket <= this.#newest - length) return;
    this.#counts[bucket % length]! += n;
  }

  #moveTo(bucket: number): void {
    const length = this.#counts.length;
    if (bucket - this.#newest >= length) this.#counts.fill(0);
    else for (let i = this.#newest + 1; i <= bucket; i++) this.#counts[i % length] = 0;
    this.#newest = bucket;
  }

  /** Adds what `other`, of the same width, counted. */
  merge(other: Meter): void {
    const oldest = Math.max(0, other.#newest - other.#counts.length + 1);
    for (let bucket = oldest; bucket <= other.#newest; bucket++) {
      const count = other.#at(bucket);
      if (count > 0) this.add(bucket * this.width, count);
    }
  }

  #at(bucket: number): number {
    const length = this.#counts.length;
    if (bucket < 0 || bucket > this.#newest || bucket <= this.#newest - length) return 0;
    return this.#counts[bucket % length] as number;
  }

  /** Per virtual second, over the newest `rateWindow` that the ring holds at `now`. */
  rate(now: Nanoseconds): number {
    const current = Math.floor(now / this.width);
    const span = Math.max(1, Math.min(this.#counts.length, Math.round(rateWindow / this.width)));
    let sum = 0;
    for (let bucket = current - span + 1; bucket <= current; bucket++) sum += this.#at(bucket);
    const elapsed = now - Math.max(0, current - span + 1) * this.width;
    return (sum * 1e9) / Math.max(elapsed, Math.min(this.width, 1e9));
  }

  /** The counts of the `most` newest buckets up to the one of `now`, oldest first; none from before time 0. */
  trend(now: Nanoseconds, most = this.#counts.length): number[] {
    const current = Math.floor(now / this.width);
    const values: number[] = [];
    const first = Math.max(0, current - Math.min(most, this.#counts.length) + 1);
    for (let bucket = first; bucket <= current; bucket++) values.push(this.#at(bucket));
    return values;
  }
}

/** Buckets of a trend: a minute of seconds. */
const trendBuckets = 60;

/** A rate is taken over ten virtual seconds: steady enough to read, quick enough to see a burst. */
const rateWindow: Nanoseconds = 10e9;

/**
 * Width of a trend's buckets in a run of that length: one virtual second, or less when the run has fewer seconds than
 * the trend has buckets: the smallest of 1, 2 and 5 × 10^n ns with which the whole run fits.
 */
export function bucketWidth(duration: Nanoseconds): Nanoseconds {
  if (duration >= trendBuckets * 1e9) return 1e9;
  const wanted = Math.max(1, duration / trendBuckets);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((step) => step * power).find((width) => width >= wanted) ?? 1e9;
}
