import { type Observable, Subject } from 'rxjs';
import { TracebedError, viewOf } from '../base/index.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import { request } from './bpf-error.ts';
import { readU64, writeU64 } from './codec.ts';
import type { LoadedMap } from './map-table.ts';

/**
 * The reader of a BPF ring buffer: one ring for all CPUs, its records in the order in which programs asked for their
 * places. A record that is not finished holds back those behind it.
 *
 *   page 0: u64 consumer position     page 1: u64 producer position     data, and the data once more
 *   record: u32 length (bit 31 busy, bit 30 discarded), u32 page, data to a multiple of 8
 *
 * A record over the end lies in one piece, as its end is also behind the data (kernel/bpf/ringbuf.c).
 */
export interface RingBufferOptions<T> {
  /**
   * Makes a record of its bytes: `length` of them at `offset`. The view is the ring itself: keep nothing of it.
   */
  readonly decode: (view: DataView, offset: number, length: number) => T;
}

const pageSize = 4096;
const producerAt = pageSize;
const dataAt = 2 * pageSize;
const busy = 2 ** 31;
const discarded = 2 ** 30;
const headerSize = 8;

export class RingBuffer<T> implements Disposable {
  /** What one poll took, oldest first. Never an empty batch. */
  readonly records: Observable<readonly T[]>;
  /** The fd to poll: the map's. */
  readonly fd: Fd;
  readonly #records = new Subject<readonly T[]>();
  readonly #view: DataView;
  readonly #size: number;
  readonly #decode: RingBufferOptions<T>['decode'];

  /** @throws BpfError ENOTSUPP when the map is no ringbuf */
  constructor(kernel: Kernel, map: LoadedMap, options: RingBufferOptions<T>) {
    const { name, type } = map.spec;
    const bytes = request('ringbuf mmap', `cannot map ${type} map ${name}`, () => kernel.mapMmap(map.fd));
    this.fd = map.fd;
    this.#view = viewOf(bytes);
    this.#size = (bytes.length - dataAt) / 2;
    this.#decode = options.decode;
    this.records = this.#records.asObservable();
  }

  /** Takes all that is finished and emits it as one batch. @returns how many records */
  poll(): number {
    const batch: T[] = [];
    const view = this.#view;
    const producer = readU64(view, producerAt);
    let consumer = readU64(view, 0);
    while (consumer < producer) {
      const at = dataAt + (consumer % this.#size);
      const length = view.getUint32(at, true);
      if (length >= busy) break;
      const bytes = length % discarded;
      const next = consumer + Math.ceil((bytes + headerSize) / 8) * 8;
      if (next > producer) throw new TracebedError('the ring buffer holds no record');
      if (length < discarded) batch.push(this.#decode(view, at + headerSize, bytes));
      consumer = next;
    }
    writeU64(view, 0, consumer);
    if (batch.length > 0) this.#records.next(batch);
    return batch.length;
  }

  close(): void {
    this.#records.complete();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
