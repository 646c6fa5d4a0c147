import { describe } from 'vitest';
import { allocatesNothing, connect, onConnect } from './allocation.ts';

describe('an event allocates nothing', () => {
  allocatesNothing([
    [
      'stack traces',
      `BPF_STACK_TRACE(stacks, 128);
     BPF_HASH(counts, int);
     int f(struct pt_regs *ctx) { int id = stacks.get_stackid(ctx, 0); counts.increment(id); return 0; }`,
      onConnect,
      [connect],
    ],
    [
      'perf ring',
      `BPF_PERF_OUTPUT(out);
     int f(struct pt_regs *ctx) { u64 v[4] = {1, bpf_ktime_get_ns()}; return out.perf_submit(ctx, &v, sizeof(v)); }`,
      (bpf) => {
        bpf.table('out').openPerfBuffer(() => {});
        onConnect(bpf);
      },
      [connect],
    ],
    [
      'BPF ring buffer',
      `BPF_RINGBUF_OUTPUT(out, 8);
     int f(struct pt_regs *ctx) {
       u64 v[4] = {1};
       out.ringbuf_output(&v, sizeof(v), 0);
       u64 *place = out.ringbuf_reserve(8);
       if (place) { *place = 1; out.ringbuf_submit(place, 0); }
       return 0;
     }`,
      (bpf) => {
        bpf.table('out').openRingBuffer(() => {});
        onConnect(bpf);
      },
      [connect],
    ],
    [
      'maps',
      `BPF_HASH(hash, u32, u64);
     BPF_TABLE("lru_hash", u32, u64, lru, 64);
     BPF_PERCPU_ARRAY(array, u64, 4);
     int f(struct pt_regs *ctx) {
       u32 key = (bpf_ktime_get_ns() >> 10) & 31, zero = 0;
       u64 one = 1, *value;
       hash.update(&key, &one);
       lru.update(&key, &one);
       value = hash.lookup(&key);
       if (value) (*value)++;
       value = lru.lookup(&key);
       if (value) (*value)++;
       value = array.lookup(&zero);
       if (value) (*value)++;
       hash.delete(&key);
       return 0;
     }`,
      onConnect,
      [connect],
    ],
    [
      'the current task, and reads of the kernel',
      `struct seen { char comm[16]; u64 pid; u32 tgid; };
     BPF_HASH(counts, struct seen);
     int f(struct pt_regs *ctx) {
       struct seen seen = { .pid = bpf_get_current_pid_tgid() };
       bpf_get_current_comm(&seen.comm, sizeof(seen.comm));
       struct task_struct *task = (void *)bpf_get_current_task();
       bpf_probe_read_kernel(&seen.tgid, sizeof(seen.tgid), &task->tgid);
       counts.increment(seen);
       return 0;
     }`,
      onConnect,
      [connect],
    ],
  ]);
});
