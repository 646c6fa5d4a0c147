import { errno } from '../base/index.ts';
import { type Memory, pageSize } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';

/**
 * The pages of a BPF ring, whoever writes it (kernel/bpf/ringbuf.c): ringbuf and user_ringbuf. To bpf(2) and to map
 * helpers it is a map without elements.
 */
export const ringPage = { consumer: 0, producer: pageSize, pending: pageSize + 8, data: 2 * pageSize } as const;
export const ringRecord = { busy: 2 ** 31, discarded: 2 ** 30, header: 8 } as const;
/** Of a record's first word. */
export const lengthMask = 0x3fffffff;

export abstract class RingPages extends MapObject implements BpfMap {
  /** Offset of the consumer page; the producer page and the data follow. */
  readonly pages: number;
  /** Bytes of data. */
  readonly size: number;
  /** Offset of the data. */
  protected readonly data: number;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.size = shape.maxEntries;
    this.pages = this.hold(this.mappedSize);
    this.data = this.pages + ringPage.data;
    this.set('data', this.data);
  }

  /** Bytes of the mapping, the second copy of the data included. */
  get mappedSize(): number {
    return ringPage.data + 2 * this.shape.maxEntries;
  }

  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.ENOTSUPP;
  }

  delete(_key: number): number {
    return -errno.ENOTSUPP;
  }

  nextKey(_key: number, _next: number): number {
    return -errno.ENOTSUPP;
  }

  get userValueSize(): number {
    return 0;
  }

  userLookup(_key: number, _target: number): number {
    return -errno.ENOTSUPP;
  }

  userUpdate(_key: number, _source: number, flags: number): number {
    return flags === updateFlags.lock ? -errno.EINVAL : -errno.ENOTSUPP;
  }

  /** A position: below 2^53. */
  protected position(place: number): number {
    const word = (this.pages + place) >>> 2;
    return (this.memory.u32[word] as number) + (this.memory.u32[word + 1] as number) * 2 ** 32;
  }

  protected move(place: number, position: number): void {
    const word = (this.pages + place) >>> 2;
    this.memory.u32[word] = position;
    this.memory.u32[word + 1] = position / 2 ** 32;
  }
}
