import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import { call, kernelForEach, load, on, task } from './small-kernel.ts';

/** Texts as they are written for libbpf: maps in .maps, sections, vmlinux.h and the macros of CO-RE. */
kernelForEach();

const headers = `
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";
`;
const out = `
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} out SEC(".maps");
static __always_inline void put(u32 at, u64 value) { bpf_map_update_elem(&out, &at, &value, BPF_ANY); }
`;

const values = (text: string, happen: () => void): unknown[] => {
  using bpf = load(headers + out + text);
  happen();
  return [...bpf.table('out').values()];
};

describe('programs attach by their sections, and get their arguments', () => {
  test('BPF_KPROBE and BPF_KRETPROBE', () => {
    const text = `
      SEC("kprobe/vfs_write")
      int BPF_KPROBE(write_enter, struct file *file, const char *buf, size_t count) { put(0, count); return 0; }
      SEC("kretprobe/vfs_write")
      int BPF_KRETPROBE(write_exit, ssize_t ret) { put(1, ret + 1); return 0; }`;
    expect(values(text, () => call('vfs_write', 0, { count: 512 })).slice(0, 2)).toEqual([512, 1]);
  });

  test('BPF_PROG of fentry and of a raw tracepoint', () => {
    const text = `
      SEC("fentry/vfs_write")
      int BPF_PROG(write_enter, struct file *file, const char *buf, size_t count) { put(0, count); return 0; }
      SEC("raw_tp/sched_wakeup")
      int BPF_PROG(woken, struct task_struct *p) { put(1, BPF_CORE_READ(p, tgid)); return 0; }`;
    const seen = values(text, () => {
      call('vfs_write', 0, { count: 64 });
      const raw = { p: { object: 'task', task } } as const;
      on.machine.fire({
        kind: 'tracepoint',
        time: ++on.clock,
        cpu: 0,
        task,
        stack: [],
        name: 'sched:sched_wakeup',
        fields: { comm: 'x', pid: 1 },
        raw,
      });
    });
    expect(seen.slice(0, 2)).toEqual([64, 42]);
  });

  test('BPF_KSYSCALL finds the call and its arguments', () => {
    const text = `
      SEC("ksyscall/close")
      int BPF_KSYSCALL(close_enter, unsigned int fd) { put(0, fd); return 0; }`;
    const close = () => {
      const at = { time: ++on.clock, cpu: 0, task, stack: [] as string[] };
      on.machine.fire({ ...at, kind: 'entry', function: '__x64_sys_close', args: { fd: 7 } });
    };
    expect(values(text, close)[0]).toBe(7);
  });
});

describe('CO-RE', () => {
  test('members of a struct that the text cuts short lie where the kernel has them', () => {
    const text = `
      struct task_struct { int tgid; struct task_struct *real_parent; } __attribute__((preserve_access_index));
      int kprobe__vfs_read(struct pt_regs *ctx) {
        struct task_struct *task = (void *)bpf_get_current_task();
        u32 at = 0;
        u64 tgid = task->tgid;
        out.update(&at, &tgid);
        return 0;
      }`;
    using bpf = load(`BPF_ARRAY(out, u64, 1);\n${text}`);
    call('vfs_read', 0, { count: 1 });
    expect([...bpf.table('out').values()]).toEqual([task.tgid]);
  });

  test('a vmlinux.h beside the text is not read', () => {
    const includes = () => ({ name: 'vmlinux.h', text: '#error of another kernel' });
    const text = `#include "vmlinux.h"\nint kprobe__vfs_read(struct pt_regs *ctx) { return 0; }`;
    expect(compileC(text, { profile: loadProfile('6.18'), includes }).diagnostics).toEqual([]);
  });

  test('reads follow pointers at any depth', () => {
    const text = `
      SEC("kprobe/vfs_read")
      int BPF_KPROBE(enter) {
        struct task_struct *task = (void *)bpf_get_current_task();
        put(0, BPF_CORE_READ(task, real_parent, real_parent, pid) + 10);
        char comm[16];
        BPF_CORE_READ_STR_INTO(&comm, task, group_leader, comm);
        put(1, comm[0]);
        pid_t tgid;
        BPF_CORE_READ_INTO(&tgid, task, real_parent, tgid);
        put(2, tgid);
        bpf_core_read(&tgid, sizeof(tgid), &task->tgid);
        put(3, tgid);
        return 0;
      }`;
    expect(values(text, () => call('vfs_read'))).toEqual([10, 'c'.charCodeAt(0), 1, 42]);
  });

  test.each([
    ['bpf_core_field_exists(task->comm)', 1],
    ['bpf_core_field_exists(task->state)', 0],
    ['bpf_core_field_exists(struct task_struct, __state)', 1],
    ['bpf_core_field_exists(task->mm->no_such.thing[2])', 0],
    ['bpf_core_type_exists(struct task_struct)', 1],
    ['bpf_core_type_exists(struct no_such_struct)', 0],
    ['bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output)', 1],
    ['bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_no_such)', 0],
    ['bpf_core_enum_value(enum bpf_func_id, BPF_FUNC_map_lookup_elem)', 1],
  ])('%s is %i', (question, answer) => {
    const text = `
      SEC("kprobe/vfs_read")
      int BPF_KPROBE(enter) {
        struct task_struct *task = (void *)bpf_get_current_task();
        put(0, ${question} + 20);
        return 0;
      }`;
    expect(values(text, () => call('vfs_read'))[0]).toBe(answer + 20);
  });
});

const profile = loadProfile('6.18');
const mapOf = (members: string) => {
  const { object, diagnostics } = compileC(`${headers}struct { ${members} } m SEC(".maps");`, { profile });
  return object ? object.maps[0] : renderDiagnostics(diagnostics);
};

describe('maps', () => {
  test.each([
    [
      '__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, u32); __type(value, struct file *);',
      'hash',
      4,
      8,
      8,
    ],
    ['__uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 256 * 1024);', 'ringbuf', 0, 0, 262144],
    [
      '__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, sizeof(u32)); __uint(value_size, sizeof(u32));',
      'perf_event_array',
      4,
      4,
      128,
    ],
    [
      '__uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 16); __uint(key_size, 4); __uint(value_size, 127 * 8);',
      'stack_trace',
      4,
      1016,
      16,
    ],
  ])('%s', (members, type, keySize, valueSize, maxEntries) => {
    expect(mapOf(members)).toMatchObject({ name: 'm', type, keySize, valueSize, maxEntries });
  });

  test('flags and pins', () => {
    const members = '__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, u32); __type(value, u64);';
    const more = `${members} __uint(map_flags, BPF_F_NO_PREALLOC); __uint(pinning, LIBBPF_PIN_BY_NAME);`;
    expect(mapOf(more)).toMatchObject({ flags: 1, pinPath: '/sys/fs/bpf/m' });
  });

  test.each([
    ['int *key;', /the map 'm' has no type/],
    ['__uint(type, BPF_MAP_TYPE_HASH); __uint(entries, 8);', /the map 'm' has no 'entries' that is known here/],
  ])('%s is refused', (members, message) => {
    expect(mapOf(members)).toMatch(message);
  });
});
