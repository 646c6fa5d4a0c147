import type { PerfRing, RingBufferMap } from '../../maps/index.ts';
import type { LossLedger } from './machine.ts';

/**
 * Who counts what: an attach point counts the runs that are due and how each ended, a program's output counts its
 * attempts, and a ring counts what it took and refused. Nothing here is worked out from the others, so the sum
 * produced = delivered + lost + filtered tests all three.
 */
export class Ledger implements LossLedger {
  readonly cpus: number;
  readonly #produced: Float64Array;
  readonly #unrun: Float64Array;
  readonly #unsent: Float64Array;
  readonly #filtered: Float64Array;
  /** Of ringbufs, and of perf rings that are closed. */
  readonly #pastDelivered: Float64Array;
  readonly #pastLost: Float64Array;
  readonly #rings = new Set<PerfRing>();
  readonly #sharedRings = new Set<RingBufferMap>();

  constructor(cpus: number) {
    this.cpus = cpus;
    this.#produced = new Float64Array(cpus);
    this.#unrun = new Float64Array(cpus);
    this.#unsent = new Float64Array(cpus);
    this.#filtered = new Float64Array(cpus);
    this.#pastDelivered = new Float64Array(cpus);
    this.#pastLost = new Float64Array(cpus);
  }

  produced(cpu: number): number {
    return this.#produced[cpu] ?? 0;
  }

  delivered(cpu: number): number {
    let sum = this.#pastDelivered[cpu] ?? 0;
    for (const ring of this.#rings) if (ring.cpu === cpu) sum += ring.accepted;
    return sum;
  }

  lost(cpu: number): number {
    let sum = (this.#pastLost[cpu] ?? 0) + (this.#unrun[cpu] ?? 0) + (this.#unsent[cpu] ?? 0);
    for (const ring of this.#rings) if (ring.cpu === cpu) sum += ring.lost;
    return sum;
  }

  filtered(cpu: number): number {
    return this.#filtered[cpu] ?? 0;
  }

  pending(cpu: number): number {
    let sum = 0;
    for (const ring of this.#rings) if (ring.cpu === cpu) sum += ring.pending;
    // A record of a ringbuf does not tell its CPU: those that wait stand on the first.
    if (cpu === 0) for (const ring of this.#sharedRings) sum += ring.unread;
    return sum;
  }

  /** A run is due, or a run makes a record beyond its first. */
  countProduced(cpu: number): void {
    this.#produced[cpu]!++;
  }

  /** A run that was due did not happen, or was trapped before it made a record. */
  countUnrun(cpu: number): void {
    this.#unrun[cpu]!++;
  }

  /** A record found no ring: an empty slot, one of another CPU, or arguments that the helper refuses. */
  countUnsent(cpu: number): void {
    this.#unsent[cpu]!++;
  }

  /** A ringbuf took a record; perf rings count their own. */
  countDelivered(cpu: number): void {
    this.#pastDelivered[cpu]!++;
  }

  countFiltered(cpu: number): void {
    this.#filtered[cpu]!++;
  }

  addRing(ring: PerfRing): void {
    this.#rings.add(ring);
  }

  /** A ringbuf, which all CPUs write to: its records are counted as they are submitted. */
  addSharedRing(ring: RingBufferMap): void {
    this.#sharedRings.add(ring);
  }

  removeSharedRing(ring: RingBufferMap): void {
    this.#sharedRings.delete(ring);
  }

  /** Keeps what a ring counted when it goes. */
  removeRing(ring: PerfRing): void {
    if (!this.#rings.delete(ring)) return;
    this.#pastDelivered[ring.cpu]! += ring.accepted;
    this.#pastLost[ring.cpu]! += ring.lost;
  }
}
