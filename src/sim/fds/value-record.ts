import { SysError } from '../../base/index.ts';
import type { Btf } from '../../btf/index.ts';
import type { MapCreate } from '../../sys/index.ts';
import { type MapType, mapFlags } from '../../uapi/index.ts';
import { type RecordField, recordFields } from '../../verifier/index.ts';

/** What of the kernel's own lies in a map's values, and the types that tell it (struct btf_record). */
export interface ValueRecord {
  readonly btf: Btf;
  readonly fields: readonly RecordField[];
}

const op = 'map_create';
const hashes: readonly MapType[] = ['hash', 'lru_hash'];
const storages: readonly MapType[] = ['sk_storage', 'inode_storage', 'task_storage', 'cgrp_storage'];
const anyHash: readonly MapType[] = [...hashes, 'percpu_hash', 'lru_percpu_hash'];
const objects: readonly MapType[] = [...anyHash, 'array', 'percpu_array', ...storages];

/** map_check_btf (kernel/bpf/syscall.c): the kinds of maps whose values may hold a field; those that are not here hold none. */
const holders: Readonly<Partial<Record<RecordField['kind'], readonly MapType[]>>> = {
  spinLock: ['hash', 'array', ...storages],
  resSpinLock: ['hash', 'array', ...storages],
  timer: [...hashes, 'array'],
  wq: [...hashes, 'array'],
  taskWork: [...hashes, 'array'],
  kptr: objects,
  kptrUntrusted: objects,
  perCpuKptr: objects,
  refcount: objects,
  listHead: [...hashes, 'array'],
  treeRoot: [...hashes, 'array'],
};
/** Of these a value has one. */
const single: readonly RecordField['kind'][] = ['spinLock', 'resSpinLock', 'timer', 'wq', 'taskWork'];

/**
 * What a map's types say of its values; undefined when nothing in them is the kernel's.
 * @throws SysError EINVAL for types of other sizes, E2BIG for two of what there may be one, EOPNOTSUPP where the kind of
 * map cannot hold it, EACCES for a map that programs may not both read and write
 */
export function checkedTypes(
  { type, name = '', keySize, valueSize, flags = 0 }: MapCreate,
  { btf, key, value }: NonNullable<MapCreate['types']>,
): ValueRecord | undefined {
  const refuse = (errno: 'EINVAL' | 'E2BIG' | 'EOPNOTSUPP' | 'EACCES', why: string) =>
    new SysError(errno, op, `${type} map '${name}': ${why}`);
  if (key !== 0 && btf.sizeOf(key) !== keySize) throw refuse('EINVAL', `its key's type is not of ${keySize} bytes`);
  if (btf.sizeOf(value) !== valueSize) throw refuse('EINVAL', `its value's type is not of ${valueSize} bytes`);
  const fields = recordFields(btf, value);
  if (fields.length === 0) return undefined;
  for (const kind of single) {
    if (fields.filter((field) => field.kind === kind).length > 1) throw refuse('E2BIG', `a value has two of ${kind}`);
  }
  if ((flags & (mapFlags.readOnlyProgram | mapFlags.writeOnlyProgram)) !== 0) {
    throw refuse('EACCES', 'programs must be able to read and to write what the kernel keeps in its values');
  }
  for (const { kind } of fields) {
    if (holders[kind]?.includes(type) !== true) throw refuse('EOPNOTSUPP', `its values cannot hold a ${kind}`);
  }
  return { btf, fields };
}
