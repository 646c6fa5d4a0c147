import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';

const profile = loadProfile('6.1');

test.each([
  ['int kprobe__vfs_read(struct pt_regs *ctx)', 'kprobe', 'kprobe/vfs_read'],
  ['int kretprobe__vfs_read(struct pt_regs *ctx)', 'kprobe', 'kretprobe/vfs_read'],
  ['TRACEPOINT_PROBE(sched, sched_switch)', 'tracepoint', 'tracepoint/sched/sched_switch'],
  ['RAW_TRACEPOINT_PROBE(sched_switch)', 'raw_tracepoint', 'raw_tracepoint/sched_switch'],
  ['KFUNC_PROBE(vfs_read)', 'tracing', 'fentry/vfs_read'],
  ['KRETFUNC_PROBE(vfs_read, struct file *file)', 'tracing', 'fexit/vfs_read'],
  ['LSM_PROBE(file_open, struct file *file)', 'lsm', 'lsm/file_open'],
  ['int any_name(struct pt_regs *ctx)', 'kprobe', 'kprobe'],
])('%s is a program', (head, type, section) => {
  const { object, diagnostics } = compileC(`${head} { return 0; }`, { profile });
  expect(diagnostics).toEqual([]);
  expect(object?.programs.map((program) => [program.type, program.section])).toEqual([[type, section]]);
});

test('a function that only others call is none', () => {
  const text = 'static int half(int n) { return n / 2; } int twice(struct pt_regs *ctx) { return half(4); }';
  expect(compileC(text, { profile }).object?.programs.map((program) => program.name)).toEqual(['twice']);
});

test('a stack trace map has a power of two of buckets, as BCC makes it', () => {
  const text = 'BPF_STACK_TRACE(stacks, 10240); int f(struct pt_regs *ctx) { return stacks.get_stackid(ctx, 0); }';
  expect(compileC(text, { profile }).object?.maps[0]?.maxEntries).toBe(16384);
});
