import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';

/** A map of values without keys: programs push and peek, and bpf(2)'s lookup and update are those with any key. */
export abstract class KeylessMap extends MapObject implements BpfMap {
  /** What is said of an operation that takes a key: kernels' map types differ in it. */
  readonly #noKey: number;

  /** @param noKey a negative errno */
  constructor(memory: Memory, cpus: number, shape: MapShape, noKey: number) {
    super(memory, cpus, shape);
    this.#noKey = noKey;
  }

  abstract override push(value: number, flags: number): number;
  abstract override peek(target: number): number;

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EINVAL;
  }

  delete(_key: number): number {
    return this.#noKey;
  }

  nextKey(_key: number, _next: number): number {
    return this.#noKey;
  }

  userLookup(_key: number, target: number): number {
    return this.peek(target);
  }

  userUpdate(_key: number, source: number, flags: number): number {
    return this.push(source, flags);
  }
}
