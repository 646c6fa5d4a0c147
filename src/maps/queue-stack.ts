import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { KeylessMap } from './keyless.ts';
import type { MapShape } from './map.ts';

/**
 * queue and stack (kernel/bpf/queue_stack_maps.c): values without keys in a ring of maxEntries slots; a queue gives the
 * oldest, a stack the newest. With BPF_EXIST a push onto a full map drops the oldest.
 */
export class QueueStackMap extends KeylessMap {
  readonly #data: number;
  readonly #size: number;
  readonly #slots: number;
  readonly #newestFirst: boolean;
  /** Slot of the oldest value. */
  #oldest = 0;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape, -errno.EINVAL);
    this.#size = shape.valueSize;
    this.#slots = shape.maxEntries;
    this.#newestFirst = shape.type === 'stack';
    this.#data = this.hold(this.#size * this.#slots);
    this.set('data', this.#data);
    this.set('stride', this.#size);
  }

  override push(value: number, flags: number): number {
    if (flags !== updateFlags.any && flags !== updateFlags.exist) return -errno.EINVAL;
    let { count } = this;
    if (count === this.#slots) {
      if (flags !== updateFlags.exist) return -errno.E2BIG;
      this.#oldest = (this.#oldest + 1) % this.#slots;
      count--;
    }
    copyBytes(this.memory, this.#slot(count), value, this.#size);
    this.set('count', count + 1);
    return 0;
  }

  override pop(target: number): number {
    const status = this.peek(target);
    if (status !== 0) return status;
    if (!this.#newestFirst) this.#oldest = (this.#oldest + 1) % this.#slots;
    this.set('count', this.count - 1);
    return 0;
  }

  override peek(target: number): number {
    if (this.count === 0) {
      this.memory.u8.fill(0, target, target + this.#size);
      return -errno.ENOENT;
    }
    copyBytes(this.memory, target, this.#slot(this.#newestFirst ? this.count - 1 : 0), this.#size);
    return 0;
  }

  override userTake(_key: number, target: number): number {
    return this.pop(target);
  }

  /** Offset of the value that came `age` after the oldest. */
  #slot(age: number): number {
    return this.#data + ((this.#oldest + age) % this.#slots) * this.#size;
  }
}
