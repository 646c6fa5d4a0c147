import type { MapType } from '../uapi/index.ts';

/** What a map is made of: bpf(2) MAP_CREATE's attributes. Sizes in bytes. */
export interface MapShape {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
}

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
  /** bpf(2) lookup: copies the value, all CPUs' for a per-CPU map, to `target`; 0 or a negative errno. */
  userLookup(key: number, target: number): number;
  /** bpf(2) update from `source`, all CPUs' for a per-CPU map; 0 or a negative errno. */
  userUpdate(key: number, source: number, flags: number): number;
  /** Elements held now. */
  readonly count: number;
  /** Frees the memory. */
  close(): void;
}
