import type { Btf } from '../../btf/index.ts';
import type { Helper } from '../../vm/index.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import { cgroupKfuncs } from './cgroups.ts';
import { dynptrKfuncs } from './dynptrs.ts';
import { iteratorKfuncs } from './iterators.ts';
import { stringKfuncs } from './strings.ts';
import { taskKfuncs } from './tasks.ts';

/** Bodies of the kernel's own functions, by their names: they read r1–r5 and answer as helpers do. */
export type KfuncBodies = Readonly<Record<string, Helper>>;

const nothing: Helper = (window) => window.answer(0);
const same: Helper = (window) => window.answerHalves(window.high(1) | 0, window.low(1) | 0);

/** One program runs at a time, and nothing is freed while it does: sections are entered without a trace. */
const sections: KfuncBodies = {
  bpf_rcu_read_lock: nothing,
  bpf_rcu_read_unlock: nothing,
  bpf_preempt_disable: nothing,
  bpf_preempt_enable: nothing,
  bpf_local_irq_save: nothing,
  bpf_local_irq_restore: nothing,
};

/** The same pointer for another type: only the verifier sees the difference. */
const views: KfuncBodies = { bpf_cast_to_kern_ctx: same, bpf_rdonly_cast: same };

const families = [taskKfuncs, cgroupKfuncs, dynptrKfuncs, iteratorKfuncs, stringKfuncs] as const;

/** The bodies that there are, by the ids that the kernel's BTF has for the functions; a new one is a row in its file. */
export function kfuncTable(btf: Btf, environment: HelperEnvironment): ReadonlyMap<number, Helper> {
  const table = new Map<number, Helper>();
  const all = Object.assign({}, sections, views, ...families.map((family) => family(environment))) as KfuncBodies;
  for (const [name, body] of Object.entries(all)) {
    const id = btf.find('function', name);
    if (id !== undefined) table.set(id, returnsWhole(btf, name) ? body : narrowed(body));
  }
  return table;
}

/** On x86 a function that returns an int leaves the upper half of rax zero. */
function narrowed(body: Helper): Helper {
  return (window, executable) => {
    body(window, executable);
    window.narrow();
  };
}

function returnsWhole(btf: Btf, name: string): boolean {
  const returns = btf.functionPrototype(name)?.returns ?? 0;
  return returns === 0 || btf.sizeOf(returns) === 8;
}
