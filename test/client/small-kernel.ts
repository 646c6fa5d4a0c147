import { afterEach, beforeEach } from 'vitest';
import { ms } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { BPF, type BpfOptions } from '../../src/client/index.ts';
import { binary, type KernelEvent, type Task } from '../../src/events/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';

/** What the tests of the class BPF share: a kernel for each test, with one process, and calls that happen on it. */
export const profile = loadProfile('6.18');
export const task: Task = { pid: 43, tgid: 42, comm: 'curl', uid: 0, gid: 0 };
export const app = binary('/usr/bin/app', {
  functions: ['main', 'serve', 'serve_one'],
  probes: [{ provider: 'app', name: 'got', in: 'serve', arguments: '-4@%edi 8@%rsi' }],
});

/** The kernel of the test that runs; `machine` may be set to another. */
export const on = {} as { machine: Machine; clock: number };

export const load = (text: string, options: Partial<BpfOptions> = {}): BPF => new BPF(on.machine, { text, ...options });

/** A call of a function that returns at once. */
export const call = (name: string, cpu = 0, args = {}): void => {
  const at = { cpu, task, stack: [] as string[], function: name };
  on.machine.fire({ ...at, kind: 'entry', time: ++on.clock, args } as KernelEvent);
  on.machine.fire({ ...at, kind: 'exit', time: ++on.clock, returns: 0 } as KernelEvent);
};

/** Boots a kernel before each test, and lets it go behind it. */
export function kernelForEach(): void {
  beforeEach(() => {
    on.machine = boot({ profile, cpus: 2, processes: [{ pid: 7, binaries: [app] }] });
    on.clock = ms(1);
  });
  afterEach(() => on.machine[Symbol.dispose]());
}

/** Counts the calls of what its programs are attached to, by address. */
export const counter = `
BPF_HASH(counts, u64, u64);
int count(struct pt_regs *ctx) { counts.increment(PT_REGS_IP(ctx)); return 0; }
int here(void *ctx) { counts.increment(0); return 0; }`;
