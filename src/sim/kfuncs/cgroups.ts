import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import type { Cgroup } from '../processes/cgroups.ts';
import type { KfuncBodies } from './index.ts';

/** Cgroups of the one hierarchy of version 2 (kernel/bpf/helpers.c). */
export function cgroupKfuncs({ cgroups, cgroupObjects }: HelperEnvironment): KfuncBodies {
  const answer = (window: CallWindow, cgroup: Cgroup | undefined): void => {
    window.answerPointer(cgroup === undefined ? 0 : cgroupObjects.address(cgroup));
  };
  const given = (window: CallWindow): Cgroup | undefined =>
    window.high(1) === kernelSpace ? cgroupObjects.cgroupAt(window.low(1)) : undefined;
  return {
    bpf_cgroup_acquire: (window) => answer(window, given(window)),
    bpf_cgroup_release: (window) => window.answer(0),
    bpf_cgroup_ancestor: (window) => answer(window, given(window)?.line[window.low(2) | 0]),
    bpf_cgroup_from_id: (window) => answer(window, window.high(1) === 0 ? cgroups.byId(window.low(1)) : undefined),
  };
}
