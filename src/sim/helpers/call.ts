import { errno } from '../../base/index.ts';
import { type BpfMap, FdArray } from '../../maps/index.ts';
import type { Executable } from '../../vm/index.ts';
import { ProgramResource } from '../programs/programs.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** BPF_MAX_LOOPS (include/linux/bpf.h) */
const mostLoops = 8 << 20;

/** Helpers that run other code: another program, or a function of this one (kernel/bpf/core.c, bpf_iter.c, arraymap.c). */
export function callHelpers({ maps, current, window }: HelperEnvironment): HelperBodies {
  /** The walk under way: walks nest, so each puts back what it found. */
  let caller: Executable | null = null;
  let slot = 0;
  let map = 0;
  let contextHigh = 0;
  let contextLow = 0;
  const visit = (key: number, value: number): number => {
    window.setPointer(1, map);
    window.setPointer(2, key);
    window.setPointer(3, value);
    window.setArgument(4, contextHigh, contextLow);
    return (caller as Executable).callback(slot);
  };

  function forEach(target: BpfMap, executable: Executable): number {
    const outer = caller;
    const outerSlot = slot;
    const outerMap = map;
    const outerHigh = contextHigh;
    const outerLow = contextLow;
    caller = executable;
    map = window.low(1);
    slot = window.low(2);
    contextHigh = window.high(3);
    contextLow = window.low(3);
    const done = target.forEach(current.cpu, visit);
    caller = outer;
    slot = outerSlot;
    map = outerMap;
    contextHigh = outerHigh;
    contextLow = outerLow;
    return done;
  }

  return {
    /** Goes on in the other program, or returns when there is none or 33 calls were made: nothing tells them apart. */
    tail_call(_, executable) {
      const array = maps.get(window.low(2));
      const program = array instanceof FdArray ? array.item(window.low(3)) : null;
      if (program instanceof ProgramResource) executable.tailCall(program.executable);
      window.answer(0);
    },
    for_each_map_elem(_, executable) {
      const target = maps.get(window.low(1));
      const flags = window.low(4) | window.high(4);
      window.answer(target === undefined || flags !== 0 ? -errno.EINVAL : forEach(target, executable));
    },
    loop(_, executable) {
      const times = window.low(1);
      const body = window.low(2);
      const high = window.high(3);
      const low = window.low(3);
      if (!window.isZero(4)) {
        window.answer(-errno.EINVAL);
        return;
      }
      if (times > mostLoops) {
        window.answer(-errno.E2BIG);
        return;
      }
      let done = 0;
      while (done < times) {
        window.setArgument(1, 0, done);
        window.setArgument(2, high, low);
        done++;
        if (executable.callback(body) !== 0) break;
      }
      window.answer(done);
    },
  };
}
