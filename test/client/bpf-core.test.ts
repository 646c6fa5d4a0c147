import { describe, expect, test } from 'vitest';
import { compileC } from '../../src/cc/index.ts';
import { call, kernelForEach, load, profile } from './small-kernel.ts';

/** What libbpf does when it loads an object: CO-RE's own structs, the kernel's options, maps that hold maps and programs. */
kernelForEach();

const headers = `
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, u32); __type(value, u64); } out SEC(".maps");
static __always_inline void put(u32 at, u64 value) { bpf_map_update_elem(&out, &at, &value, BPF_ANY); }
`;
const program = (body: string): string => `SEC("kprobe/vfs_read") int BPF_KPROBE(enter) { ${body} return 0; }`;

/** What the program puts at 0 when the function is called. */
const seen = (text: string): unknown => {
  using bpf = load(headers + text);
  call('vfs_read');
  return [...bpf.table('out').values()][0];
};
const said = (text: string): string[] => {
  const { diagnostics } = compileC(headers + text, { profile });
  return diagnostics.map((one) => `${one.severity}: ${one.message}`);
};

const flavours = `
struct task_struct___old { volatile long state; } __attribute__((preserve_access_index));
struct task_struct___new { unsigned int __state; int tgid; char comm[16]; } __attribute__((preserve_access_index));
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___short { struct { int pid; }; int tgid; struct { int missing; }; };
struct nowhere { int x; };
#pragma clang attribute pop
struct plain { int tgid; };
enum bpf_func_id___x { BPF_FUNC_ringbuf_output___x = 999, BPF_FUNC_nope___x };
`;
const current =
  'struct task_struct___short *t = (void *)bpf_get_current_task(); struct task_struct___old *old = (void *)t;';

describe('flavours of the kernel’s structs', () => {
  test.each([
    ['members lie where the kernel has them', 'put(0, BPF_CORE_READ(t, tgid));', 42],
    ['also in a struct without a name', 'put(0, BPF_CORE_READ(t, pid));', 43],
    ['a member that is there', 'put(0, bpf_core_field_exists(t->tgid) + 1);', 2],
    ['a member that is not', 'put(0, bpf_core_field_exists(old->state) + 1);', 1],
    ['a member of a type', 'put(0, bpf_core_field_exists(struct task_struct___old, state) + 1);', 1],
    [
      'what is not there may be named where nothing leads',
      'if (bpf_core_field_exists(old->state)) put(0, BPF_CORE_READ(old, state)); else put(0, 7);',
      7,
    ],
    ['a struct that is there', 'put(0, bpf_core_type_exists(struct task_struct___new) + 1);', 2],
    ['a struct that is not', 'put(0, bpf_core_type_exists(struct nowhere) + 1);', 1],
    [
      'its own place means nothing',
      'put(0, bpf_core_field_offset(t->tgid) == __builtin_offsetof(struct task_struct, tgid));',
      1,
    ],
    [
      'its size is the kernel’s',
      'put(0, bpf_core_type_size(struct task_struct___old) == sizeof(struct task_struct));',
      1,
    ],
    ['an enumerator', 'put(0, bpf_core_enum_value(enum bpf_func_id___x, BPF_FUNC_ringbuf_output___x));', 130],
    ['one that is not there', 'put(0, bpf_core_enum_value_exists(enum bpf_func_id___x, BPF_FUNC_nope___x) + 1);', 1],
    ['a struct of the text stays as it is', 'put(0, __builtin_offsetof(struct plain, tgid) + 1);', 1],
  ])('%s', (_what, body, value) => {
    expect(seen(`${flavours}${program(`${current} ${body}`)}`)).toBe(value);
  });

  test('what the kernel has not is refused where the program reaches it', () => {
    const text = `${flavours}${program(`${current} put(0, BPF_CORE_READ(old, state));`)}`;
    expect(said(text)).toEqual([`error: the kernel has no member 'state' in 'struct task_struct'`]);
  });
});

describe('options of the kernel', () => {
  const externs = `
    extern int LINUX_KERNEL_VERSION __kconfig;
    extern bool CONFIG_SMP __kconfig;
    extern char CONFIG_BPF_SYSCALL __kconfig;
    extern enum libbpf_tristate CONFIG_BPF __kconfig;
    extern bool CONFIG_NOPE __kconfig __weak;
    extern int CONFIG_HZ __kconfig;
    extern char CONFIG_DEFAULT_HOSTNAME[20] __kconfig;`;
  test.each([
    ['LINUX_KERNEL_VERSION >> 8', 0x612],
    ['CONFIG_SMP', 1],
    ['CONFIG_BPF_SYSCALL', 0x79],
    ['CONFIG_BPF == TRI_YES', 1],
    ['CONFIG_NOPE + 1', 1],
    ['CONFIG_HZ', 250],
    ['CONFIG_DEFAULT_HOSTNAME[1]', 0x6e],
  ])('%s is %i', (option, value) => {
    expect(seen(externs + program(`put(0, ${option});`))).toBe(value);
  });

  test.each([
    ['extern int CONFIG_NOPE __kconfig;', `extern (kcfg) 'CONFIG_NOPE': value not found in the kernel's configuration`],
    ['extern int CONFIG_SMP __kconfig;', `extern (kcfg) 'CONFIG_SMP': 'y' is no int`],
    ['extern const int runqueues __ksym;', `extern (var ksym) 'runqueues': the simulated kernel has no such variable`],
  ])('%s', (text, message) => {
    expect(said(text)).toEqual([`error: ${message}`]);
  });

  test('an extern that nothing defines', () => {
    const message = `extern 'count' is only declared: no other text is linked to this one`;
    expect(said(`extern int count; ${program('put(0, count);')}`)).toEqual([`error: ${message}`]);
    expect(said(`extern int count; int count = 3; ${program('put(0, count);')}`)).toEqual([]);
  });
});

describe('maps of maps and of programs', () => {
  const inner = `struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, u32); __type(value, u64); };`;
  const lookup = 'u32 key = 2, zero = 0; u64 *v; void *m = bpf_map_lookup_elem(&outer, &key);';

  test('slots hold maps at the start', () => {
    const text = `${inner}
      struct inner first SEC(".maps"), second SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner); }
      outer SEC(".maps") = { .values = { (void *)&first, 0, &second } };
      ${program(`${lookup} if (m && (v = bpf_map_lookup_elem(m, &zero))) *v += 5;`)}`;
    using bpf = load(headers + text);
    call('vfs_read');
    expect([...bpf.table('first').values()]).toEqual([0, 0]);
    expect([...bpf.table('second').values()]).toEqual([5, 0]);
  });

  test('a map of a struct without a name', () => {
    const text = `struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __uint(key_size, 4);
        __array(values, struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, u32); __type(value, u32); }); }
      outer SEC(".maps");`;
    const { object } = compileC(headers + text, { profile });
    expect(object?.maps.map((one) => [one.name, one.type, one.innerMap, one.valueSize])).toEqual([
      ['out', 'array', undefined, 8],
      ['outer.inner', 'hash', undefined, 4],
      ['outer', 'hash_of_maps', 'outer.inner', 4],
    ]);
  });

  test('slots hold programs at the start', () => {
    const text = `int other(void *ctx);
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __array(values, int (void *)); }
      programs SEC(".maps") = { .values = { [1] = (void *)&other } };
      SEC("kprobe") int other(void *ctx) { put(0, 9); return 0; }
      SEC("kprobe/vfs_read") int enter(void *ctx) { bpf_tail_call(ctx, &programs, 1); put(0, 1); return 0; }`;
    expect(seen(text)).toBe(9);
  });

  test('a slot that holds neither', () => {
    const text = `${inner}
      struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner); }
      outer SEC(".maps") = { .values = { (void *)5 } };`;
    expect(said(text)).toEqual(['error: a slot holds the address of a map or of a program']);
  });
});
