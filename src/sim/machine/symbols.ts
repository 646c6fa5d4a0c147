import { hex64, InputError } from '../../base/index.ts';
import type { Symbols } from '../../sys/index.ts';

/**
 * The symbol table: every function of the kernel's BTF has a place in its text, in the order of BTF; names that only
 * stacks and locations know (`name.constprop.0`, functions of modules) get theirs when first seen. All code lies in
 * the last 2 GiB, so an address is its low half; the high half is 0xffffffff. A place is wide enough for every offset
 * into a function, so that an address and `name+0xoff` turn into each other exactly.
 *
 *   0xffffffff81000000  functions of BTF | functions seen    each `slot` bytes
 *   0xffffffffc0000000  functions of modules                 each 16 KiB, in the order seen
 */
export const codeHigh = 0xffffffff;
const textBase = 0x81000000;
const moduleBase = 0xc0000000;
const moduleEnd = 0xff000000;
const moduleSlot = 0x4000;
const largestSlot = 0x10000;
/** Of the text, the share for BTF's functions; the rest is for those seen. */
const profileText = 0x30000000;

/** `name+0xoff`, perhaps `/0xsize`, perhaps ` [module]`. */
const symbolPattern = /^([^\s+[\]]+)(?:\+0x([0-9a-fA-F]+)(?:\/0x[0-9a-fA-F]+)?)?(?: \[([^\]\s]+)\])?$/;
const addressPattern = /^0x([0-9a-fA-F]{1,16})$/;

interface Region {
  readonly base: number;
  readonly slot: number;
  readonly end: number;
  /** What `name` or `name [module]` is the how-manieth of, and the other way round. */
  readonly places: Map<string, number>;
  readonly symbols: string[];
}

export class SymbolTable implements Symbols {
  readonly #text: Region;
  readonly #modules: Region = {
    base: moduleBase,
    slot: moduleSlot,
    end: moduleEnd,
    places: new Map(),
    symbols: [],
  };
  /** Low half by the whole text of a location, as an int32. */
  readonly #locations = new Map<string, number>();
  /** The first module that has a function of the name. */
  readonly #moduleOf = new Map<string, string>();

  constructor(functions: Iterable<string>) {
    const places = new Map<string, number>();
    for (const name of functions) if (!places.has(name)) places.set(name, places.size);
    let slot = largestSlot;
    while (places.size * slot > profileText && slot > 0x1000) slot >>>= 1;
    this.#text = { base: textBase, slot, end: moduleBase, places, symbols: [...places.keys()] };
  }

  /**
   * The low half, as an int32, of the address that `name+0xoff [module]` means; a symbol seen for the first time
   * gets its place. A bare `0x…` address is kept as it is when it is a code address.
   * @throws InputError for text that is no symbol, or an offset that no function reaches
   */
  locate(text: string): number {
    const known = this.#locations.get(text);
    return known === undefined ? this.#locateNew(text) : known;
  }

  #locateNew(text: string): number {
    const low = this.#parse(text) | 0;
    this.#locations.set(text, low);
    return low;
  }

  #parse(text: string): number {
    const raw = addressPattern.exec(text);
    if (raw) {
      const address = BigInt(`0x${raw[1]}`);
      if (address >> 32n === BigInt(codeHigh)) return Number(address & 0xffffffffn);
      throw new InputError(`${text} is no address of kernel code`, { expected: 'an address above 0xffffffff00000000' });
    }
    const match = symbolPattern.exec(text);
    if (!match)
      throw new InputError(`'${text}' is no symbol`, { expected: 'name+0xoffset, and [module] where it has one' });
    const [, name, digits, module] = match;
    const offset = digits === undefined ? 0 : Number.parseInt(digits, 16);
    const place = this.#place(name as string, module);
    const slot = place >= moduleBase ? moduleSlot : this.#text.slot;
    if (offset >= slot) {
      throw new InputError(`'${text}' lies beyond its function`, {
        expected: `an offset below 0x${slot.toString(16)}`,
      });
    }
    return place + offset;
  }

  /** The low half of a function's address. */
  #place(name: string, module: string | undefined): number {
    const region = module === undefined ? this.#text : this.#modules;
    const key = module === undefined ? name : `${name} [${module}]`;
    const index = region.places.get(key) ?? this.#add(region, key, name, module);
    return region.base + index * region.slot;
  }

  #add(region: Region, key: string, name: string, module: string | undefined): number {
    const index = region.symbols.length;
    if (region.base + index * region.slot >= region.end) {
      throw new InputError(`no room for symbol '${key}'`, { hint: `${index} symbols were seen before it` });
    }
    region.symbols.push(key);
    region.places.set(key, index);
    if (module !== undefined && !this.#moduleOf.has(name)) this.#moduleOf.set(name, module);
    return index;
  }

  /** The low half of a function's first instruction, as an int32. */
  entry(name: string): number {
    return this.#place(name, undefined) | 0;
  }

  lookup(address: bigint): { readonly name: string; readonly offset: number; readonly module?: string } | undefined {
    const whole = BigInt.asUintN(64, address);
    if (whole >> 32n !== BigInt(codeHigh)) return undefined;
    const low = Number(whole & 0xffffffffn);
    const region = low >= moduleBase ? this.#modules : this.#text;
    if (low < region.base) return undefined;
    const index = Math.floor((low - region.base) / region.slot);
    const key = region.symbols[index];
    if (key === undefined) return undefined;
    const offset = low - region.base - index * region.slot;
    if (region !== this.#modules) return { name: key, offset };
    const [name, module] = key.slice(0, -1).split(' [') as [string, string];
    return { name, offset, module };
  }

  address(name: string): bigint | undefined {
    const module = this.#moduleOf.get(name);
    const isKnown = this.#text.places.has(name);
    if (!isKnown && module === undefined) return undefined;
    return (BigInt(codeHigh) << 32n) | BigInt(this.#place(name, isKnown ? undefined : module));
  }

  format(address: bigint): string {
    const symbol = this.lookup(address);
    if (!symbol) return '[unknown]';
    const place = `${symbol.name}+0x${symbol.offset.toString(16)}`;
    return symbol.module === undefined ? place : `${place} [${symbol.module}]`;
  }
}

/** `0xffffffff81000010` for the low half of a code address. */
export function formatCode(low: number): string {
  return hex64((BigInt(codeHigh) << 32n) | BigInt(low >>> 0));
}
