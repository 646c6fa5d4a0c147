import { errno } from '../../base/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { noMemory } from '../helpers/dynptrs.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import type { KfuncBodies } from './index.ts';

/** What kfuncs do with dynptrs of memory and ring buffers (kernel/bpf/helpers.c). */
export function dynptrKfuncs({ memory, dynptrs }: HelperEnvironment): KfuncBodies {
  /** r1 the dynptr, r2 the place, r4 the length; what cannot be given in place would go into the buffer of r3. */
  function slice(window: CallWindow, write: boolean): void {
    const dynptr = window.low(1);
    const data = dynptrs.data(dynptr);
    const fits = data !== noMemory && dynptrs.fits(dynptrs.size(dynptr), window.low(2), window.low(4));
    const given = fits && !(write && dynptrs.isReadOnly(dynptr));
    window.answerPointer(given ? data + window.low(2) : 0);
  }
  /** What a piece of r1 is written to, or a negative errno. */
  function target(window: CallWindow, offset: number, length: number): number {
    const dynptr = window.low(1);
    const data = dynptrs.data(dynptr);
    if (data === noMemory || dynptrs.isReadOnly(dynptr)) return -errno.EINVAL;
    return dynptrs.fits(dynptrs.size(dynptr), offset, length) ? data + offset : -errno.E2BIG;
  }

  return {
    bpf_dynptr_slice: (window) => slice(window, false),
    bpf_dynptr_slice_rdwr: (window) => slice(window, true),
    bpf_dynptr_adjust(window) {
      const dynptr = window.low(1);
      const start = window.low(2);
      const end = window.low(3);
      if (dynptrs.data(dynptr) === noMemory || start > end) window.answer(-errno.EINVAL);
      else if (end > dynptrs.size(dynptr)) window.answer(-errno.ERANGE);
      else {
        dynptrs.adjust(dynptr, start, end);
        window.answer(0);
      }
    },
    bpf_dynptr_is_null: (window) => window.answer(dynptrs.data(window.low(1)) === noMemory ? 1 : 0),
    bpf_dynptr_is_rdonly: (window) => window.answer(dynptrs.isReadOnly(window.low(1)) ? 1 : 0),
    bpf_dynptr_size(window) {
      const dynptr = window.low(1);
      window.answer(dynptrs.data(dynptr) === noMemory ? -errno.EINVAL : dynptrs.size(dynptr));
    },
    bpf_dynptr_clone(window) {
      const isNull = dynptrs.data(window.low(1)) === noMemory;
      dynptrs.clone(window.low(1), window.low(2));
      window.answer(isNull ? -errno.EINVAL : 0);
    },
    bpf_dynptr_memset(window) {
      const at = target(window, window.low(2), window.low(3));
      if (at >= 0) memory.u8.fill(window.low(4) & 0xff, at, at + window.low(3));
      window.answer(Math.min(at, 0));
    },
    /** r1, at r2, from r3, at r4, bytes r5. */
    bpf_dynptr_copy(window) {
      const source = window.low(3);
      const data = dynptrs.data(source);
      const length = window.low(5);
      const at = target(window, window.low(2), length);
      if (data === noMemory) window.answer(-errno.EINVAL);
      else if (at < 0) window.answer(at);
      else if (!dynptrs.fits(dynptrs.size(source), window.low(4), length)) window.answer(-errno.E2BIG);
      else {
        memory.u8.copyWithin(at, data + window.low(4), data + window.low(4) + length);
        window.answer(0);
      }
    },
  };
}
