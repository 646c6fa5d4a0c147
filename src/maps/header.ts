import { errno, SysError } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { mapTypes, updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import type { ElementCallback, MapShape, ValueField } from './map.ts';

/**
 * The map object: what a program's map pointer points to. All that a look-up needs stands here, so that code in
 * WebAssembly can do it without asking: nothing of a map's state lives outside the linear memory.
 *
 *    +0  u32 type          number of bpf_map_type
 *    +4  u32 keySize       bytes
 *    +8  u32 valueSize     bytes
 *   +12  u32 maxEntries
 *   +16  u32 flags         of creation
 *   +20  u32 count         elements held now
 *   +24  u32 data          offset of the first value (arrays), element (hash, stack_trace) or slot (perf_event_array)
 *   +28  u32 stride        bytes from one of those to the next
 *   +32  u32 cpuStride     bytes from one CPU's copy of a value to the next CPU's; 0 where there is one copy
 *   +36  u32 cpus
 *   +40  u32 buckets       offset of the bucket table, one u32 each: an element's offset or 0 (hash, stack_trace)
 *   +44  u32 bucketMask    buckets - 1
 *   +48  u32 free          offset of the first element given back, or 0; the next hangs on its first word
 *   +52  u32 fresh         offset of the first element that was never used
 *   +56  u32 end           offset after the last element
 *   +60  u32 valueOffset   bytes from an element to its value
 *   +64  u32 spare         the element that the next update of an existing key goes to (hash)
 *
 * A look-up in an array is: index < maxEntries, then data + index * stride (+ cpu * cpuStride). One in a hash is
 * drawn in hash.ts.
 */
export const header = {
  type: 0,
  keySize: 4,
  valueSize: 8,
  maxEntries: 12,
  flags: 16,
  count: 20,
  data: 24,
  stride: 28,
  cpuStride: 32,
  cpus: 36,
  buckets: 40,
  bucketMask: 44,
  free: 48,
  fresh: 52,
  end: 56,
  valueOffset: 60,
  spare: 64,
} as const;

export type HeaderField = keyof typeof header;

const headerSize = 96;

const noFields: readonly ValueField[] = [];

/** What every kind of map is built on: its header and the memory it holds. */
export class MapObject {
  readonly shape: MapShape;
  readonly memory: Memory;
  readonly cpus: number;
  readonly address: number;
  freed: ((value: number) => void) | null = null;
  readonly #fields: readonly ValueField[];
  readonly #held: { readonly offset: number; readonly bytes: number }[] = [];
  #closed = false;

  /** @throws SysError ENOMEM */
  constructor(memory: Memory, cpus: number, shape: MapShape) {
    this.memory = memory;
    this.cpus = cpus;
    this.shape = shape;
    this.#fields = shape.special ?? noFields;
    this.address = memory.allocate(headerSize);
    this.set('type', mapTypes[shape.type]);
    this.set('keySize', shape.keySize);
    this.set('valueSize', shape.valueSize);
    this.set('maxEntries', shape.maxEntries);
    this.set('flags', shape.flags);
    this.set('cpus', cpus);
  }

  get count(): number {
    return this.get('count');
  }

  get(field: HeaderField): number {
    return this.memory.u32[(this.address + header[field]) >>> 2] as number;
  }

  set(field: HeaderField, value: number): void {
    this.memory.u32[(this.address + header[field]) >>> 2] = value;
  }

  get hasFields(): boolean {
    return this.#fields.length > 0;
  }

  /** copy_map_value: a value, but for what the kernel keeps in it. */
  protected copyValue(target: number, source: number, size: number): void {
    let done = 0;
    for (const { offset, size: length } of this.#fields) {
      if (offset > done) copyBytes(this.memory, target + done, source + done, offset - done);
      done = offset + length;
    }
    if (size > done) copyBytes(this.memory, target + done, source + done, size - done);
  }

  /** bpf_obj_init: nothing is locked, no timer made, no pointer held. */
  protected clearFields(value: number): void {
    for (const { offset, size } of this.#fields) this.memory.u8.fill(0, value + offset, value + offset + size);
  }

  /** bpf_obj_free_fields: but for the lock, which others may hold. */
  protected freeFields(value: number): void {
    if (this.#fields.length === 0) return;
    this.freed?.(value);
    for (const { kind, offset, size } of this.#fields) {
      if (kind !== 'spinLock') this.memory.u8.fill(0, value + offset, value + offset + size);
    }
  }

  /** Whether flags of bpf(2) or a helper say BPF_F_LOCK to a map whose values have no lock, or what nobody knows. */
  protected badLock(flags: number): boolean {
    return (flags & updateFlags.lock) !== 0 && !this.#fields.some(({ kind }) => kind === 'spinLock');
  }

  /** What most kinds do not have: the kinds that do have a method of their own. */
  userTake(_key: number, _target: number): number {
    return -errno.ENOTSUPP;
  }

  push(_value: number, _flags: number): number {
    return -errno.ENOTSUPP;
  }

  pop(_target: number): number {
    return -errno.ENOTSUPP;
  }

  peek(_target: number): number {
    return -errno.ENOTSUPP;
  }

  forEach(_cpu: number, _callback: ElementCallback): number {
    return -errno.EINVAL;
  }

  /** Zeroed memory that goes when the map does. @throws SysError ENOMEM, having given back what the map held */
  hold(bytes: number): number {
    try {
      const offset = this.memory.allocate(bytes);
      this.#held.push({ offset, bytes });
      return offset;
    } catch (fault) {
      this.close();
      if (!(fault instanceof SysError)) throw fault;
      throw new SysError('ENOMEM', 'map_create', `${this.shape.type} map '${this.shape.name}' needs ${bytes} bytes`, {
        hint: 'boot the machine with more memory, or make the map smaller',
        cause: fault,
      });
    }
  }

  /** Zeroed memory for one more element, noted in `taken`; 0 when there is no more: the caller frees it. */
  protected tryAllocate(bytes: number, taken: number[]): number {
    try {
      const offset = this.memory.allocate(bytes);
      taken.push(offset);
      return offset;
    } catch (fault) {
      if (!(fault instanceof SysError)) throw fault;
      return 0;
    }
  }

  /** Frees the memory; a second close does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { offset, bytes } of this.#held) this.memory.free(offset, bytes);
    this.memory.free(this.address, headerSize);
  }
}

/** The least power of two that is at least `n`; `n` from 1 to 2^31. */
export function roundUpPowerOfTwo(n: number): number {
  return n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1));
}
