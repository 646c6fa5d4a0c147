import { errno } from '../base/index.ts';
import { type Memory, pageSize } from '../memory/index.ts';
import { ringbufFlags, ringbufQueries } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { lengthMask, RingPages, ringPage, ringRecord } from './ring-pages.ts';

/** What stands before the consumer page in the kernel's object: records count pages from there. */
const hiddenPages = 1;

/**
 * ringbuf (kernel/bpf/ringbuf.c): one ring for all CPUs. A program reserves a place in it, writes there, and submits
 * or discards it; a record that is not finished holds back those behind it. Byte for byte as mmap(2) shows it:
 *
 *   page 0   +0 u64 consumer position   user space's
 *   page 1   +0 u64 producer position   +8 u64 pending position: the oldest record that is not finished
 *   data     size bytes, and once more behind themselves, so that a record over the end lies in one piece
 *
 *   record   +0 u32 length, bit 31 busy, bit 30 discarded   +4 u32 pages from the ring's start   +8 data, to 8
 *
 * Positions run freely and are taken modulo the size. Memory cannot be mapped twice here: of the second copy only what
 * runs over the end is kept, which is all that a reader from a position modulo the size comes to see.
 */
export class RingBufferMap extends RingPages {
  #producer = 0;
  #pending = 0;
  #ready = true;
  #wakeups = 0;

  /** The `pages` of the ring that a place from `reserve` belongs to, as bpf_ringbuf_restore_from_rec finds it. */
  static pagesOf(memory: Memory, sample: number): number {
    const record = sample - ringRecord.header;
    const page = memory.u32[(record >>> 2) + 1] as number;
    return record - (record % pageSize) - (page - hiddenPages) * pageSize;
  }

  /** Records that were submitted and not read yet. Walks them, so not for hot paths. */
  get unread(): number {
    let records = 0;
    for (let at = this.position(ringPage.consumer); at < this.#producer; ) {
      const length = this.memory.u32[(this.data + (at % this.size)) >>> 2] as number;
      if (length >= ringRecord.busy) break;
      if (length < ringRecord.discarded) records++;
      at += ((length & lengthMask) + ringRecord.header + 7) & ~7;
    }
    return records;
  }

  /** How often a reader was notified. */
  get wakeups(): number {
    return this.#wakeups;
  }

  /** bpf_ringbuf_reserve: offset of `length` writable bytes, or 0 when there is no room. They hold what was there. */
  reserve(length: number): number {
    if (length > lengthMask) return 0;
    const whole = (length + ringRecord.header + 7) & ~7;
    if (whole > this.size) return 0;
    const start = this.#producer;
    this.#advancePending();
    const end = start + whole;
    if (end - this.position(ringPage.consumer) > this.size - 1 || end - this.#pending > this.size - 1) return 0;
    const at = start % this.size;
    const record = this.data + at;
    this.memory.u32[record >>> 2] = length | ringRecord.busy;
    this.memory.u32[(record >>> 2) + 1] = hiddenPages + 2 + Math.floor(at / pageSize);
    const over = at + whole - this.size;
    if (over > 0) copyBytes(this.memory, this.data + this.size, this.data, over);
    this.#producer = end;
    this.move(ringPage.producer, end);
    return record + ringRecord.header;
  }

  /** bpf_ringbuf_submit and bpf_ringbuf_discard of what `reserve` gave. Unknown flags are passed over, as there. */
  commit(sample: number, flags: number, discard: boolean): void {
    const record = sample - ringRecord.header;
    const word = record >>> 2;
    const length = this.memory.u32[word]! & lengthMask;
    const at = record - this.data;
    const over = at + ((length + ringRecord.header + 7) & ~7) - this.size;
    if (over > 0) copyBytes(this.memory, this.data, this.data + this.size, over);
    this.memory.u32[word] = discard ? length + ringRecord.discarded : length;
    const caughtUp = this.position(ringPage.consumer) % this.size === at;
    if ((flags & ringbufFlags.forceWakeup) !== 0 || (caughtUp && (flags & ringbufFlags.noWakeup) === 0)) {
      this.#wakeups++;
      this.#ready = true;
    }
  }

  /** bpf_ringbuf_output of `length` bytes at `offset`: 0, -EINVAL for flags, -EAGAIN when there is no room */
  output(offset: number, length: number, flags: number): number {
    if ((flags & ~(ringbufFlags.noWakeup | ringbufFlags.forceWakeup)) !== 0) return -errno.EINVAL;
    const sample = this.reserve(length);
    if (sample === 0) return -errno.EAGAIN;
    copyBytes(this.memory, sample, offset, length);
    this.commit(sample, flags, false);
    return 0;
  }

  /** bpf_ringbuf_query: bytes or positions; 0 for what it does not know. */
  query(what: number): number {
    switch (what) {
      case ringbufQueries.availableData:
        return this.#producer - this.position(ringPage.consumer);
      case ringbufQueries.ringSize:
        return this.size;
      case ringbufQueries.consumerPosition:
        return this.position(ringPage.consumer);
      case ringbufQueries.producerPosition:
        return this.#producer;
      default:
        return 0;
    }
  }

  /**
   * epoll_wait(2), level-triggered, of a reader that began to wait when the ring was made: whether it was notified,
   * and since then has not found the ring empty.
   */
  poll(): boolean {
    if (this.#ready && this.#producer === this.position(ringPage.consumer)) this.#ready = false;
    return this.#ready;
  }

  /** Passes over the records that are finished. */
  #advancePending(): void {
    while (this.#pending < this.#producer) {
      const length = this.memory.u32[(this.data + (this.#pending % this.size)) >>> 2] as number;
      if (length >= ringRecord.busy) break;
      this.#pending += ((length & lengthMask) + ringRecord.header + 7) & ~7;
    }
    this.move(ringPage.pending, this.#pending);
  }
}
