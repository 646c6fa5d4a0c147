import { InputError, nearestHint } from '../../base/index.ts';
import type { Binary, Process, UserStack } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { parseUsdtArguments, type UsdtArgument } from '../../object/index.ts';
import type { BinaryFile, Mapping } from '../../sys/index.ts';
import { mostFrames } from '../machine/stacks.ts';
import { UserPoint } from '../points/points.ts';

/**
 * Binaries and the processes that map them. A binary lies at the same address in every process, as if there were no
 * randomisation, so that a user stack is resolved once for all. Code is not in the linear memory: it has addresses,
 * and programs cannot read it.
 *
 *   0x00005555_00000000  programs    0x00007f80_00000000  libraries    each `slot` bytes
 */
const programsHigh = 0x5555;
const librariesHigh = 0x7f80;
const slot = 0x1000_0000;
const slotsPerHigh = 16;
const pageMask = 0xfff;

const framePattern = /^([^\s\]]+?)(?:\+0x([0-9a-fA-F]+))? \[(.+)\]$/;
const addressPattern = /^0x([0-9a-fA-F]{1,16})$/;

/** A USDT probe with the places of its arguments. */
export interface Marker {
  readonly point: UserPoint;
  /** `provider:name` */
  readonly name: string;
  readonly arguments: readonly UsdtArgument[];
}

class LoadedBinary {
  readonly binary: Binary;
  readonly high: number;
  readonly low: number;
  readonly #byName = new Map<string, UserPoint>();
  readonly #byAddress = new Map<number, UserPoint>();
  readonly #markers = new Map<string, Map<string, Marker>>();

  constructor(binary: Binary, high: number, low: number) {
    this.binary = binary;
    this.high = high;
    this.low = low;
    for (const { name, address } of binary.symbols) this.#byName.set(name, this.#point(name, address));
    for (const { provider, name, address, arguments: text } of binary.probes) {
      const home = binary.symbols.find((symbol) => address >= symbol.address && address < symbol.address + symbol.size);
      const marker = {
        point: this.#point(home?.name ?? '', address),
        name: `${provider}:${name}`,
        arguments: parseUsdtArguments(text),
      };
      const ofProvider = this.#markers.get(provider) ?? new Map<string, Marker>();
      this.#markers.set(provider, ofProvider);
      // A probe that stands in several places is passed at the first.
      if (!ofProvider.has(name)) ofProvider.set(name, marker);
    }
  }

  #point(name: string, address: number): UserPoint {
    let point = this.#byAddress.get(address);
    if (point === undefined) {
      if (!(address >= 0 && address < slot)) {
        throw new InputError(`${this.binary.path} has a symbol at 0x${address.toString(16)}`, {
          expected: `addresses below 0x${slot.toString(16)}`,
        });
      }
      point = new UserPoint(name, this.high, (this.low + address) | 0);
      this.#byAddress.set(address, point);
    }
    return point;
  }

  /** @throws InputError */
  function(name: string): UserPoint {
    const point = this.#byName.get(name);
    if (point !== undefined) return point;
    throw new InputError(`${this.binary.path} has no function '${name}'`, nearestHint(name, this.#byName.keys()));
  }

  /** @throws InputError */
  marker(provider: string, name: string): Marker {
    const marker = this.#markers.get(provider)?.get(name);
    if (marker !== undefined) return marker;
    const names = this.binary.probes.map((probe) => `${probe.provider}:${probe.name}`);
    throw new InputError(
      `${this.binary.path} has no probe '${provider}:${name}'`,
      nearestHint(`${provider}:${name}`, names),
    );
  }

  /** The point at an address of the file, or undefined where no event can happen. */
  at(address: number): UserPoint | undefined {
    return this.#byAddress.get(address);
  }

  get mapping(): Mapping {
    const last = this.binary.symbols.reduce((end, { address, size }) => Math.max(end, address + size), 1);
    const end = this.binary.probes.reduce((most, { address }) => Math.max(most, address + 1), last);
    const start = (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
    return { start, end: start + BigInt((end + pageMask) & ~pageMask), path: this.binary.path };
  }
}

export class UserSpace {
  readonly #memory: Memory;
  /** Where stacks are written: offset. */
  readonly #frames: number;
  readonly #binaries = new Map<string, LoadedBinary>();
  readonly #processes: { readonly first: number; readonly last: number; readonly binaries: readonly LoadedBinary[] }[] =
    [];
  readonly #locations = new Map<string, { readonly low: number; readonly high: number }>();
  readonly #resolved = new WeakMap<UserStack, Int32Array>();
  #programs = 0;
  #libraries = 0;

  /** @throws InputError for two binaries of one path, or two processes of one pid */
  constructor(memory: Memory, frames: number, processes: readonly Process[]) {
    this.#memory = memory;
    this.#frames = frames;
    for (const { pid, lastPid = pid, binaries } of processes) {
      const other = this.#processes.find((one) => one.first <= lastPid && pid <= one.last);
      if (other) throw new InputError(`two processes have the pid ${Math.max(pid, other.first)}`);
      this.#processes.push({ first: pid, last: lastPid, binaries: binaries.map((binary) => this.#load(binary)) });
    }
  }

  #load(binary: Binary): LoadedBinary {
    const known = this.#binaries.get(binary.path);
    if (known !== undefined) {
      if (known.binary !== binary) throw new InputError(`two binaries have the path ${binary.path}`);
      return known;
    }
    const library = /\.so(\.|$)/.test(binary.path);
    const index = library ? this.#libraries++ : this.#programs++;
    const high = (library ? librariesHigh : programsHigh) + Math.floor(index / slotsPerHigh);
    const loaded = new LoadedBinary(binary, high, ((index % slotsPerHigh) * slot) | 0);
    this.#binaries.set(binary.path, loaded);
    return loaded;
  }

  paths(): Iterable<string> {
    return this.#binaries.keys();
  }

  find(path: string): LoadedBinary | undefined {
    return this.#binaries.get(path);
  }

  file(path: string): BinaryFile | undefined {
    return this.#binaries.get(path)?.binary;
  }

  mappings(pid: number): readonly Mapping[] {
    const mappings = (this.#processes.find(({ first, last }) => pid >= first && pid <= last)?.binaries ?? []).map(
      (loaded) => loaded.mapping,
    );
    return mappings.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** @throws InputError for a binary that no process maps */
  binary(path: string): LoadedBinary {
    const loaded = this.#binaries.get(path);
    if (loaded !== undefined) return loaded;
    throw new InputError(`no process maps '${path}'`, {
      ...nearestHint(path, this.#binaries.keys()),
      expected: 'a binary of one of the scenario’s processes',
    });
  }

  /** The halves of a stack's addresses, low and high, innermost first. @throws InputError for a frame that is none */
  resolve(stack: UserStack): Int32Array {
    let halves = this.#resolved.get(stack);
    if (halves === undefined) {
      halves = new Int32Array(stack.length * 2);
      for (const [index, frame] of stack.entries()) {
        const { low, high } = this.#locate(frame);
        halves[index * 2] = low;
        halves[index * 2 + 1] = high;
      }
      this.#resolved.set(stack, halves);
    }
    return halves;
  }

  #locate(frame: string): { readonly low: number; readonly high: number } {
    let place = this.#locations.get(frame);
    if (place === undefined) {
      place = this.#parse(frame);
      this.#locations.set(frame, place);
    }
    return place;
  }

  #parse(frame: string): { readonly low: number; readonly high: number } {
    const raw = addressPattern.exec(frame);
    if (raw) {
      const address = BigInt(`0x${raw[1]}`);
      return { low: Number(BigInt.asIntN(32, address)), high: Number(BigInt.asIntN(32, address >> 32n)) };
    }
    const match = framePattern.exec(frame);
    if (!match)
      throw new InputError(`'${frame}' is no user frame`, { expected: 'name+0xoffset [path], or an address' });
    const [, name = '', digits, path = ''] = match;
    const point = this.binary(path).function(name);
    return { low: (point.low + (digits === undefined ? 0 : Number.parseInt(digits, 16))) | 0, high: point.high };
  }

  /**
   * Writes a user stack where kernel stacks are written too, at most `most` frames.
   * @param firstLow halves of an address that stands before it; both 0 for none
   * @param skip frames of the stack that are left out, from the innermost
   * @returns how many frames were written
   */
  write(stack: UserStack, firstLow: number, firstHigh: number, skip: number, most: number): number {
    const halves = this.resolve(stack);
    const words = this.#memory.i32;
    const limit = Math.min(most, mostFrames);
    let at = this.#frames >>> 2;
    let count = 0;
    if ((firstLow | firstHigh) !== 0 && limit > 0) {
      words[at++] = firstLow;
      words[at++] = firstHigh;
      count = 1;
    }
    for (let index = skip; index * 2 < halves.length && count < limit; index++, count++) {
      words[at++] = halves[index * 2] as number;
      words[at++] = halves[index * 2 + 1] as number;
    }
    return count;
  }

  /** The build id and the offset in the file of a code address, or undefined where nothing is mapped. */
  buildId(address: bigint): { readonly id: string; readonly offset: number } | undefined {
    for (const loaded of this.#binaries.values()) {
      const { start, end } = loaded.mapping;
      if (address >= start && address < end) return { id: loaded.binary.buildId, offset: Number(address - start) };
    }
    return undefined;
  }
}
