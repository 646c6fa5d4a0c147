import { errno } from '../../base/index.ts';
import { RingBufferMap, UserRingBuffer } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { CallWindow, Executable } from '../../vm/index.ts';
import { noMemory } from './dynptrs.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { RingRecords } from './ring-records.ts';

/** Pointers with a length that is known when a program runs (kernel/bpf/helpers.c, ringbuf.c). */
export function dynptrHelpers(environment: HelperEnvironment): HelperBodies {
  const { memory, maps, rings, dynptrs } = environment;
  const records = new RingRecords(environment);

  /** Whether a piece lies within what a dynptr points to; its place and length are u32 here. */
  function checkPiece(window: CallWindow, dynptr: number, offsetAt: number, lengthAt: number): number {
    return dynptrs.fits(dynptrs.size(dynptr), window.low(offsetAt), window.low(lengthAt)) ? 0 : -errno.E2BIG;
  }

  function finish(window: CallWindow, discard: boolean): void {
    const dynptr = window.low(1);
    const sample = dynptrs.data(dynptr);
    window.answer(0);
    if (sample === noMemory) return;
    const ring = rings.get(RingBufferMap.pagesOf(memory, sample));
    dynptrs.setNull(dynptr);
    records.finish(ring, sample, window.low(2), discard);
  }

  /** The dynptr that the callback of a drain is shown. */
  const shown = memory.allocate(16);
  function drain(ring: UserRingBuffer, window: CallWindow, executable: Executable): number {
    const body = window.low(2);
    const contextHigh = window.high(3);
    const contextLow = window.low(3);
    return ring.drain(window.high(4) === 0 ? window.low(4) : -1, (sample, length) => {
      dynptrs.set(shown, sample, length, 'local');
      window.setPointer(1, shown);
      window.setArgument(2, contextHigh, contextLow);
      return executable.callback(body);
    });
  }

  return {
    user_ringbuf_drain(window, executable) {
      const ring = maps.get(window.low(1));
      window.answer(ring instanceof UserRingBuffer ? drain(ring, window, executable) : -errno.EINVAL);
    },
    dynptr_from_mem(window) {
      const dynptr = window.low(4);
      const status = dynptrs.checkSize(window.low(2)) || (window.isZero(3) ? 0 : -errno.EINVAL);
      if (status === 0) dynptrs.set(dynptr, window.low(1), window.low(2), 'local');
      else dynptrs.setNull(dynptr);
      window.answer(status);
    },
    dynptr_read(window) {
      const dynptr = window.low(3);
      const data = dynptrs.data(dynptr);
      const status = data === noMemory || !window.isZero(5) ? -errno.EINVAL : checkPiece(window, dynptr, 4, 2);
      if (status === 0) move(memory, window.low(1), data + window.low(4), window.low(2));
      window.answer(status);
    },
    dynptr_write(window) {
      const dynptr = window.low(1);
      const data = dynptrs.data(dynptr);
      let status: number =
        data === noMemory || dynptrs.isReadOnly(dynptr) ? -errno.EINVAL : checkPiece(window, dynptr, 2, 4);
      if (status === 0 && !window.isZero(5)) status = -errno.EINVAL;
      if (status === 0) move(memory, data + window.low(2), window.low(3), window.low(4));
      window.answer(status);
    },
    /** NULL for what may only be read, too. */
    dynptr_data(window) {
      const dynptr = window.low(1);
      const data = dynptrs.data(dynptr);
      const given = data !== noMemory && !dynptrs.isReadOnly(dynptr) && checkPiece(window, dynptr, 2, 3) === 0;
      window.answerPointer(given ? data + window.low(2) : 0);
    },
    ringbuf_reserve_dynptr(window) {
      const map = maps.get(window.low(1));
      const dynptr = window.low(4);
      records.begin();
      let status = window.isZero(3) ? dynptrs.checkSize(window.low(2)) : -errno.EINVAL;
      const sample = status === 0 && map instanceof RingBufferMap ? map.reserve(window.low(2)) : 0;
      if (status === 0 && sample === 0) status = -errno.EINVAL;
      records.reserved(status === 0);
      if (status === 0) dynptrs.set(dynptr, sample, window.low(2), 'ringbuf');
      else dynptrs.setNull(dynptr);
      window.answer(status);
    },
    ringbuf_submit_dynptr: (window) => finish(window, false),
    ringbuf_discard_dynptr: (window) => finish(window, true),
  };
}

/** memmove: the two may overlap. */
function move(memory: Memory, target: number, source: number, length: number): void {
  memory.u8.copyWithin(target, source, source + length);
}
