import type { Btf, TypeId } from '../btf/index.ts';

/**
 * What of the kernel's own lies within a map's value or an allocated object: locks, timers, pointers to kernel objects,
 * heads and nodes of lists and trees. A program says so by its BTF (kernel/bpf/btf.c: btf_parse_fields); `contains:…`
 * tags say what a head holds.
 */
export type FieldKind =
  | 'spinLock'
  | 'resSpinLock'
  | 'timer'
  | 'wq'
  | 'taskWork'
  | 'kptr'
  | 'kptrUntrusted'
  | 'perCpuKptr'
  | 'listHead'
  | 'listNode'
  | 'treeRoot'
  | 'treeNode'
  | 'refcount';

export interface RecordField {
  readonly kind: FieldKind;
  /** bytes */
  readonly offset: number;
  readonly size: number;
  /** The struct that a pointer leads to, or that a head's nodes lie in; its id in the program's BTF. */
  readonly struct: string;
  readonly type: TypeId;
  /** Where in that struct the node lies, in bytes. */
  readonly node: number;
}

/** The words of messages (include/linux/bpf.h: btf_field_type_name). */
export const fieldNames: Readonly<Record<FieldKind, string>> = {
  spinLock: 'bpf_spin_lock',
  resSpinLock: 'bpf_res_spin_lock',
  timer: 'bpf_timer',
  wq: 'bpf_wq',
  taskWork: 'bpf_task_work',
  kptr: 'kptr',
  kptrUntrusted: 'kptr',
  perCpuKptr: 'percpu_kptr',
  listHead: 'bpf_list_head',
  listNode: 'bpf_list_node',
  treeRoot: 'bpf_rb_root',
  treeNode: 'bpf_rb_node',
  refcount: 'bpf_refcount',
};

const byStruct: Readonly<Record<string, readonly [kind: FieldKind, size: number]>> = {
  bpf_spin_lock: ['spinLock', 4],
  bpf_res_spin_lock: ['resSpinLock', 8],
  bpf_timer: ['timer', 16],
  bpf_wq: ['wq', 16],
  bpf_task_work: ['taskWork', 8],
  bpf_list_head: ['listHead', 16],
  bpf_list_node: ['listNode', 24],
  bpf_rb_root: ['treeRoot', 16],
  bpf_rb_node: ['treeNode', 32],
  bpf_refcount: ['refcount', 4],
};

const byTag: Readonly<Record<string, FieldKind>> = {
  kptr: 'kptr',
  kptr_untrusted: 'kptrUntrusted',
  percpu_kptr: 'perCpuKptr',
};

export function isKptr(field: RecordField): boolean {
  return field.kind === 'kptr' || field.kind === 'kptrUntrusted' || field.kind === 'perCpuKptr';
}

/** The fields of a struct, nested ones too, in the order of their offsets. */
export function recordFields(btf: Btf, struct: TypeId): readonly RecordField[] {
  const fields: RecordField[] = [];
  collect(btf, struct, 0, fields);
  return fields.sort((a, b) => a.offset - b.offset);
}

function collect(btf: Btf, struct: TypeId, base: number, fields: RecordField[]): void {
  const id = btf.strip(struct);
  const type = btf.type(id);
  if (type.kind !== 'struct') return;
  for (const [index, member] of type.members.entries()) {
    const offset = base + member.bitOffset / 8;
    let target = btf.strip(member.type);
    let repeat = 1;
    for (let inner = btf.type(target); inner.kind === 'array'; inner = btf.type(target)) {
      repeat *= inner.length;
      target = btf.strip(inner.element);
    }
    const size = btf.sizeOf(target);
    for (let each = 0; each < repeat && repeat <= 64; each++)
      addMember(btf, id, index, target, offset + each * size, fields);
  }
}

function addMember(btf: Btf, owner: TypeId, index: number, type: TypeId, offset: number, fields: RecordField[]): void {
  const target = btf.type(type);
  if (target.kind === 'pointer') {
    const tag = btf.type(target.target);
    const kind = tag.kind === 'typeTag' ? byTag[tag.name] : undefined;
    if (!kind || tag.kind !== 'typeTag') return;
    const to = btf.strip(tag.target);
    fields.push({ kind, offset, size: 8, struct: nameOf(btf, to), type: to, node: 0 });
    return;
  }
  if (target.kind !== 'struct') return;
  const known = byStruct[target.name];
  if (!known) {
    collect(btf, type, offset, fields);
    return;
  }
  const [kind, size] = known;
  const contained = kind === 'listHead' || kind === 'treeRoot' ? containedIn(btf, owner, index) : undefined;
  fields.push({
    kind,
    offset,
    size,
    struct: contained?.struct ?? '',
    type: contained?.type ?? 0,
    node: contained?.node ?? 0,
  });
}

export function nameOf(btf: Btf, id: TypeId): string {
  const type = btf.type(id);
  return 'name' in type ? type.name : '';
}

/** `contains:STRUCT:FIELD` on a list's or tree's head. */
function containedIn(
  btf: Btf,
  owner: TypeId,
  index: number,
): { readonly struct: string; readonly type: TypeId; readonly node: number } | undefined {
  for (let id = 1; id < btf.count; id++) {
    const tag = btf.type(id);
    if (tag.kind !== 'declTag' || tag.target !== owner || tag.component !== index) continue;
    const [word, struct = '', field = ''] = tag.name.split(':');
    if (word !== 'contains') continue;
    const type = btf.find('struct', struct);
    if (type === undefined) continue;
    return { struct, type, node: btf.member(type, field)?.offset ?? 0 };
  }
  return undefined;
}
