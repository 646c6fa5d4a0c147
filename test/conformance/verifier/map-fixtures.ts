import type { MapShape } from '../../../src/verifier/index.ts';

/** The maps that random programs use, by the names that they have in assembly; kernel.py makes the same. */
export const mapFixtures = {
  ARRAY: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 4 },
  HASH: { type: 'hash', keySize: 8, valueSize: 8, maxEntries: 8 },
  PERCPU: { type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 1 },
  LRU: { type: 'lru_hash', keySize: 4, valueSize: 32, maxEntries: 8 },
  RING: { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  QUEUE: { type: 'queue', keySize: 0, valueSize: 8, maxEntries: 8 },
  PROGRAMS: { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  EVENTS: { type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  STACKS: { type: 'stack_trace', keySize: 4, valueSize: 80, maxEntries: 8 },
  TRIE: { type: 'lpm_trie', keySize: 8, valueSize: 8, maxEntries: 8, flags: 1 },
  LOCKED: { type: 'array', keySize: 4, valueSize: 8, maxEntries: 4, spinLock: 4 },
  OUTER: {
    type: 'array_of_maps',
    keySize: 4,
    valueSize: 4,
    maxEntries: 2,
    inner: { type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 },
  },
  READONLY: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 2, flags: 128 },
  WRITEONLY: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 2, flags: 256 },
  DEVICES: { type: 'devmap', keySize: 4, valueSize: 4, maxEntries: 4 },
  SOCKETS: { type: 'sockmap', keySize: 4, valueSize: 4, maxEntries: 4 },
  FILTER: { type: 'bloom_filter', keySize: 0, valueSize: 8, maxEntries: 8 },
  GLOBAL: { type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 },
} as const satisfies Record<string, MapShape>;

export type MapName = keyof typeof mapFixtures;
export const mapNames = Object.keys(mapFixtures) as MapName[];
