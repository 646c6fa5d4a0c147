import { type ErrnoName, SysError } from '../base/index.ts';
import { type Memory, pageSize } from '../memory/index.ts';
import { type MapType, mapFlags } from '../uapi/index.ts';
import { ArrayMap } from './array.ts';
import { BloomFilter } from './bloom-filter.ts';
import { DeviceMap } from './device-map.ts';
import { FdArray } from './fd-array.ts';
import { HashMap } from './hash.ts';
import { HashOfMaps } from './hash-of-maps.ts';
import { LocalStorage } from './local-storage.ts';
import { LpmTrie } from './lpm-trie.ts';
import { LruHashMap } from './lru-hash.ts';
import type { BpfMap, MapShape } from './map.ts';
import { PerfEventArray } from './perf-event-array.ts';
import { QueueStackMap } from './queue-stack.ts';
import { RedirectMap } from './redirect-map.ts';
import { RingBufferMap } from './ring-buffer.ts';
import { buildIdSize, maxStackDepth, StackTraceMap } from './stack-trace.ts';
import { UserRingBuffer } from './user-ring-buffer.ts';

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

const redirect: Kind['make'] = (memory, cpus, shape) => new RedirectMap(memory, cpus, shape);
const devices: Kind['make'] = (memory, cpus, shape) => new DeviceMap(memory, cpus, shape);
const storage: Kind = {
  flags: noPrealloc | mapFlags.clone,
  refuse: refuseStorage,
  make: (memory, cpus, shape) => new LocalStorage(memory, cpus, shape),
};
/** An array of fds, which programs cannot write to. */
const fdArray: Kind = {
  flags: numaNode | fileAccess,
  refuse: refuseFdArray,
  make: (memory, cpus, shape) => new FdArray(memory, cpus, shape),
};
const socketArray: Kind['refuse'] = (shape) => refuseValue(shape, 4, 8) ?? refuseArray(shape);
const valueList: Kind = {
  flags: numaNode | access,
  refuse: refuseKeyless,
  make: (memory, cpus, shape) => new QueueStackMap(memory, cpus, shape),
};
const lru: Kind = {
  flags: noPrealloc | mapFlags.noCommonLru | zeroSeed | numaNode | access,
  refuse: refuseLru,
  make: (memory, cpus, shape) => new LruHashMap(memory, cpus, shape),
};

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
    refuse: refuseFdArray,
    make: (memory, cpus, shape) => new PerfEventArray(memory, cpus, shape),
  },
  prog_array: fdArray,
  cgroup_array: fdArray,
  array_of_maps: fdArray,
  hash_of_maps: {
    flags: noPrealloc | zeroSeed | numaNode | access,
    refuse: (shape) => refuseValue(shape, 4) ?? refuseHash(shape),
    make: (memory, cpus, shape) => new HashOfMaps(memory, cpus, shape),
  },
  lru_hash: lru,
  lru_percpu_hash: { ...lru, flags: lru.flags & ~numaNode, refuse: (shape) => refuseLru(shape) ?? refusePerCpu(shape) },
  lpm_trie: {
    flags: noPrealloc | numaNode | access,
    refuse: refuseTrie,
    make: (memory, cpus, shape) => new LpmTrie(memory, cpus, shape),
  },
  queue: valueList,
  stack: valueList,
  bloom_filter: {
    flags: numaNode | zeroSeed | access,
    refuse: refuseKeyless,
    make: (memory, cpus, shape) => new BloomFilter(memory, cpus, shape),
  },
  ringbuf: {
    flags: numaNode,
    refuse: refuseRing,
    make: (memory, cpus, shape) => new RingBufferMap(memory, cpus, shape),
  },
  user_ringbuf: {
    flags: numaNode,
    refuse: refuseRing,
    make: (memory, cpus, shape) => new UserRingBuffer(memory, cpus, shape),
  },
  sk_storage: storage,
  task_storage: storage,
  inode_storage: storage,
  cgrp_storage: storage,
  devmap: { flags: numaNode | fileAccess, refuse: socketArray, make: devices },
  devmap_hash: { flags: numaNode | fileAccess, refuse: socketArray, make: devices },
  sockmap: { flags: numaNode | fileAccess, refuse: socketArray, make: redirect },
  sockhash: { flags: numaNode | fileAccess, refuse: refuseSocketHash, make: redirect },
  cpumap: { flags: numaNode, refuse: refuseCpuMap, make: redirect },
  xskmap: { flags: numaNode | fileAccess, refuse: refuseFdArray, make: redirect },
  reuseport_sockarray: { flags: numaNode | access, refuse: socketArray, make: redirect },
  stack_trace: {
    flags: numaNode | fileAccess | mapFlags.stackBuildId,
    refuse: refuseStackTrace,
    make: (memory, cpus, shape) => new StackTraceMap(memory, cpus, shape),
  },
} as const satisfies Partial<Record<MapType, Kind>>;

/** Map types that can be made. */
export const simulatedMapTypes = Object.keys(kinds) as readonly (keyof typeof kinds)[];

/**
 * MAP_CREATE of bpf(2).
 * @param cpus how many copies a per-CPU map has
 * @param inner what the maps in a map of maps are like
 * @throws SysError with Linux's errno for bad attributes: EINVAL, E2BIG, or ENOMEM when the memory has no room
 */
export function createMap(memory: Memory, cpus: number, shape: MapShape, inner?: MapShape): BpfMap {
  const kind: Kind | undefined = (kinds as Partial<Record<MapType, Kind>>)[shape.type];
  const refusal: Refusal | undefined = kind
    ? (refuseFlags(shape.flags, kind.flags) ?? refuseExtra(shape) ?? kind.refuse(shape) ?? refuseInner(shape, inner))
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

/** bpf_map_meta_alloc (kernel/bpf/map_in_map.c). */
function refuseInner({ type }: MapShape, inner: MapShape | undefined): Refusal | undefined {
  if (!isMapOfMaps(type)) return undefined;
  if (inner === undefined) return ['EBADF', 'there is no inner map to be like'];
  if (isMapOfMaps(inner.type)) return ['EINVAL', 'the inner map is a map of maps itself'];
  return inner.type === 'prog_array' ? ['ENOTSUPP', 'an inner map cannot be a prog_array'] : undefined;
}

export function isMapOfMaps(type: MapType): type is 'array_of_maps' | 'hash_of_maps' {
  return type === 'array_of_maps' || type === 'hash_of_maps';
}

/** fd_array_map_alloc_check: fds are 4 bytes. */
function refuseFdArray(shape: MapShape): Refusal | undefined {
  return refuseValue(shape, 4) ?? refuseArray(shape);
}

function refuseValue({ valueSize }: MapShape, ...sizes: number[]): Refusal | undefined {
  return sizes.includes(valueSize) ? undefined : ['EINVAL', `a value must be ${sizes.join(' or ')} bytes`];
}

/** htab_map_alloc_check, as far as it is about LRU. */
function refuseLru(shape: MapShape): Refusal | undefined {
  if ((shape.flags & noPrealloc) !== 0) return ['ENOTSUPP', 'an LRU map is always preallocated'];
  if ((shape.flags & numaNode) !== 0 && (shape.flags & mapFlags.noCommonLru) !== 0) {
    return ['EINVAL', 'lists of each CPU are on no NUMA node'];
  }
  return refuseHash(shape);
}

/** KMALLOC_MAX_SIZE */
const kmallocLimit = 4 << 20;
/** sizeof(struct lpm_trie_node) and LPM_KEY_SIZE_MAX. */
const trieNode = 24;
const longestPrefix = 256;

/** trie_alloc (kernel/bpf/lpm_trie.c). */
function refuseTrie({ keySize, valueSize, maxEntries, flags }: MapShape): Refusal | undefined {
  if ((flags & noPrealloc) === 0) return ['EINVAL', 'an lpm_trie must have the flag BPF_F_NO_PREALLOC'];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  if (keySize < 5 || keySize > 4 + longestPrefix) {
    return ['EINVAL', `the key is a u32 and 1 to ${longestPrefix} bytes, not ${keySize} bytes`];
  }
  const most = kmallocLimit - longestPrefix - trieNode;
  if (valueSize === 0 || valueSize > most) return ['EINVAL', `a value must have 1 to ${most} bytes`];
  return undefined;
}

/** queue_stack_map_alloc_check, and bloom_map_alloc. */
function refuseKeyless({ keySize, valueSize, maxEntries }: MapShape): Refusal | undefined {
  if (keySize !== 0) return ['EINVAL', 'there are no keys: the key size is 0'];
  if (valueSize === 0) return ['EINVAL', 'the value must not be empty'];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  return valueSize > kmallocLimit ? ['E2BIG', `a value exceeds ${kmallocLimit} bytes`] : undefined;
}

/** ringbuf_map_alloc (kernel/bpf/ringbuf.c). */
function refuseRing({ keySize, valueSize, maxEntries }: MapShape): Refusal | undefined {
  if (keySize !== 0 || valueSize !== 0) return ['EINVAL', 'there are no keys and values: their sizes are 0'];
  if (maxEntries === 0 || maxEntries % pageSize !== 0 || !Number.isInteger(Math.log2(maxEntries))) {
    return ['EINVAL', `max_entries is the ring's bytes: a power of two from ${pageSize} on, not ${maxEntries}`];
  }
  return undefined;
}

/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE */
const longestStorage = 65407;

/** bpf_local_storage_map_alloc_check. It wants BTF of key and value too, which map_create here never has to bring. */
function refuseStorage({ keySize, valueSize, maxEntries, flags }: MapShape): Refusal | undefined {
  if ((flags & noPrealloc) === 0) return ['EINVAL', 'storage must have the flag BPF_F_NO_PREALLOC'];
  if (maxEntries !== 0) return ['EINVAL', 'storage grows with its owners: max_entries is 0'];
  if (keySize !== 4) return ['EINVAL', `the key is an fd of 4 bytes, not ${keySize}`];
  if (valueSize === 0) return ['EINVAL', 'the value must not be empty'];
  return valueSize > longestStorage ? ['E2BIG', `a value exceeds ${longestStorage} bytes`] : undefined;
}

/** sock_hash_alloc (net/core/sock_map.c). */
function refuseSocketHash(shape: MapShape): Refusal | undefined {
  if (shape.maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  if (shape.keySize === 0) return ['EINVAL', 'the key must not be empty'];
  return (
    refuseValue(shape, 4, 8) ??
    (shape.keySize > longestKey ? ['E2BIG', `a key exceeds ${longestKey} bytes`] : undefined)
  );
}

/** MAX_BPF_STACK */
const longestKey = 512;
/** CONFIG_NR_CPUS of the kernel that was asked. */
const mostCpus = 256;

/** cpu_map_alloc (kernel/bpf/cpumap.c). */
function refuseCpuMap(shape: MapShape): Refusal | undefined {
  const refusal = socketArray(shape);
  if (refusal) return refusal;
  return shape.maxEntries > mostCpus ? ['E2BIG', `more than ${mostCpus} CPUs`] : undefined;
}

/** Only a bloom filter has map_extra, and there it is a number of hashes. */
function refuseExtra({ type, extra = 0 }: MapShape): Refusal | undefined {
  if (extra === 0 || (type === 'bloom_filter' && extra <= 15)) return undefined;
  return ['EINVAL', `map_extra ${extra}${type === 'bloom_filter' ? ': a bloom filter has 1 to 15 hashes' : ''}`];
}

/** stack_map_alloc (kernel/bpf/stackmap.c). */
function refuseStackTrace({ keySize, valueSize, maxEntries, flags }: MapShape): Refusal | undefined {
  if (keySize !== 4) return ['EINVAL', `the key is a u32 stack id, not ${keySize} bytes`];
  if (maxEntries === 0) return ['EINVAL', 'max_entries must not be 0'];
  const frame = (flags & mapFlags.stackBuildId) !== 0 ? buildIdSize : 8;
  if (valueSize < frame || valueSize % frame !== 0 || valueSize / frame > maxStackDepth) {
    return ['EINVAL', `the value holds 1 to ${maxStackDepth} frames of ${frame} bytes, not ${valueSize} bytes`];
  }
  if (maxEntries > 2 ** 31) return ['E2BIG', 'max_entries exceeds 2^31'];
  return undefined;
}
