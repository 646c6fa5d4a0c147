import { type MapType, mapFlags } from '../../src/uapi/index.ts';
import { type MapShape, recordFields } from '../../src/verifier/index.ts';
import type { CaseTypes } from './case-types.ts';

/** The maps that verifier cases name: a row each, the first three as plain as can be. */
interface CaseMap {
  readonly type: MapType;
  readonly key?: number;
  readonly value?: number;
  readonly max?: number;
  readonly flags?: number;
  /** The struct that its value is. */
  readonly struct?: string;
  /** A string that it holds, and that cannot change. */
  readonly frozen?: string;
  readonly inner?: string;
}

const { readOnlyProgram, writeOnlyProgram, noPrealloc } = mapFlags;

export const caseMapRows: Readonly<Record<string, CaseMap>> = {
  MAP: { type: 'array', value: 16, max: 4 },
  HASH: { type: 'hash', key: 8, value: 8, max: 8 },
  RING: { type: 'ringbuf', key: 0, value: 0, max: 4096 },
  ONE: { type: 'array', value: 48, max: 1 },
  PERCPU: { type: 'percpu_array', value: 16, max: 4 },
  PERCPU_HASH: { type: 'percpu_hash', key: 4, value: 8, max: 4 },
  LRU: { type: 'lru_hash', key: 4, value: 8, max: 4 },
  LPM: { type: 'lpm_trie', key: 8, value: 8, max: 4, flags: noPrealloc },
  PROGS: { type: 'prog_array', max: 4, value: 4 },
  EVENTS: { type: 'perf_event_array', value: 4, max: 4 },
  STACKS: { type: 'stack_trace', value: 128, max: 16 },
  CGROUPS: { type: 'cgroup_array', value: 4, max: 2 },
  QUEUE: { type: 'queue', key: 0, value: 8, max: 4 },
  STACK: { type: 'stack', key: 0, value: 8, max: 4 },
  BLOOM: { type: 'bloom_filter', key: 0, value: 8, max: 4 },
  READ_ONLY: { type: 'array', value: 16, max: 1, flags: readOnlyProgram },
  WRITE_ONLY: { type: 'array', value: 16, max: 1, flags: writeOnlyProgram },
  TEXT: { type: 'array', value: 16, max: 1, flags: readOnlyProgram, frozen: 'hello %d\n' },
  OUTER: { type: 'array_of_maps', value: 4, max: 2, inner: 'MAP' },
  OUTER_HASH: { type: 'hash_of_maps', key: 4, value: 4, max: 2, inner: 'MAP' },
  SOCKMAP: { type: 'sockmap', value: 4, max: 2 },
  SOCKHASH: { type: 'sockhash', key: 4, value: 4, max: 2 },
  DEVMAP: { type: 'devmap', value: 4, max: 2 },
  CPUMAP: { type: 'cpumap', value: 4, max: 2 },
  XSKMAP: { type: 'xskmap', value: 4, max: 2 },
  USER_RING: { type: 'user_ringbuf', key: 0, value: 0, max: 4096 },
  SK_STORAGE: { type: 'sk_storage', value: 16, max: 0, flags: noPrealloc, struct: 'plain' },
  TASK_STORAGE: { type: 'task_storage', value: 16, max: 0, flags: noPrealloc, struct: 'plain' },
  CGRP_STORAGE: { type: 'cgrp_storage', value: 16, max: 0, flags: noPrealloc, struct: 'plain' },
  LOCKED: { type: 'array', value: 8, max: 2, struct: 'lock_value' },
  LOCKED_HASH: { type: 'hash', key: 4, value: 8, max: 2, struct: 'lock_value' },
  TIMERS: { type: 'array', value: 24, max: 2, struct: 'timer_value' },
  WORKS: { type: 'array', value: 24, max: 2, struct: 'wq_value' },
  KPTRS: { type: 'array', value: 40, max: 2, struct: 'kptr_value' },
  LIST: { type: 'array', value: 24, max: 1, struct: 'list_value' },
  TREE: { type: 'array', value: 24, max: 1, struct: 'tree_value' },
};

export function caseMaps(types: CaseTypes): ReadonlyMap<string, MapShape> {
  const shapes = new Map<string, MapShape>();
  for (const [name, row] of Object.entries(caseMapRows)) shapes.set(name, shapeOf(row, types, shapes));
  return shapes;
}

function shapeOf(row: CaseMap, { btf, ids }: CaseTypes, known: ReadonlyMap<string, MapShape>): MapShape {
  const fields = row.struct === undefined ? undefined : recordFields(btf, ids.get(row.struct) as number);
  const place = (kind: string): number | undefined => fields?.find((field) => field.kind === kind)?.offset;
  const spinLock = place('spinLock');
  const timer = place('timer');
  const frozen = row.frozen === undefined ? undefined : contents(row);
  return {
    type: row.type,
    keySize: row.key ?? 4,
    valueSize: row.value ?? 8,
    maxEntries: row.max ?? 1,
    flags: row.flags ?? 0,
    ...(fields ? { fields, btf } : {}),
    ...(spinLock === undefined ? {} : { spinLock }),
    ...(timer === undefined ? {} : { timer }),
    ...(frozen ? { frozen } : {}),
    ...(row.inner ? { inner: known.get(row.inner) as MapShape } : {}),
  };
}

/** What a frozen map holds. */
export function contents(row: CaseMap): Uint8Array {
  const bytes = new Uint8Array(row.value ?? 8);
  bytes.set(new TextEncoder().encode(row.frozen ?? ''));
  return bytes;
}
