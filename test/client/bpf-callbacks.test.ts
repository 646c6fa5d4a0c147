import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ms } from '../../src/base/index.ts';
import { BPF } from '../../src/client/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';
import { engines } from '../vm/engines.ts';
import { profile, task } from './small-kernel.ts';

/** Functions of a text that helpers call back, by their names in C. */
describe.each(engines)('on the $name', (engine) => {
  let machine: Machine;
  let clock: number;
  beforeEach(() => {
    machine = boot({ profile, cpus: 2, engine });
    clock = ms(1);
  });
  afterEach(() => machine[Symbol.dispose]());

  function call(name: string): void {
    clock += ms(1);
    machine.fire({ kind: 'entry', time: clock, cpu: 0, task, stack: [], function: name, args: {} });
  }

  const out = (text: string): unknown[] => {
    using bpf = new BPF(machine, { text: `BPF_ARRAY(out, u64, 4);\n${text}` });
    call('vfs_read');
    return [...bpf.table('out').values()];
  };

  test('bpf_loop gives the index and what the program handed over, until a round answers 1', () => {
    const values = out(`
      struct sum { u64 total; u32 rounds; };
      static long add(u32 index, struct sum *sum) {
        sum->total += index * 10;
        return ++sum->rounds == 4;
      }
      int kprobe__vfs_read(struct pt_regs *ctx) {
        struct sum sum = {};
        int at = 0;
        u64 rounds = bpf_loop(100, add, &sum, 0);
        out.update(&at, &rounds);
        at = 1;
        out.update(&at, &sum.total);
        return 0;
      }`);
    expect(values.slice(0, 2)).toEqual([4, 60]);
  });

  test('bpf_for_each_map_elem gives the map, each key and its value, which may be changed', () => {
    const values = out(`
      struct seen { u64 keys, values; };
      BPF_HASH(counts, u32, u64);
      static long each(struct bpf_map *map, u32 *key, u64 *value, void *context) {
        struct seen *seen = context;
        seen->keys += *key;
        seen->values += *value;
        *value += 1;
        return 0;
      }
      int kprobe__vfs_read(struct pt_regs *ctx) {
        struct seen seen = {};
        for (u32 key = 1; key < 4; key++) {
          u64 value = key * 100;
          counts.update(&key, &value);
        }
        u64 walked = bpf_for_each_map_elem(&counts, &each, &seen, 0);
        u32 two = 2;
        u64 *second = counts.lookup(&two);
        u64 all[] = { walked, seen.keys, seen.values, second ? *second : 0 };
        for (int at = 0; at < 4; at++)
          out.update(&at, &all[at]);
        return 0;
      }`);
    expect(values).toEqual([3, 6, 600, 201]);
  });

  test('bpf_timer_set_callback: the function runs when the time has come', () => {
    using bpf = new BPF(machine, {
      text: `
      struct element { struct bpf_timer timer; u64 fired; };
      BPF_ARRAY(elements, struct element, 1);
      static int fired(void *map, int *key, struct element *element) {
        element->fired = bpf_ktime_get_ns();
        return 0;
      }
      int start(struct __sk_buff *skb) {
        int at = 0;
        struct element *element = elements.lookup(&at);
        if (!element) return 0;
        bpf_timer_init(&element->timer, &elements, 1);
        bpf_timer_set_callback(&element->timer, fired);
        bpf_timer_start(&element->timer, 5000000, 0);
        return 0;
      }`,
    });
    call('vfs_read');
    const started = clock;
    machine.programTestRun(bpf.loadFunc('start', 'sched_cls').fd, { data: new Uint8Array(64) });
    for (let i = 0; i < 8; i++) call('vfs_write');
    expect(bpf.table<number, { fired: number }>('elements').get(0)).toMatchObject({ fired: started + ms(5) });
  });

  test('which function it is may be decided as the program runs', () => {
    const values = out(`
      static long one(u32 index, u64 *sum) { *sum += 1; return 0; }
      static long ten(u32 index, u64 *sum) { *sum += 10; return 0; }
      int kprobe__vfs_read(struct pt_regs *ctx) {
        u64 sum = 0;
        int at = 0;
        void *which = bpf_get_smp_processor_id() == 0 ? ten : one;
        bpf_loop(3, which, &sum, 0);
        out.update(&at, &sum);
        return 0;
      }`);
    expect(values[0]).toBe(30);
  });

  test('a callback calls others, reads globals and kernel structs', () => {
    const values = out(`
      static u64 calls = 5;
      static int half(int n) { return n / 2; }
      static __noinline u64 twice(u64 n) { return n * 2; }
      static long each(u32 index, struct task_struct **task) {
        calls += half(twice(index)) + ((*task)->tgid == 42);
        return 0;
      }
      int kprobe__vfs_read(struct pt_regs *ctx) {
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        int at = 0;
        bpf_loop(4, each, &task, 0);
        u64 total = calls;
        out.update(&at, &total);
        return 0;
      }`);
    expect(values[0]).toBe(15);
  });
});
