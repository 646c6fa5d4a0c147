import { errno } from '../base/index.ts';
import { lengthMask, RingPages, ringPage, ringRecord } from './ring-pages.ts';

/** BPF_MAX_USER_RINGBUF_SAMPLES: what one drain takes at most. */
const mostSamples = 128 * 1024;
/** BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP: nobody waits for room here. */
const drainFlags = 3;

/** Offset and length of a sample; other than 0 ends the drain. */
export type DrainCallback = (sample: number, length: number) => number;

/**
 * user_ringbuf (kernel/bpf/ringbuf.c): a ring the other way round, which user space writes and programs drain. Its
 * pages and records are those of a ringbuf; user space moves the producer position, a drain the consumer position. A
 * record over the end goes on in the second copy of the data, for both sides.
 */
export class UserRingBuffer extends RingPages {
  #draining = false;

  /**
   * bpf_user_ringbuf_drain.
   * @returns samples that the callback was called for; -EINVAL for flags or a broken producer position or record,
   * -E2BIG for a record larger than the ring, -EBUSY from within a drain
   */
  drain(flags: number, callback: DrainCallback): number {
    if ((flags & ~drainFlags) !== 0) return -errno.EINVAL;
    if (this.#draining) return -errno.EBUSY;
    this.#draining = true;
    const taken = this.#drain(callback);
    this.#draining = false;
    return taken;
  }

  #drain(callback: DrainCallback): number {
    let taken = 0;
    let go = 0;
    for (let tries = 0; tries < mostSamples && go === 0; tries++) {
      const consumer = this.position(ringPage.consumer);
      const producer = this.position(ringPage.producer);
      if (producer % 8 !== 0) return -errno.EINVAL;
      if (consumer >= producer) break;
      const record = this.data + (consumer % this.size);
      const header = this.memory.u32[record >>> 2] as number;
      const length = header & lengthMask;
      const whole = (length + ringRecord.header + 7) & ~7;
      if (whole > producer - consumer) return -errno.EINVAL;
      if (whole > this.size) return -errno.E2BIG;
      const isDiscarded = (header & ringRecord.discarded) !== 0;
      // One that user space still writes holds back those behind it.
      if (!isDiscarded && header >= ringRecord.busy) break;
      if (!isDiscarded) {
        go = callback(record + ringRecord.header, length);
        taken++;
      }
      this.move(ringPage.consumer, consumer + whole);
    }
    return taken;
  }
}
