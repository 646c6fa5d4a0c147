import { errno } from '../../base/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Map helpers (kernel/bpf/helpers.c). A map pointer that names no map can only come past the verifier: -EINVAL. */
export function mapHelpers({ maps, current, memory }: HelperEnvironment): HelperBodies {
  const readable = (window: CallWindow, argument: number, length: number) =>
    memory.isMapped(window.high(argument), window.low(argument), length);
  return {
    map_lookup_elem(window) {
      const map = maps.get(window.low(1));
      const key = map !== undefined && readable(window, 2, map.shape.keySize) ? window.low(2) : 0;
      const value = map === undefined || key === 0 ? 0 : map.lookup(key, current.cpu);
      window.answerHalves(value === 0 ? 0 : kernelSpace | 0, value);
    },
    map_lookup_percpu_elem(window) {
      const map = maps.get(window.low(1));
      const cpu = window.low(3);
      const key = map !== undefined && readable(window, 2, map.shape.keySize) ? window.low(2) : 0;
      const value = map === undefined || key === 0 || cpu >= current.cpus.length ? 0 : map.lookup(key, cpu);
      window.answerHalves(value === 0 ? 0 : kernelSpace | 0, value);
    },
    map_update_elem(window) {
      const map = maps.get(window.low(1));
      if (map === undefined || window.high(4) !== 0) window.answer(-errno.EINVAL);
      else if (!readable(window, 2, map.shape.keySize) || !readable(window, 3, map.shape.valueSize)) {
        window.answer(-errno.EFAULT);
      } else window.answer(map.update(window.low(2), window.low(3), window.low(4), current.cpu));
    },
    map_delete_elem(window) {
      const map = maps.get(window.low(1));
      if (map === undefined) window.answer(-errno.EINVAL);
      else if (!readable(window, 2, map.shape.keySize)) window.answer(-errno.EFAULT);
      else window.answer(map.delete(window.low(2)));
    },
  };
}
