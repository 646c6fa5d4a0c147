import type { HelperName } from '../../uapi/index.ts';

/**
 * Helpers that are given a function of the program to call: which argument it is, and what it is called with, each
 * directly readable, unknown, or one of the helper's own arguments by number (kernel/bpf/verifier.c:
 * set_*_callback_state).
 */
export interface Callback {
  readonly at: number;
  readonly gets: readonly ('direct' | 'unknown' | number)[];
}

const callbacks: Partial<Readonly<Record<HelperName, Callback>>> = {
  loop: { at: 1, gets: ['unknown', 2] },
  for_each_map_elem: { at: 1, gets: ['unknown', 'direct', 'direct', 2] },
  timer_set_callback: { at: 1, gets: ['unknown', 'direct', 'direct'] },
  find_vma: { at: 2, gets: ['unknown', 'unknown', 3] },
  user_ringbuf_drain: { at: 1, gets: ['unknown', 2] },
};

export function callbackOf(helper: HelperName): Callback | undefined {
  return callbacks[helper];
}
