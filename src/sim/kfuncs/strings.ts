import { errno } from '../../base/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import type { KfuncBodies } from './index.ts';

/** XATTR_SIZE_MAX: as far as a text is looked at. */
const longest = 65536;
/** What `byte` gives where no text can be read: it is no byte. */
const fault = -1;

/** Texts in the kernel's memory (kernel/bpf/helpers.c: bpf_str*): a place in the text, a length, or a negative errno. */
export function stringKfuncs({ memory }: HelperEnvironment): KfuncBodies {
  const byte = (window: CallWindow, argument: number, index: number): number => {
    const at = window.low(argument) + index;
    return memory.isMapped(window.high(argument), at, 1) ? (memory.u8[at] as number) : fault;
  };
  /** -ERANGE where a text is not the kernel's. */
  const range = (window: CallWindow, ...texts: number[]): number =>
    texts.every((text) => window.high(text) === kernelSpace) ? 0 : -errno.ERANGE;

  function find(window: CallWindow, wanted: number, most: number, atEnd: (index: number) => number): number {
    const status = range(window, 1);
    if (status !== 0) return status;
    for (let index = 0; index < Math.min(most, longest); index++) {
      const one = byte(window, 1, index);
      if (one === fault) return -errno.EFAULT;
      if (one === wanted) return index;
      if (one === 0) return atEnd(index);
    }
    return most > longest ? -errno.E2BIG : atEnd(most);
  }

  function last(window: CallWindow, wanted: number): number {
    const status = range(window, 1);
    if (status !== 0) return status;
    let found: number = -errno.ENOENT;
    for (let index = 0; index < longest; index++) {
      const one = byte(window, 1, index);
      if (one === fault) return -errno.EFAULT;
      if (one === wanted) found = index;
      if (one === 0) return found;
    }
    return -errno.E2BIG;
  }

  function compare(window: CallWindow, fold: (code: number) => number): number {
    const status = range(window, 1, 2);
    if (status !== 0) return status;
    for (let index = 0; index < longest; index++) {
      const one = byte(window, 1, index);
      const other = byte(window, 2, index);
      if (one === fault || other === fault) return -errno.EFAULT;
      if (fold(one) !== fold(other)) return fold(one) < fold(other) ? -1 : 1;
      if (one === 0) return 0;
    }
    return -errno.E2BIG;
  }

  /** How far the text is made only of what is in the other, or of what is not. */
  function span(window: CallWindow, only: boolean): number {
    const status = range(window, 1, 2);
    if (status !== 0) return status;
    for (let index = 0; index < longest; index++) {
      const one = byte(window, 1, index);
      if (one === fault) return -errno.EFAULT;
      if (one === 0) return index;
      const isIn = among(window, one);
      if (isIn < 0) return isIn;
      if ((isIn === 1) !== only) return index;
    }
    return -errno.E2BIG;
  }

  function among(window: CallWindow, wanted: number): number {
    for (let index = 0; index < longest; index++) {
      const one = byte(window, 2, index);
      if (one === fault) return -errno.EFAULT;
      if (one === wanted) return 1;
      if (one === 0) return 0;
    }
    return -errno.E2BIG;
  }

  /** The place of the second text within the first `length` bytes of the first. */
  function inside(window: CallWindow, length: number): number {
    const status = range(window, 1, 2);
    if (status !== 0) return status;
    for (let start = 0; start < longest; start++) {
      let index = 0;
      for (; start + index <= length && index < longest; index++) {
        const wanted = byte(window, 2, index);
        if (wanted === fault) return -errno.EFAULT;
        if (wanted === 0) return start;
        if (start + index === length) break;
        const one = byte(window, 1, start + index);
        if (one === fault) return -errno.EFAULT;
        if (one === 0) return -errno.ENOENT;
        if (one !== wanted) break;
      }
      if (index === longest) return -errno.E2BIG;
      if (start + index === length) return -errno.ENOENT;
    }
    return -errno.E2BIG;
  }

  const none = (): number => -errno.ENOENT;
  const itself = (index: number): number => index;
  const count = (window: CallWindow, argument: number): number =>
    window.high(argument) === 0 ? window.low(argument) : Number.POSITIVE_INFINITY;
  const character = (window: CallWindow, argument: number): number => window.low(argument) & 0xff;
  const unbounded = Number.POSITIVE_INFINITY;

  return {
    bpf_strcmp: (window) => window.answer(compare(window, itself)),
    bpf_strcasecmp: (window) => window.answer(compare(window, lower)),
    bpf_strchr: (window) => window.answer(find(window, character(window, 2), unbounded, none)),
    bpf_strchrnul: (window) => window.answer(find(window, character(window, 2), unbounded, itself)),
    bpf_strnchr: (window) => window.answer(find(window, character(window, 3), count(window, 2), none)),
    bpf_strrchr: (window) => window.answer(last(window, character(window, 2))),
    bpf_strlen: (window) => window.answer(find(window, 0, unbounded, itself)),
    bpf_strnlen: (window) => window.answer(find(window, 0, count(window, 2), itself)),
    bpf_strspn: (window) => window.answer(span(window, true)),
    bpf_strcspn: (window) => window.answer(span(window, false)),
    bpf_strstr: (window) => window.answer(inside(window, longest)),
    bpf_strnstr: (window) => window.answer(inside(window, count(window, 3))),
  };
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
