import { errno, SysError } from '../base/index.ts';
import { type Memory, pageSize } from '../memory/index.ts';
import { copyBytes } from './copy.ts';

/**
 * One perf event of BPF output and its ring (kernel/events/ring_buffer.c): the control page and 2^n data pages, byte
 * for byte as mmap(2) shows them. The producer never waits: what does not fit is refused and counted, and told in a
 * LOST record right before the next sample that fits.
 *
 *   control page    +40 u64 capabilities 2   +72 u32 size of the fields before the reserved ones, 96
 *                 +1024 u64 data_head   +1032 u64 data_tail   +1040 u64 data_offset 4096   +1048 u64 data_size
 *
 *   sample        +0 u32 9   +4 u16 misc   +6 u16 size   +8 u32 raw_size   +12 data, padding to 8
 *   lost          +0 u32 2   +4 u16 0      +6 u16 24     +8 u64 id         +16 u64 lost
 *
 * head and tail run freely and are taken modulo data_size. Backwards, head counts down from 0 and a record stands at
 * head; whoever reads goes up from there.
 */
export const perfPage = {
  capabilities: 40,
  size: 72,
  head: 1024,
  tail: 1032,
  dataOffset: 1040,
  dataSize: 1048,
} as const;

/** cap_bit0_is_deprecated: bit 0 says nothing. */
const capabilityBit0IsDeprecated = 2;

/** perf_event_type (include/uapi/linux/perf_event.h): those that this ring writes. */
export const perfRecordTypes = { lost: 2, sample: 9 } as const;

/** PERF_RECORD_MISC_KERNEL: the sample was taken in kernel mode; MISC_USER is 2. */
const miscKernel = 1;

const lostSize = 24;
/** The record's header and raw_size. */
const sampleHeader = 12;

/** perf_event_open(2)'s attributes, as far as they matter to a ring. */
export interface PerfRingOptions {
  readonly cpu: number;
  /** The event's id, told in LOST records. */
  readonly id: number;
  /** Wakes the reader on every Nth sample; 0 leaves it to the watermark of half the buffer. */
  readonly wakeupEvents?: number;
  /** Instead: wakes it when more than that many bytes came; 0 means half the buffer. */
  readonly wakeupWatermark?: number;
  /** Records go backwards from the end. */
  readonly writeBackward?: boolean;
  /** Never full, old records are overwritten: a read-only mapping. As `writeBackward` when absent. */
  readonly overwrite?: boolean;
}

export class PerfRing {
  readonly memory: Memory;
  readonly cpu: number;
  readonly id: number;
  readonly writeBackward: boolean;
  readonly overwrite: boolean;

  readonly #wakeupEvents: number;
  readonly #wantedWatermark: number;
  #watermark = 0;
  #page = 0;
  #data = 0;
  #dataSize = 0;
  #headLow = 0;
  #headHigh = 0;
  /** Bytes written since the wakeup counter: the kernel's head - rb->wakeup. */
  #sinceWakeup = 0;
  #eventsSinceWakeup = 0;
  #untold = 0;
  #accepted = 0;
  #lost = 0;
  #wakeups = 0;
  #woken = false;

  constructor(memory: Memory, options: PerfRingOptions) {
    this.memory = memory;
    this.cpu = options.cpu;
    this.id = options.id;
    this.writeBackward = options.writeBackward ?? false;
    this.overwrite = options.overwrite ?? this.writeBackward;
    this.#wakeupEvents = options.wakeupWatermark === undefined ? (options.wakeupEvents ?? 0) : 0;
    this.#wantedWatermark = options.wakeupWatermark ?? 0;
  }

  /** Offset of the control page, or 0 before `map`; the data follow at +4096. */
  get page(): number {
    return this.#page;
  }

  /** Bytes of the data area; 0 before `map`. */
  get dataSize(): number {
    return this.#dataSize;
  }

  /** Samples that were written. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Samples that were refused. */
  get lost(): number {
    return this.#lost;
  }

  /** Of those refused: not told in a LOST record yet. */
  get untold(): number {
    return this.#untold;
  }

  /** How often the reader was woken. */
  get wakeups(): number {
    return this.#wakeups;
  }

  /**
   * mmap(2): makes the buffer. A second call gives the same one.
   * @param dataPages a power of two
   * @returns the offset of the control page; the mapping is (1 + dataPages) * 4096 bytes
   * @throws SysError EINVAL for another number of pages, ENOMEM
   */
  map(dataPages: number): number {
    if (this.#page !== 0 && dataPages * pageSize === this.#dataSize) return this.#page;
    if (this.#page !== 0 || !Number.isInteger(Math.log2(dataPages))) {
      throw new SysError('EINVAL', 'mmap', `a perf ring of ${dataPages} data pages`, {
        expected: this.#page === 0 ? 'a power of two' : `the ${this.#dataSize / pageSize} pages mapped already`,
      });
    }
    const page = this.memory.allocatePages((1 + dataPages) * pageSize);
    const dataSize = dataPages * pageSize;
    this.#page = page;
    this.#data = page + pageSize;
    this.#dataSize = dataSize;
    this.#watermark = Math.min(dataSize, this.#wantedWatermark) || dataSize / 2;
    this.memory.u32[(page + perfPage.capabilities) >>> 2] = capabilityBit0IsDeprecated;
    this.memory.u32[(page + perfPage.size) >>> 2] = perfPage.size + 24;
    this.memory.u32[(page + perfPage.dataOffset) >>> 2] = pageSize;
    this.memory.u32[(page + perfPage.dataSize) >>> 2] = dataSize;
    return page;
  }

  /**
   * perf_event_output of a raw sample: `length` bytes at `offset`, then `length2` bytes at `offset2`.
   * A record's size is a u16 and the kernel lets it wrap: from 65517 bytes on, the sample spoils its neighbours.
   * @returns 0, or -ENOSPC when it does not fit or nothing is mapped
   */
  output(offset: number, length: number, offset2 = 0, length2 = 0, misc: number = miscKernel): number {
    const rawSize = ((length + length2 + 11) & ~7) - 4;
    const size = (sampleHeader + rawSize) & 0xffff;
    const told = this.#untold === 0 ? 0 : lostSize;
    if (!this.#hasSpace(size + told)) {
      this.#lost++;
      if (this.#dataSize !== 0) this.#untold++;
      return -errno.ENOSPC;
    }
    let at = this.#reserve(size + told);
    if (told !== 0) at = this.#writeLost(at);
    const mask = this.#dataSize - 1;
    const words = this.memory.i32;
    const data = this.#data;
    let word = (data + at) >>> 2;
    words[word] = perfRecordTypes.sample;
    words[word + 1] = misc | (size << 16);
    at = (at + 8) & mask;
    word = (data + at) >>> 2;
    words[word] = rawSize;
    at += 4;
    if (at + length + length2 <= this.#dataSize) {
      copyBytes(this.memory, data + at, offset, length);
      if (length2 !== 0) copyBytes(this.memory, data + at + length, offset2, length2);
    } else {
      this.#write(at, offset, length);
      this.#write(at + length, offset2, length2);
    }
    this.#accepted++;
    this.#publish();
    return 0;
  }

  /** poll(2): whether the reader was woken since the last call. */
  poll(): boolean {
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  /**
   * Samples in the ring that were not read: between tail and head, or what overwriting left as far as a reader can
   * find it (backwards; forwards nobody can tell where the oldest begins). Walks the records, so not for hot paths.
   */
  get pending(): number {
    const { u32 } = this.memory;
    const mask = this.#dataSize - 1;
    const from = this.writeBackward ? this.#headLow : (u32[(this.#page + perfPage.tail) >>> 2] as number);
    let samples = 0;
    let rest = this.#readable();
    for (let at = from & mask; rest > 0; ) {
      const word = (this.#data + at) >>> 2;
      const size = u32[word + 1]! >>> 16;
      if (size === 0 || size > rest) break;
      if (u32[word] === perfRecordTypes.sample) samples++;
      at = (at + size) & mask;
      rest -= size;
    }
    return samples;
  }

  /** Bytes that a reader may take. */
  #readable(): number {
    if (this.#accepted === 0 || this.#dataSize === 0) return 0;
    if (this.overwrite) {
      const high = this.writeBackward ? ~this.#headHigh >>> 0 : this.#headHigh;
      const written = high * 2 ** 32 + (this.writeBackward ? 2 ** 32 - this.#headLow : this.#headLow);
      if (written <= this.#dataSize) return written;
      return this.writeBackward ? this.#dataSize : 0;
    }
    const tail = this.memory.u32[(this.#page + perfPage.tail) >>> 2] as number;
    const waiting = this.writeBackward ? tail - this.#headLow : this.#headLow - tail;
    return Math.min(this.#dataSize, waiting >>> 0);
  }

  /** Frees the buffer: the last mapping and the event are gone. */
  close(): void {
    if (this.#page !== 0) this.memory.freePages(this.#page, pageSize + this.#dataSize);
    this.#page = 0;
    this.#dataSize = 0;
  }

  /** ring_buffer_has_space: CIRC_SPACE leaves one byte free, so that full and empty differ. */
  #hasSpace(size: number): boolean {
    if (this.#dataSize === 0) return false;
    if (this.overwrite) return true;
    const tail = this.memory.i32[(this.#page + perfPage.tail) >>> 2] as number;
    const free = this.writeBackward ? this.#headLow - tail - 1 : tail - this.#headLow - 1;
    return (free & (this.#dataSize - 1)) >= size;
  }

  /** Moves head over `size` bytes; returns where they begin in the data area. */
  #reserve(size: number): number {
    const before = this.#headLow;
    if (this.writeBackward) {
      this.#headLow = (before - size) >>> 0;
      if (this.#headLow > before) this.#headHigh = (this.#headHigh - 1) >>> 0;
    } else {
      this.#headLow = (before + size) >>> 0;
      if (this.#headLow < before) this.#headHigh++;
    }
    this.#sinceWakeup += size;
    return (this.writeBackward ? this.#headLow : before) & (this.#dataSize - 1);
  }

  /** Returns where the next record begins. */
  #writeLost(at: number): number {
    const mask = this.#dataSize - 1;
    const words = this.memory.u32;
    let word = (this.#data + at) >>> 2;
    words[word] = perfRecordTypes.lost;
    words[word + 1] = lostSize << 16;
    word = (this.#data + ((at + 8) & mask)) >>> 2;
    words[word] = this.id;
    words[word + 1] = this.id / 2 ** 32;
    word = (this.#data + ((at + 16) & mask)) >>> 2;
    words[word] = this.#untold;
    words[word + 1] = this.#untold / 2 ** 32;
    this.#untold = 0;
    return (at + lostSize) & mask;
  }

  /** A copy that may run over the end of the data area. */
  #write(at: number, offset: number, length: number): void {
    let to = at & (this.#dataSize - 1);
    for (let done = 0; done < length; to = 0) {
      const part = Math.min(length - done, this.#dataSize - to);
      copyBytes(this.memory, this.#data + to, offset + done, part);
      done += part;
    }
  }

  /** perf_output_put_handle, and the wakeups of perf_output_begin and perf_output_sample. */
  #publish(): void {
    const word = (this.#page + perfPage.head) >>> 2;
    this.memory.u32[word] = this.#headLow;
    this.memory.u32[word + 1] = this.#headHigh;
    let woken = false;
    if (this.#sinceWakeup > this.#watermark) {
      this.#sinceWakeup -= this.#watermark;
      woken = true;
    }
    if (this.#wakeupEvents !== 0 && ++this.#eventsSinceWakeup >= this.#wakeupEvents) {
      this.#eventsSinceWakeup -= this.#wakeupEvents;
      this.#sinceWakeup--;
      woken = true;
    }
    if (woken) {
      this.#wakeups++;
      this.#woken = true;
    }
  }
}
