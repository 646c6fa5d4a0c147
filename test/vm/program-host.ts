import { errno } from '../../src/base/index.ts';
import { type BpfMap, createMap } from '../../src/maps/index.ts';
import { kernelSpace, Memory } from '../../src/memory/index.ts';
import { inlineHelpers, mapLayout } from '../../src/sim/programs/map-layout.ts';
import {
  CallWindow,
  type Executable,
  type Helper,
  type Host,
  type InlineHelper,
  type LinkedProgram,
  type MapLayout,
  type ProgramFacts,
} from '../../src/vm/index.ts';
import { type GeneratedProgram, maps as mapShapes } from './generate.ts';

/** Bytes of a program's packet. */
export const packetSize = 64;

/** Helper numbers that the generated programs call (include/uapi/linux/bpf.h). */
const helperNumbers = { lookup: 1, update: 2, delete: 3, clock: 5, tailCall: 12, loop: 181 } as const;

/**
 * A host for generated programs: the maps, a packet behind a context that holds pointers to its two ends, and those
 * helpers. Two of them see the same bytes at the same places.
 */
export class ProgramHost implements Host {
  readonly memory = new Memory(1 << 20);
  readonly window = new CallWindow(this.memory);
  readonly maps: readonly BpfMap[];
  readonly context = this.memory.allocate(192);
  readonly packetStart = this.memory.allocate(packetSize);
  readonly clock = this.memory.allocate(8);
  readonly count?: boolean;
  readonly budget?: number;
  /** What tail calls go to. */
  targets: readonly Executable[] = [];
  readonly #byAddress: ReadonlyMap<number, BpfMap>;

  constructor(options: { count?: boolean; budget?: number } = {}) {
    if (options.count !== undefined) this.count = options.count;
    if (options.budget !== undefined) this.budget = options.budget;
    this.maps = mapShapes.map((shape) => createMap(this.memory, 1, { ...shape, flags: 0, name: 'm' }));
    this.#byAddress = new Map(this.maps.map((map) => [map.address, map] as const));
    this.memory.u64[this.clock >>> 3] = 0x1234_5678_9abcn;
    for (const [at, place] of [
      [0, this.packetStart],
      [8, this.packetStart + packetSize],
    ] as const) {
      this.memory.u32[(this.context + at) >>> 2] = place;
      this.memory.u32[(this.context + at + 4) >>> 2] = kernelSpace;
    }
  }

  setPacket(packet: Uint8Array): void {
    this.memory.u8.fill(0, this.packetStart, this.packetStart + packetSize);
    this.memory.u8.set(packet, this.packetStart);
  }

  get packetBytes(): Uint8Array {
    return this.memory.bytes(this.packetStart, packetSize);
  }

  /** Every map's elements, as lines of hex in the order of their keys. */
  mapContents(): string[] {
    const { memory } = this;
    const key = memory.allocate(64);
    const value = memory.allocate(256);
    const hex = (at: number, size: number): string => Buffer.from(memory.bytes(at, size)).toString('hex');
    const contents = this.maps.map((map) => {
      const { keySize, valueSize } = map.shape;
      const lines: string[] = [];
      for (let at = 0; map.nextKey(at, key) === 0; at = key) {
        map.userLookup(key, value);
        lines.push(`${hex(key, keySize)}=${hex(value, valueSize)}`);
      }
      return lines.sort().join(' ');
    });
    memory.free(key, 64);
    memory.free(value, 256);
    return contents;
  }

  /** Code with the places of this host's maps and context in it. */
  link(program: GeneratedProgram, facts: ProgramFacts | undefined, name = 'generated'): LinkedProgram {
    const code = program.code.slice();
    const view = new DataView(code.buffer);
    program.mapSlots.forEach((slots, map) => {
      for (const slot of slots) {
        view.setUint32(slot * 8 + 4, (this.maps[map] as BpfMap).address, true);
        view.setUint32(slot * 8 + 12, kernelSpace, true);
      }
    });
    // What the verifier does with loads of __sk_buff's data and data_end: they become loads of pointers.
    for (const [slot, offset] of program.contextLoads) {
      view.setUint8(slot * 8, 0x79);
      view.setInt16(slot * 8 + 2, offset, true);
    }
    return facts ? { name, code, facts } : { name, code };
  }

  packet(_context: number, offset: number, size: 1 | 2 | 4): number {
    return offset >= 0 && offset + size <= packetSize ? this.packetStart + offset : 0;
  }

  inline(helper: number): InlineHelper | undefined {
    if (helper === helperNumbers.clock) return { kind: 'cell', offset: this.clock };
    return inlineHelpers[helper];
  }

  mapLayout(address: number): MapLayout | undefined {
    const map = this.#byAddress.get(address);
    return map && mapLayout(this.memory, map);
  }

  helper(id: number): Helper | undefined {
    const map = (window: CallWindow): BpfMap | undefined => this.#byAddress.get(window.low(1));
    switch (id) {
      case helperNumbers.lookup:
        return (window) => {
          const value = map(window)?.lookup(window.low(2), 0) ?? 0;
          window.answerHalves(value === 0 ? 0 : kernelSpace, value);
        };
      case helperNumbers.update:
        return (window) => {
          const flags = window.high(4) !== 0 ? 8 : window.low(4);
          window.answer(map(window)?.update(window.low(2), window.low(3), flags, 0) ?? -errno.EINVAL);
        };
      case helperNumbers.delete:
        return (window) => window.answer(map(window)?.delete(window.low(2)) ?? -errno.EINVAL);
      case helperNumbers.clock:
        return (window) => window.answerWhole(this.memory.u64[this.clock >>> 3] as bigint);
      case helperNumbers.tailCall:
        return (window, executable) => {
          const target = this.targets[window.low(3)];
          if (!target || !executable.tailCall(target)) window.answer(-errno.ENOENT);
        };
      case helperNumbers.loop:
        return loop;
      default:
        return undefined;
    }
  }
}

/** bpf_loop (kernel/bpf/bpf_iter.c): calls back until the function answers other than 0. */
const loop: Helper = (window, executable) => {
  const [count, func, high, low] = [window.low(1), window.low(2), window.high(3), window.low(3)];
  let index = 0;
  while (index < count) {
    window.setArgument(1, 0, index++);
    window.setArgument(2, high, low);
    if (executable.callback(func) !== 0) break;
  }
  window.answer(index);
};
