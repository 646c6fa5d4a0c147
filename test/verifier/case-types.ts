import { type Btf, BtfBuilder, readBtf, type TypeId } from '../../src/btf/index.ts';

/**
 * The types that verifier cases have of their own: values of maps with locks, timers, kernel pointers, lists and trees,
 * and objects for them. Structs of the kernel's (`bpf_spin_lock`) have their names and sizes only, as in any program.
 */
export interface CaseTypes {
  readonly bytes: Uint8Array;
  readonly btf: Btf;
  readonly ids: ReadonlyMap<string, TypeId>;
}

const opaque: Readonly<Record<string, number>> = {
  bpf_spin_lock: 4,
  bpf_timer: 16,
  bpf_wq: 16,
  bpf_list_head: 16,
  bpf_list_node: 24,
  bpf_rb_root: 16,
  bpf_rb_node: 32,
  bpf_refcount: 4,
};

export function caseTypes(): CaseTypes {
  const builder = new BtfBuilder();
  const ids = new Map<string, TypeId>();
  const int = builder.int('int', 4, { signed: true });
  const u32 = builder.int('unsigned int', 4);
  const u64 = builder.int('unsigned long', 8);
  ids.set('int', int);
  for (const [name, size] of Object.entries(opaque)) {
    const word = size % 8 === 0 ? u64 : u32;
    const each = size % 8 === 0 ? 8 : 4;
    ids.set(name, builder.struct(name, [{ name: 'opaque', type: builder.array(word, size / each, int) }]));
  }
  const kernel = (name: string): TypeId => builder.struct(name, [{ name: 'unused', type: int }]);
  const task = kernel('task_struct');
  const cgroup = kernel('cgroup');
  const tagged = (name: string, target: TypeId): TypeId =>
    builder.pointer(builder.add({ kind: 'typeTag', name, target }));
  const struct = (name: string, members: readonly (readonly [name: string, type: TypeId])[]): TypeId => {
    const id = builder.struct(
      name,
      members.map(([member, type]) => ({ name: member, type })),
    );
    ids.set(name, id);
    return id;
  };
  const of = (name: string): TypeId => ids.get(name) as TypeId;
  const contains = (target: TypeId, component: number, what: string): void => {
    builder.add({ kind: 'declTag', name: `contains:${what}`, target, component });
  };
  struct('plain', [
    ['a', u64],
    ['b', u64],
  ]);
  struct('entry', [
    ['key', u64],
    ['list', of('bpf_list_node')],
  ]);
  struct('item', [
    ['key', u64],
    ['tree', of('bpf_rb_node')],
  ]);
  struct('shared', [
    ['key', u64],
    ['count', of('bpf_refcount')],
    ['list', of('bpf_list_node')],
  ]);
  struct('lock_value', [
    ['counter', u32],
    ['lock', of('bpf_spin_lock')],
  ]);
  struct('timer_value', [
    ['timer', of('bpf_timer')],
    ['counter', u64],
  ]);
  struct('wq_value', [
    ['work', of('bpf_wq')],
    ['counter', u64],
  ]);
  const kptr = tagged('kptr', task);
  struct('kptr_value', [
    ['counter', u64],
    ['task', kptr],
    ['loose', tagged('kptr_untrusted', task)],
    ['group', tagged('kptr', cgroup)],
    ['own', tagged('kptr', of('plain'))],
  ]);
  const list = struct('list_value', [
    ['lock', of('bpf_spin_lock')],
    ['head', of('bpf_list_head')],
  ]);
  contains(list, 1, 'entry:list');
  const tree = struct('tree_value', [
    ['lock', of('bpf_spin_lock')],
    ['root', of('bpf_rb_root')],
  ]);
  contains(tree, 1, 'item:tree');
  const context = builder.pointer(0);
  const prototype = builder.add({
    kind: 'prototype',
    returns: int,
    params: [{ name: 'ctx', type: context }],
    variadic: false,
  });
  for (let number = 0; number < 8; number++)
    ids.set(`function ${number}`, builder.add({ kind: 'function', name: `f${number}`, prototype, linkage: 0 }));
  const bytes = builder.encode();
  return { bytes, btf: readBtf(bytes), ids };
}
