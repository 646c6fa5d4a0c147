import { roundUp, SysError, viewOf } from '../base/index.ts';
import type { MapSpec } from '../object/index.ts';
import type { Fd, Kernel, MapBatch } from '../sys/index.ts';
import { request } from './bpf-error.ts';
import { type Codec, encoded } from './codec.ts';

/** A map that is loaded: its fd and what it was made of. */
export interface LoadedMap {
  readonly fd: Fd;
  readonly spec: MapSpec;
}

/** A map as its user sees it: typed keys and values over the system calls. Reads are copies. */
export class MapTable<K, V> {
  readonly map: LoadedMap;
  readonly #kernel: Kernel;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  constructor(kernel: Kernel, map: LoadedMap, key: Codec<K>, value: Codec<V>) {
    this.#kernel = kernel;
    this.map = map;
    this.#key = key;
    this.#value = value;
  }

  get name(): string {
    return this.map.spec.name;
  }

  /** Undefined when there is no such key. */
  get(key: K): V | undefined {
    const bytes = this.#lookup(encoded(this.#key, key));
    return bytes && this.#value.read(viewOf(bytes), 0);
  }

  /** @param flags updateFlags: any, noExist, exist. @throws BpfError E2BIG when the map is full, EEXIST, ENOENT */
  set(key: K, value: V, flags = 0): void {
    const keyBytes = encoded(this.#key, key);
    const valueBytes = encoded(this.#value, value);
    request('map update', `cannot write to map ${this.name}`, () =>
      this.#kernel.mapUpdate(this.map.fd, keyBytes, valueBytes, flags),
    );
  }

  /** Whether the key was there. */
  delete(key: K): boolean {
    return this.#remove(encoded(this.#key, key));
  }

  /** Adds a value to a queue, a stack or a bloom filter. @throws BpfError E2BIG when it is full */
  push(value: V, flags = 0): void {
    const bytes = encoded(this.#value, value);
    request('map update', `cannot push to map ${this.name}`, () =>
      this.#kernel.mapUpdate(this.map.fd, noKey, bytes, flags),
    );
  }

  /** Takes the next value out of a queue or stack; undefined when it is empty. */
  pop(): V | undefined {
    return this.#keyless('pop', () => this.#kernel.mapLookupAndDelete(this.map.fd, noKey));
  }

  /** The next value of a queue or stack, which stays; undefined when it is empty. */
  peek(): V | undefined {
    return this.#keyless('peek', () => this.#kernel.mapLookup(this.map.fd, noKey));
  }

  /** Whether a bloom filter may hold a value; when false, it surely does not. */
  mayHold(value: V): boolean {
    const bytes = encoded(this.#value, value);
    return this.#keyless('look in', () => this.#kernel.mapLookup(this.map.fd, noKey, bytes)) !== undefined;
  }

  #keyless(what: string, work: () => Uint8Array): V | undefined {
    const bytes = request('map lookup', `cannot ${what} map ${this.name}`, () => orMissing(work));
    return bytes && this.#value.read(viewOf(bytes), 0);
  }

  /** Every key that is there, in the kernel's order. A key that vanishes meanwhile is left out. */
  *keys(): IterableIterator<K> {
    for (const [key] of this.#entries()) yield this.#key.read(viewOf(key), 0);
  }

  *items(): IterableIterator<[K, V]> {
    for (const [key, value] of this.#entries()) {
      yield [this.#key.read(viewOf(key), 0), this.#value.read(viewOf(value), 0)];
    }
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.items();
  }

  /** Deletes every key; the elements of an array, which cannot go, become zero. */
  clear(): void {
    if (isArray(this.map.spec)) this.zero();
    else for (const key of this.#allKeys()) this.#remove(key);
  }

  /** Keeps every key and makes its value zero. */
  zero(): void {
    const blank = new Uint8Array(this.#value.size);
    for (const key of this.#allKeys()) {
      request('map update', `cannot write to map ${this.name}`, () =>
        this.#kernel.mapUpdate(this.map.fd, key, blank, 0),
      );
    }
  }

  /**
   * Everything in batches, as the kernel's order has it, with `take` deleted as it is read; undefined for a kind of map
   * that the kernel has no such batches of.
   */
  protected batches(take: boolean): [K, V][] | undefined {
    const items: [K, V][] = [];
    let after: Uint8Array | null = null;
    // A hash gives a bucket at once: where there is no room for one, the map is larger than its text says.
    let most = Math.max(this.map.spec.maxEntries, 1);
    for (;;) {
      const batch = this.#batch(take, after, most);
      if (batch === undefined) return undefined;
      if (batch.errno === 'ENOSPC') {
        most *= 2;
        continue;
      }
      for (const [index, key] of batch.keys.entries()) {
        items.push([this.#key.read(viewOf(key), 0), this.#value.read(viewOf(batch.values[index] as Uint8Array), 0)]);
      }
      if (batch.errno !== null || batch.next === null) return items;
      after = batch.next;
    }
  }

  #batch(take: boolean, after: Uint8Array | null, most: number): MapBatch | undefined {
    return request('map lookup', `cannot read map ${this.name}`, () => {
      try {
        return this.#kernel.mapLookupBatch(this.map.fd, take, after, most);
      } catch (fault) {
        if (fault instanceof SysError && fault.errno === 'ENOTSUPP') return undefined;
        throw fault;
      }
    });
  }

  protected zeroAt(key: K): void {
    const bytes = encoded(this.#key, key);
    request('map update', `cannot write to map ${this.name}`, () =>
      this.#kernel.mapUpdate(this.map.fd, bytes, new Uint8Array(this.#value.size), 0),
    );
  }

  /** Looked up first and changed after, so that deleting while walking does not restart the walk. */
  #allKeys(): Uint8Array[] {
    return [...this.#entries()].map(([key]) => key);
  }

  *#entries(): IterableIterator<[Uint8Array, Uint8Array]> {
    let key = this.#next(null);
    while (key) {
      const value = this.#lookup(key);
      if (value) yield [key, value];
      key = this.#next(key);
    }
  }

  /** The key behind one in the table's order, the first of all behind undefined; undefined behind the last. */
  next(key?: K): K | undefined {
    const found = this.#next(key === undefined ? null : encoded(this.#key, key));
    return found ? this.#key.read(viewOf(found), 0) : undefined;
  }

  #next(key: Uint8Array | null): Uint8Array | null {
    return request('map next key', `cannot walk map ${this.name}`, () => this.#kernel.mapNextKey(this.map.fd, key));
  }

  #lookup(key: Uint8Array): Uint8Array | undefined {
    return request('map lookup', `cannot read map ${this.name}`, () =>
      orMissing(() => this.#kernel.mapLookup(this.map.fd, key)),
    );
  }

  #remove(key: Uint8Array): boolean {
    const done = request('map delete', `cannot delete from map ${this.name}`, () =>
      orMissing(() => {
        this.#kernel.mapDelete(this.map.fd, key);
        return true;
      }),
    );
    return done ?? false;
  }
}

/** ENOENT is an answer: there is no such key. */
function orMissing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof SysError && fault.errno === 'ENOENT') return undefined;
    throw fault;
  }
}

/** A map without keys is asked with an empty one. */
const noKey = new Uint8Array(0);

function isArray(spec: MapSpec): boolean {
  return spec.type === 'array' || spec.type === 'percpu_array' || spec.type === 'perf_event_array';
}

/** One value for each CPU, as bpf(2) passes them: each at a multiple of 8 bytes. */
export function perCpuCodec<T>(value: Codec<T>, cpus: number): Codec<readonly T[]> {
  const stride = roundUp(value.size, 8);
  return {
    size: stride * cpus,
    read: (view, offset) => Array.from({ length: cpus }, (_, cpu) => value.read(view, offset + cpu * stride)),
    write: (view, offset, values) => {
      for (const [cpu, item] of values.entries()) value.write(view, offset + cpu * stride, item);
    },
  };
}
