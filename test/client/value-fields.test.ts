import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { BPF } from '../../src/client/index.ts';
import type { Task } from '../../src/events/index.ts';
import { boot } from '../../src/sim/index.ts';
import { engines } from '../vm/engines.ts';

const profile = loadProfile('6.18');
const task: Task = { pid: 43, tgid: 42, comm: 'curl', uid: 0, gid: 0 };

describe.each(engines)('what of the kernel lies in a value, on the $name', (engine) => {
  function load(text: string) {
    const machine = boot({ profile, cpus: 2, engine });
    const bpf = new BPF(machine, { text });
    const enter = (time: number, name = 'tcp_v4_connect') =>
      machine.fire({ kind: 'entry', time, cpu: 1, task, stack: [], function: name, args: {} });
    return { machine, bpf, enter };
  }

  test('a lock: values are written but for it, and only such a table takes BPF_F_LOCK', () => {
    const { bpf, enter } = load(`
struct counted { struct bpf_spin_lock lock; u32 low; u64 high; };
BPF_ARRAY(counts, struct counted, 1);
BPF_HASH(byKey, int, struct counted, 4);
BPF_ARRAY(plain, u64, 1);
KFUNC_PROBE(tcp_v4_connect)
{
    int key = 0;
    struct counted *c = counts.lookup(&key);
    if (!c) return 0;
    bpf_spin_lock(&c->lock);
    c->low++;
    c->high += 2;
    bpf_spin_unlock(&c->lock);
    return 0;
}`);
    enter(0);
    enter(1);
    expect(bpf.table('counts').get(0)).toMatchObject({ low: 2, high: 4 });
    const lock = 4;
    const value = { lock: { val: 9 }, low: 7, high: 8 };
    bpf.table('counts').set(0, value, lock);
    bpf.table('byKey').set(5, value, lock);
    bpf.table('byKey').set(5, { ...value, low: 6 }, lock | 2);
    const read = { ...value, lock: { val: 0 } };
    expect(bpf.table('counts').get(0)).toEqual(read);
    expect(bpf.table('byKey').get(5)).toEqual({ ...read, low: 6 });
    expect(() => bpf.table('byKey').set(6, value, lock | 2)).toThrow(/ENOENT/);
    expect(() => bpf.table('byKey').set(5, value, lock | 1)).toThrow(/EEXIST/);
    expect(() => bpf.table('plain').set(0, 1, lock)).toThrow(/EINVAL/);
  });

  test.each([
    ['two locks', 'BPF_ARRAY', 'struct bpf_spin_lock a, b;', /two of spinLock.*E2BIG/],
    ['a lock on each CPU', 'BPF_PERCPU_ARRAY', 'struct bpf_spin_lock a;', /cannot hold a spinLock.*EOPNOTSUPP/],
    ['a timer on each CPU', 'BPF_PERCPU_ARRAY', 'struct bpf_timer a;', /cannot hold a timer.*EOPNOTSUPP/],
  ])('%s in a table is refused', (_, kind, members, form) => {
    expect(() => load(`struct held { ${members} u64 more; }; ${kind}(table, struct held, 1);`)).toThrow(form);
  });

  test('a kprobe may not lock', () => {
    const text = `struct held { struct bpf_spin_lock lock; u32 n; };
BPF_ARRAY(table, struct held, 1);
int kprobe__tcp_v4_connect(void *ctx) { int key = 0; struct held *h = table.lookup(&key); if (h) h->n++; return 0; }`;
    expect(() => load(text)).toThrow(/cannot use bpf_spin_lock yet/);
  });
});
