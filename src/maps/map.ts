import type { MapType } from '../uapi/index.ts';

/** What a map is made of: bpf(2) MAP_CREATE's attributes. Sizes in bytes. */
export interface MapShape {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
  /** map_extra: of a bloom_filter how many hashes an element has, 0 for 5; 0 for all others. */
  readonly extra?: number;
  /** What of the kernel's own lies in a value, by its BTF, in the order of offsets: copies of a value leave it out. */
  readonly special?: readonly ValueField[];
}

/** A lock, a timer, a pointer to a kernel object (include/linux/bpf.h: struct btf_field). */
export interface ValueField {
  readonly kind: string;
  /** bytes */
  readonly offset: number;
  readonly size: number;
}

/** Offsets of an element's key and value; other than 0 ends the walk. */
export type ElementCallback = (key: number, value: number) => number;

/**
 * A map as the kernel holds it. Keys and values are passed as offsets in the linear memory, answers are 0 or a
 * negative errno, so that a helper call allocates nothing. `cpu` chooses the copy of a per-CPU map.
 */
export interface BpfMap {
  readonly shape: MapShape;
  /** Offset of the map's kernel object: what a program holds is the kernel pointer to it. */
  readonly address: number;
  /**
   * Offset of the value, or 0 when there is none: what map_lookup_elem answers. It stays readable for the life of the
   * map; whose value it is after a delete or an update of the key is as in the kernel.
   */
  lookup(key: number, cpu: number): number;
  /**
   * 0, -E2BIG, -EEXIST, -ENOENT, -EINVAL … as the kernel's map_update_elem of that type. `flags` is a u64: a caller
   * whose high half is not 0 passes any number above 2^32.
   */
  update(key: number, value: number, flags: number, cpu: number): number;
  /** 0, -ENOENT, -EINVAL … */
  delete(key: number): number;
  /** Writes the key after `key` (0 for the first) to `next`; 0 or -ENOENT. Order as the kernel's where it has one. */
  nextKey(key: number, next: number): number;
  /** Size of a value seen from bpf(2): per-CPU maps give round_up(valueSize, 8) for each CPU. */
  readonly userValueSize: number;
  /**
   * bpf(2) lookup: copies the value, all CPUs' for a per-CPU map, to `target`; 0 or a negative errno. A bloom_filter
   * finds the value to look for at `target`. A map without keys is given any `key`.
   */
  userLookup(key: number, target: number): number;
  /** bpf(2) lookup and delete: as userLookup, and the element is gone; 0 or a negative errno. */
  userTake(key: number, target: number): number;
  /**
   * bpf(2) update from `source`, all CPUs' for a per-CPU map; 0 or a negative errno. The calling process runs on CPU 0.
   */
  userUpdate(key: number, source: number, flags: number): number;
  /** map_push_elem: adds a value. 0, -E2BIG when full, -EINVAL for flags, -ENOTSUPP where the kind has no such thing. */
  push(value: number, flags: number): number;
  /** map_pop_elem: takes the next value out to `target`, or fills it with zeros; 0, -ENOENT, -ENOTSUPP. */
  pop(target: number): number;
  /** map_peek_elem: as `pop`, and the value stays; a bloom_filter is asked for the value at `target`. */
  peek(target: number): number;
  /**
   * bpf_for_each_map_elem: calls with the offsets of each key and value until the callback gives other than 0.
   * @returns how many elements were called for, or -EINVAL for a kind that cannot
   */
  forEach(cpu: number, callback: ElementCallback): number;
  /** Called with the offset of a value whose fields go: its timers stop, what its pointers hold is let go. */
  freed: ((value: number) => void) | null;
  /** Elements held now. */
  readonly count: number;
  /** Frees the memory. */
  close(): void;
}
