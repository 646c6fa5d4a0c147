import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';
import { disassemble } from '../../src/isa/index.ts';
import { helperById } from '../../src/uapi/index.ts';

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

test('in a text with sections a function without one is for others to call, and static to the verifier', () => {
  const text = `
    __attribute__((noinline)) int half(int n) { return n / 2; }
    __attribute__((section("kprobe/vfs_read"))) int run(struct pt_regs *ctx) { return half(4); }`;
  const { object } = compileC(text, { profile });
  const [run, ...others] = object?.programs ?? [];
  expect([run?.name, others]).toEqual(['run', []]);
  const linkages = run?.functions?.map(({ name, type }) => {
    const told = object?.btf?.type(type);
    return [name, told?.kind === 'function' ? told.linkage : undefined];
  });
  expect(linkages).toEqual([
    ['run', 1],
    ['half', 0],
  ]);
});

test('a stack trace map has a power of two of buckets, as BCC makes it', () => {
  const text = 'BPF_STACK_TRACE(stacks, 10240); int f(struct pt_regs *ctx) { return stacks.get_stackid(ctx, 0); }';
  expect(compileC(text, { profile }).object?.maps[0]?.maxEntries).toBe(16384);
});

test('the methods of socket tables are calls of their helpers, the table second', () => {
  const text = `
BPF_SOCKHASH(hash, u32, 100);
BPF_SOCKMAP(map, 10);
int ops(struct bpf_sock_ops *ctx) { u32 k = 0; return hash.sock_hash_update(ctx, &k, BPF_NOEXIST) + map.sock_map_update(ctx, &k, BPF_ANY); }
int message(struct sk_msg_md *ctx) { u32 k = 0; return hash.msg_redirect_hash(ctx, &k, BPF_F_INGRESS) + map.msg_redirect_map(ctx, 1, 0); }
int packet(struct __sk_buff *ctx) { u32 k = 0; return hash.sk_redirect_hash(ctx, &k, 0) + map.sk_redirect_map(ctx, 1, 0); }`;
  const { object, diagnostics } = compileC(text, { profile });
  expect(diagnostics).toEqual([]);
  const calls = object?.programs.map(({ code }) =>
    disassemble(code).flatMap(({ text }) =>
      text.startsWith('call ') ? [helperById(Number(text.slice(5)))?.name] : [],
    ),
  );
  expect(calls).toEqual([
    ['sock_hash_update', 'sock_map_update'],
    ['msg_redirect_hash', 'msg_redirect_map'],
    ['sk_redirect_hash', 'sk_redirect_map'],
  ]);
});

test.each([
  ['of the command line', { DEBUG: 1 }, 'DEBUG'],
  ['that is predefined', {}, 'CONFIG_SMP'],
  ["that is a kernel's constant", {}, 'O_CREAT'],
])('a macro %s is none after -U', (_name, defines, name) => {
  const text = `int f(void *ctx) {\n#ifdef ${name}\n  return 1;\n#else\n  return missing;\n#endif\n}`;
  expect(compileC(text, { profile, defines }).diagnostics).toEqual([]);
  expect(compileC(text, { profile, defines, undefines: [name] }).diagnostics).toHaveLength(1);
});

test('a function whose section is no program is told, and code of compilers is not', () => {
  const of = (section: string): string => `__attribute__((section("${section}"))) int f(void *ctx) { return 0; }`;
  expect(compileC(of('kprob/x'), { profile }).diagnostics).toHaveLength(1);
  const { object, diagnostics } = compileC(of('.text.unlikely'), { profile });
  expect([object?.programs, diagnostics]).toEqual([[], []]);
});
