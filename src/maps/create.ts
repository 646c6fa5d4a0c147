import { type ErrnoName, SysError } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { type MapType, mapFlags } from '../uapi/index.ts';
import { ArrayMap } from './array.ts';
import { HashMap } from './hash.ts';
import type { BpfMap, MapShape } from './map.ts';
import { PerfEventArray } from './perf-event-array.ts';
import { maxStackDepth, StackTraceMap } from './stack-trace.ts';

/** What a kind of map is: which attributes it takes, and how it is made. A new kind is a row in `kinds`. */
interface Kind {
  /** Flags of creation that it knows. */
  readonly flags: number;
  /** What is wrong with the attributes, in the order in which the kernel looks; undefined when nothing is. */
  readonly refuse: (shape: MapShape) => Refusal | undefined;
  readonly make: (memory: Memory, cpus: number, shape: MapShape) => BpfMap;
}

type Refusal = readonly [errno: ErrnoName, why: string];

const { readOnly, writeOnly, readOnlyProgram, writeOnlyProgram, numaNode, noPrealloc, zeroSeed } = mapFlags;
const fileAccess = readOnly | writeOnly;
const access = fileAccess | readOnlyProgram | writeOnlyProgram;

const kinds = {
  hash: {
    flags: noPrealloc | zeroSeed | numaNode | access,
    refuse: refuseHash,
    make: (memory, cpus, shape) => new HashMap(memory, cpus, shape),
  },
  percpu_hash: {
    flags: noPrealloc | zeroSeed | access,
    refuse: (shape) => refuseHash(shape) ?? refusePerCpu(shape),
    make: (memory, cpus, shape) => new HashMap(memory, cpus, shape),
  },
  array: {
    flags: numaNode | access | mapFlags.mmapable | mapFlags.innerMap,
    refuse: refuseArray,
    make: (memory, cpus, shape) => new ArrayMap(memory, cpus, shape),
  },
  percpu_array: {
    flags: access,
    refuse: (shape) => refuseArray(shape) ?? refusePerCpu(shape),
    make: (memory, cpus, shape) => new ArrayMap(memory, cpus, shape),
  },
  perf_event_array: {
    flags: numaNode | fileAccess | mapFlags.preserveElements,
    refuse: (shape) => (shape.valueSize === 4 ? refuseArray(shape) : ['EINVAL', 'a value must be 4 bytes, an fd']),
    make: (memory, cpus, shape) => new PerfEventArray(memory, cpus, shape),
  },
  stack_trace: {
    flags: numaNode | fileAccess,
    refuse: refuseStackTrace,
    make: (memory, cpus, shape) => new StackTraceMap(memory, cpus, shape),
  },
} as const satisfies Partial<Record<MapType, Kind>>;

/** Map types that can be made. */
export const simulatedMapTypes = Object.keys(kinds) as readonly (keyof typeof kinds)[];

/**
 * MAP_CREATE of bpf(2).
 * @param cpus how many copies a per-CPU map has
 * @throws SysError with Linux's errno for bad attributes: EINVAL, E2BIG, or ENOMEM when the memory has no room
 */
export function createMap(memory: Memory, cpus: number, shape: MapShape): BpfMap {
  const kind: Kind | undefined = (kinds as Partial<Record<MapType, Kind>>)[shape.type];
  const refusal: Refusal | undefined = kind
    ? (refuseFlags(shape.flags, kind.flags) ?? kind.refuse(shape))
    : ['EINVAL', 'this kernel has no such map type'];
  if (!kind || refusal) {
    const [name, why] = refusal as Refusal;
    throw new SysError(name, 'map_create', `${shape.type} map '${shape.name}': ${why}`);
  }
  return kind.make(memory, cpus, shape);
}

function refuseFlags(flags: number, known: number): Refusal | undefined {
  if ((flags & ~known) !== 0) return ['EINVAL', `unknown flags 0x${((flags & ~known) >>> 0).toString(16)}`];
  for (const both of [fileAccess, readOnlyProgram | writeOnlyProgram]) {
    if ((flags & both) === both) return ['EINVAL', 'read-only and write-only exclude each other'];
  }
  return undefined;
}

/** KMALLOC_MAX_SIZE less sizeof(struct htab_elem). */
const hashElementLimit = (4 << 20) - 48;

/** htab_map_alloc_check, and the bucket limit of htab_map_alloc (kernel/bpf/hashtab.c). */
function refuseHash({ keySize, valueSize, maxEntries }: MapShape): Refusal | undefined {
  if (keySize === 0 || valueSize === 0) return ['EINVAL', 'key and value must not be empty'];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  if (keySize + valueSize >= hashElementLimit) return ['E2BIG', `key and value exceed ${hashElementLimit - 1} bytes`];
  if (maxEntries > 2 ** 31) return ['E2BIG', 'max_entries exceeds 2^31'];
  return undefined;
}

/** array_map_alloc_check (kernel/bpf/arraymap.c). */
function refuseArray({ keySize, valueSize, maxEntries }: MapShape): Refusal | undefined {
  if (keySize !== 4) return ['EINVAL', `the key is a u32 index, not ${keySize} bytes`];
  if (valueSize === 0) return ['EINVAL', 'the value must not be empty'];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  if (valueSize >= 2 ** 31) return ['E2BIG', 'a value exceeds 2^31 - 1 bytes'];
  return undefined;
}

/** PCPU_MIN_UNIT_SIZE (include/linux/percpu.h). */
const perCpuLimit = 32 << 10;

function refusePerCpu({ valueSize }: MapShape): Refusal | undefined {
  return valueSize > perCpuLimit ? ['E2BIG', `a per-CPU value exceeds ${perCpuLimit} bytes`] : undefined;
}

/** stack_map_alloc (kernel/bpf/stackmap.c). */
function refuseStackTrace({ keySize, valueSize, maxEntries }: MapShape): Refusal | undefined {
  if (keySize !== 4) return ['EINVAL', `the key is a u32 stack id, not ${keySize} bytes`];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  if (valueSize < 8 || valueSize % 8 !== 0 || valueSize / 8 > maxStackDepth) {
    return ['EINVAL', `the value holds 1 to ${maxStackDepth} addresses of 8 bytes, not ${valueSize} bytes`];
  }
  if (maxEntries > 2 ** 31) return ['E2BIG', 'max_entries exceeds 2^31'];
  return undefined;
}
