import { type Observable, Subject } from 'rxjs';
import { TracebedError, UsageError, viewOf } from '../base/index.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import { request } from './bpf-error.ts';
import { readU64, writeU64 } from './codec.ts';
import type { LoadedMap } from './map-table.ts';

/**
 * The reader of a perf event array: one ring for each CPU, mapped as perf_event_open(2) tells. All rings are drained
 * in one go, their records decoded, put in the order of time, and handed on as one batch.
 *
 *   control page                        data pages, a power of two
 *   +------------------------------+    +--------------------------------------------------+
 *   | data_head@1024 (kernel's)    |    | u32 type  u16 misc  u16 size  body …  | next …   |
 *   | data_tail@1032 (reader's)    |    +--------------------------------------------------+
 *   +------------------------------+    SAMPLE 9: u32 raw_size, data      LOST 2: u64 id, u64 lost
 *
 * Head and tail run freely and are taken modulo the size of the data (kernel/events/ring_buffer.c).
 */
export interface PerfBufferOptions<T> {
  /** Data pages of each CPU's ring: a power of two. */
  readonly pages: number;
  /**
   * Makes a record of its bytes: `length` of them at `offset`, of which up to 7 at the end are padding. The view is
   * used again for the next record: keep nothing of it.
   */
  readonly decode: (view: DataView, offset: number, length: number, cpu: number) => T;
  /** When the record was made, ns; puts the records of several CPUs in order. */
  readonly time?: (record: T) => number;
  /** Wakes the reader on every Nth sample; 1 when absent, as BCC's. */
  readonly wakeupEvents?: number;
}

/** Records that one ring had no room for. */
export interface LostRecords {
  readonly cpu: number;
  readonly count: number;
}

const headAt = 1024;
const tailAt = 1032;
const sampleType = 9;
const lostType = 2;
const headerSize = 8;

export class PerfBuffer<T> implements Disposable {
  /** What one poll took, oldest first. Never an empty batch. */
  readonly records: Observable<readonly T[]>;
  readonly losses: Observable<LostRecords>;
  readonly #records = new Subject<readonly T[]>();
  readonly #losses = new Subject<LostRecords>();
  readonly #kernel: Kernel;
  readonly #rings: Ring[] = [];
  readonly #options: PerfBufferOptions<T>;
  #lost = 0;

  /**
   * Opens an event on every CPU, maps its ring, and puts it in the map.
   * @throws UsageError when `pages` is no power of two; BpfError
   */
  constructor(kernel: Kernel, map: LoadedMap, options: PerfBufferOptions<T>) {
    const { pages } = options;
    if (!(pages >= 1) || !Number.isInteger(Math.log2(pages))) {
      throw new UsageError(`a perf ring cannot have ${pages} pages`, { expected: 'a power of two: 1, 2, 4, 8, …' });
    }
    this.#kernel = kernel;
    this.#options = options;
    this.records = this.#records.asObservable();
    this.losses = this.#losses.asObservable();
    try {
      for (let cpu = 0; cpu < kernel.cpus; cpu++) this.#rings.push(this.#open(map, cpu));
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  #open(map: LoadedMap, cpu: number): Ring {
    const event = request('perf event', `cannot open a perf event on CPU ${cpu}`, () =>
      this.#kernel.perfEventOpen({ cpu, wakeupEvents: this.#options.wakeupEvents ?? 1 }),
    );
    try {
      const bytes = request('perf mmap', `cannot map the ring of CPU ${cpu}`, () =>
        this.#kernel.mmap(event, this.#options.pages),
      );
      const words = new Uint8Array(8);
      viewOf(words).setUint32(0, cpu, true);
      viewOf(words).setUint32(4, event, true);
      request('map update', `cannot put the event of CPU ${cpu} in map ${map.spec.name}`, () =>
        this.#kernel.mapUpdate(map.fd, words.subarray(0, 4), words.subarray(4)),
      );
      return new Ring(cpu, event, bytes);
    } catch (fault) {
      this.#kernel.close(event);
      throw fault;
    }
  }

  /** The fds to poll, one for each CPU. */
  get events(): readonly Fd[] {
    return this.#rings.map((ring) => ring.event);
  }

  /** Records that the rings said were lost, all CPUs. */
  get lost(): number {
    return this.#lost;
  }

  lostOn(cpu: number): number {
    return this.#rings[cpu]?.lost ?? 0;
  }

  /** Takes all that waits in the rings and emits it as one batch. @returns how many records */
  poll(): number {
    const { decode, time } = this.#options;
    const batch: T[] = [];
    let filled = 0;
    for (const ring of this.#rings) {
      const before = batch.length;
      const lost = ring.drain(batch, decode);
      if (batch.length > before) filled++;
      if (lost > 0) {
        this.#lost += lost;
        this.#losses.next({ cpu: ring.cpu, count: lost });
      }
    }
    if (batch.length === 0) return 0;
    // Each ring is in order by itself; a stable sort merges these runs in linear time.
    if (filled > 1 && time) batch.sort((a, b) => time(a) - time(b));
    this.#records.next(batch);
    return batch.length;
  }

  close(): void {
    for (const ring of this.#rings.splice(0)) this.#kernel.close(ring.event);
    this.#records.complete();
    this.#losses.complete();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** One CPU's ring, from the reader's side. */
class Ring {
  readonly cpu: number;
  readonly event: Fd;
  lost = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #start: number;
  /** Bytes of the data pages. */
  readonly #size: number;
  /** A record that goes over the ring's end is put together here. */
  #joined = new Uint8Array(256);
  #joinedView = viewOf(this.#joined);

  constructor(cpu: number, event: Fd, bytes: Uint8Array) {
    this.cpu = cpu;
    this.event = event;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    const start = this.#view.getUint32(1040, true);
    this.#start = start === 0 ? 4096 : start;
    this.#size = bytes.length - this.#start;
  }

  /** @returns how many records the ring says were lost */
  drain<T>(into: T[], decode: PerfBufferOptions<T>['decode']): number {
    const { cpu } = this;
    const view = this.#view;
    const head = readU64(view, headAt);
    let tail = readU64(view, tailAt);
    let lost = 0;
    while (tail < head) {
      const at = tail % this.#size;
      const position = this.#start + at;
      const type = view.getUint32(position, true);
      const size = view.getUint16(position + 6, true);
      if (size < headerSize || tail + size > head) throw new TracebedError(`the ring of CPU ${cpu} holds no record`);
      const whole = at + size <= this.#size;
      const source = whole ? view : this.#join(at, size);
      const body = (whole ? position : 0) + headerSize;
      if (type === sampleType) into.push(decode(source, body + 4, source.getUint32(body, true), cpu));
      else if (type === lostType) lost += readU64(source, body + 8);
      tail += size;
    }
    writeU64(view, tailAt, tail);
    this.lost += lost;
    return lost;
  }

  /** Copies a record that wraps: its end lies at the start of the data. */
  #join(at: number, size: number): DataView {
    if (size > this.#joined.length) {
      this.#joined = new Uint8Array(size * 2);
      this.#joinedView = viewOf(this.#joined);
    }
    const first = this.#size - at;
    this.#joined.set(this.#bytes.subarray(this.#start + at, this.#start + this.#size));
    this.#joined.set(this.#bytes.subarray(this.#start, this.#start + size - first), first);
    return this.#joinedView;
  }
}
