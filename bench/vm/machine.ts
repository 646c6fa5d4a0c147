import { fromHex } from '../../src/base/index.ts';
import type { RegisterFacts } from '../../src/isa/index.ts';
import { type BpfMap, createMap } from '../../src/maps/index.ts';
import { kernelSpace, Memory } from '../../src/memory/index.ts';
import { inlineHelpers, mapLayout } from '../../src/sim/programs/map-layout.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';
import { CallWindow, type Engine, type Executable, type Helper, type Host } from '../../src/vm/index.ts';
import { packetBytes } from './packets.ts';

/** A program as build.py writes it. */
export interface ProgramRow {
  readonly code: string;
  readonly maps: Readonly<Record<string, readonly number[]>>;
  /** The slot of the function that the kernel's loop calls back. */
  readonly callback: number;
  readonly context: readonly (readonly [slot: number, offset: number])[];
}

/** What the programs of the bench run on: packets behind contexts, an array and a hash map. */
export class BenchMachine {
  readonly memory = new Memory(32 << 20);
  readonly host: Host;
  readonly contexts: number;
  readonly hot: number;
  readonly results: number;
  readonly packets: number;
  readonly maps: Readonly<Record<string, BpfMap>>;
  readonly #byAddress: ReadonlyMap<number, BpfMap>;

  constructor(packets: Uint8Array) {
    const { memory } = this;
    const count = packets.length / packetBytes;
    this.packets = count;
    const data = memory.allocatePages(packets.length);
    memory.u8.set(packets, data);
    const context = memory.allocatePages(count * 16);
    this.contexts = memory.allocatePages(count * 4);
    this.hot = memory.allocatePages(count * 4);
    this.results = memory.allocatePages(count * 8);
    for (let index = 0; index < count; index++) {
      const at = (context >>> 2) + index * 4;
      const start = data + index * packetBytes;
      memory.u32.set([start, kernelSpace, start + packetBytes, kernelSpace], at);
      memory.u32[(this.contexts >>> 2) + index] = context + index * 16;
      memory.u32[(this.hot >>> 2) + index] = context;
    }
    const shape = { flags: 0, name: 'bench' } as const;
    this.maps = {
      counters: createMap(memory, 1, { ...shape, type: 'array', keySize: 4, valueSize: 8, maxEntries: 256 }),
      flows: createMap(memory, 1, { ...shape, type: 'hash', keySize: 8, valueSize: 8, maxEntries: 16384 }),
    };
    this.#byAddress = new Map(Object.values(this.maps).map((map) => [map.address, map] as const));
    this.host = {
      memory,
      window: new CallWindow(memory),
      helper: (id) => this.#helper(id),
      inline: (id) => inlineHelpers[id],
      mapLayout: (address) => {
        const map = this.#byAddress.get(address);
        return map && mapLayout(memory, map);
      },
    };
  }

  /** Gives the hash map its keys, as hex. */
  addFlows(keys: readonly string[]): void {
    const { memory } = this;
    const key = memory.allocate(8);
    const value = memory.allocate(8);
    for (const bytes of keys) {
      memory.u8.set(fromHex(bytes) as Uint8Array, key);
      (this.maps.flows as BpfMap).update(key, value, 0, 0);
    }
  }

  load(engine: Engine, name: string, row: ProgramRow): Executable {
    const code = (fromHex(row.code) as Uint8Array).slice();
    const view = new DataView(code.buffer);
    for (const [map, slots] of Object.entries(row.maps)) {
      for (const slot of slots) {
        view.setUint32(slot * 8 + 4, (this.maps[map] as BpfMap).address, true);
        view.setUint32(slot * 8 + 12, kernelSpace, true);
      }
    }
    // What a kernel does with loads of the packet's ends when it has verified a program: they become loads of pointers.
    for (const [slot, offset] of row.context) {
      view.setUint8(slot * 8, 0x79);
      view.setInt16(slot * 8 + 2, offset, true);
    }
    return engine.load({ name, code, facts: { verified: true, ...this.#facts(row) } }, this.host);
  }

  /** What the verifier finds, on the program as it is handed in; nothing where it gives up. */
  #facts(row: ProgramRow): Partial<RegisterFacts> {
    const code = (fromHex(row.code) as Uint8Array).slice();
    const view = new DataView(code.buffer);
    const maps = new Map<number, MapShape>();
    Object.keys(this.maps).forEach((name, index) => {
      maps.set(index + 1, (this.maps[name] as BpfMap).shape);
      for (const slot of row.maps[name] ?? []) {
        view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | (1 << 4));
        view.setInt32(slot * 8 + 4, index + 1, true);
      }
    });
    const { facts, message } = verify({ code, type: 'sched_cls', maps }, { facts: 'bytes', logLevel: 0 });
    if (!facts) {
      console.log(`  the verifier: ${message}; compiled without its facts`);
      return {};
    }
    return { registers: facts.registers, mayFault: facts.mayFault };
  }

  #helper(id: number): Helper | undefined {
    const map = (window: CallWindow): BpfMap => this.#byAddress.get(window.low(1)) as BpfMap;
    if (id === 1) {
      return (window) => {
        const value = map(window).lookup(window.low(2), 0);
        window.answerHalves(value === 0 ? 0 : kernelSpace, value);
      };
    }
    if (id !== 2) return undefined;
    return (window) => window.answer(map(window).update(window.low(2), window.low(3), window.low(4), 0));
  }
}
