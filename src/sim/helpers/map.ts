import { errno } from '../../base/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Map helpers (kernel/bpf/helpers.c). A map pointer that names no map can only come past the verifier: -EINVAL. */
export function mapHelpers({ maps, current }: HelperEnvironment): HelperBodies {
  /** A value that push reads, or that pop and peek fill, at r2. */
  const withValue = (window: CallWindow, run: (map: BpfMap, value: number, flags: number) => number) => {
    const map = maps.get(window.low(1));
    if (map === undefined) window.answer(-errno.EINVAL);
    else if (!window.isMapped(2, map.shape.valueSize)) window.answer(-errno.EFAULT);
    else window.answer(run(map, window.low(2), window.high(3) === 0 ? window.low(3) : 0x1_0000_0000));
  };
  return {
    map_push_elem: (window) => withValue(window, push),
    map_pop_elem: (window) => withValue(window, pop),
    map_peek_elem: (window) => withValue(window, peek),
    map_lookup_elem(window) {
      const map = maps.get(window.low(1));
      const key = map !== undefined && window.isMapped(2, map.shape.keySize) ? window.low(2) : 0;
      const value = map === undefined || key === 0 ? 0 : map.lookup(key, current.cpu);
      window.answerPointer(value);
    },
    map_lookup_percpu_elem(window) {
      const map = maps.get(window.low(1));
      const cpu = window.low(3);
      const key = map !== undefined && window.isMapped(2, map.shape.keySize) ? window.low(2) : 0;
      const value = map === undefined || key === 0 || cpu >= current.cpus.length ? 0 : map.lookup(key, cpu);
      window.answerPointer(value);
    },
    map_update_elem(window) {
      const map = maps.get(window.low(1));
      if (map === undefined || window.high(4) !== 0) window.answer(-errno.EINVAL);
      else if (!window.isMapped(2, map.shape.keySize) || !window.isMapped(3, map.shape.valueSize)) {
        window.answer(-errno.EFAULT);
      } else window.answer(map.update(window.low(2), window.low(3), window.low(4), current.cpu));
    },
    map_delete_elem(window) {
      const map = maps.get(window.low(1));
      if (map === undefined) window.answer(-errno.EINVAL);
      else if (!window.isMapped(2, map.shape.keySize)) window.answer(-errno.EFAULT);
      else window.answer(map.delete(window.low(2)));
    },
  };
}

const push = (map: BpfMap, value: number, flags: number) => map.push(value, flags);
const pop = (map: BpfMap, value: number) => map.pop(value);
const peek = (map: BpfMap, value: number) => map.peek(value);
