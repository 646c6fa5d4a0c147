import type { RingBufferMap } from '../../maps/index.ts';
import type { HelperEnvironment } from './environment.ts';

/**
 * Records of BPF ring buffers as the ledger counts them: a place that is asked for is a record that the run tries to
 * make; it is delivered when it is submitted, filtered when it is discarded, and lost when there was no room.
 */
export class RingRecords {
  readonly #parts: Pick<HelperEnvironment, 'current' | 'ledger'>;

  constructor(parts: Pick<HelperEnvironment, 'current' | 'ledger'>) {
    this.#parts = parts;
  }

  /** A program tries to make a record: the run itself counts for the first. */
  begin(): void {
    const { current, ledger } = this.#parts;
    if (current.records++ > 0) ledger.countProduced(current.cpu);
  }

  /** A place was asked for. */
  reserved(isGiven: boolean): void {
    const { current, ledger } = this.#parts;
    if (isGiven) current.reserved++;
    else ledger.countUnsent(current.cpu);
  }

  /** A record was made at once, or not at all. */
  sent(isSent: boolean): void {
    const { current, ledger } = this.#parts;
    if (isSent) ledger.countDelivered(current.cpu);
    else ledger.countUnsent(current.cpu);
  }

  /** Ends the record in a place that was given; without a ring, or with no place given, nothing happens. */
  finish(ring: RingBufferMap | undefined, sample: number, flags: number, discard: boolean): void {
    const { current, ledger } = this.#parts;
    if (ring === undefined || current.reserved === 0) return;
    ring.commit(sample, flags, discard);
    current.reserved--;
    if (discard) ledger.countFiltered(current.cpu);
    else ledger.countDelivered(current.cpu);
  }
}
