import { toHex, viewOf } from '../../../src/base/index.ts';
import { mapTypes, type ProgramType } from '../../../src/uapi/index.ts';

/**
 * The programs of an object that clang made of a text with test/verifier/clang/bpf.h: each main function with the static
 * ones that it reaches put behind it, and the maps that it names (System V ABI, Documentation/bpf/llvm_reloc.rst).
 */
export interface ClangProgram {
  readonly name: string;
  readonly type: ProgramType;
  /** 8 bytes a slot, in hex; immediates of maps hold their place in `maps` plus 1. */
  readonly code: string;
  readonly at: readonly (readonly [slot: number, map: string, source: 1 | 2])[];
}

export interface ClangMap {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly spinLock?: number;
  /** Of a section of data, in hex. */
  readonly contents?: string;
}

export interface ClangObject {
  readonly maps: Readonly<Record<string, ClangMap>>;
  readonly programs: readonly ClangProgram[];
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

interface ElfSymbol {
  readonly name: string;
  readonly isFunction: boolean;
  readonly isGlobal: boolean;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

const typesOfSections: Readonly<Record<string, ProgramType>> = {
  kprobe: 'kprobe',
  tracepoint: 'tracepoint',
  xdp: 'xdp',
  tc: 'sched_cls',
  socket: 'socket_filter',
  perf_event: 'perf_event',
};

const readOnlyProgram = 128;

class Elf {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sections: readonly Section[];
  readonly symbols: readonly ElfSymbol[];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    const { view } = this;
    const table = Number(view.getBigUint64(40, true));
    const raw = Array.from({ length: view.getUint16(60, true) }, (_, index) => {
      const at = table + index * 64;
      const word = (offset: number): number => view.getUint32(at + offset, true);
      return { nameAt: word(0), type: word(4), offset: word(24), size: word(32), link: word(40), info: word(44) };
    });
    const names = raw[view.getUint16(62, true)]?.offset ?? 0;
    this.sections = raw.map(({ nameAt, ...section }) => ({ ...section, name: this.#text(names + nameAt) }));
    this.symbols = this.#symbols();
  }

  #text(at: number): string {
    return new TextDecoder().decode(this.bytes.subarray(at, this.bytes.indexOf(0, at)));
  }

  #symbols(): ElfSymbol[] {
    const table = this.sections.find(({ type }) => type === 2) as Section;
    const names = this.sections[table.link]?.offset ?? 0;
    return Array.from({ length: table.size / 24 }, (_, index) => {
      const at = table.offset + index * 24;
      const info = this.view.getUint8(at + 4);
      return {
        name: this.#text(names + this.view.getUint32(at, true)),
        isFunction: (info & 15) === 2,
        isGlobal: info >>> 4 === 1,
        section: this.view.getUint16(at + 6, true),
        value: this.view.getUint32(at + 8, true),
        size: this.view.getUint32(at + 16, true),
      };
    });
  }

  contents({ type, offset, size }: Section): Uint8Array {
    return type === 8 ? new Uint8Array(size) : this.bytes.slice(offset, offset + size);
  }

  /** Symbols by the byte of the section that they are for. */
  relocations(section: number): Map<number, ElfSymbol> {
    const found = new Map<number, ElfSymbol>();
    for (const { type, offset, size, info } of this.sections) {
      if (type !== 9 || info !== section) continue;
      for (let at = offset; at < offset + size; at += 16) {
        const symbol = this.symbols[this.view.getUint32(at + 12, true)];
        if (symbol) found.set(this.view.getUint32(at, true), symbol);
      }
    }
    return found;
  }
}

export function readClangObject(bytes: Uint8Array): ClangObject {
  const elf = new Elf(bytes);
  const maps = mapsOf(elf);
  const mains = elf.symbols.filter(({ isFunction, isGlobal }) => isFunction && isGlobal);
  return { maps, programs: mains.map((main) => programOf(elf, main, Object.keys(maps))) };
}

function mapsOf(elf: Elf): Record<string, ClangMap> {
  const maps: Record<string, ClangMap> = {};
  for (const [index, section] of elf.sections.entries()) {
    if (section.name === 'maps') {
      const view = viewOf(elf.contents(section));
      for (const { name, value, section: where, isFunction } of elf.symbols) {
        if (where !== index || isFunction || name === '') continue;
        const [type, keySize, valueSize, maxEntries, flags, lock] = [0, 4, 8, 12, 16, 20].map((at) =>
          view.getUint32(value + at, true),
        ) as [number, number, number, number, number, number];
        const named = Object.entries(mapTypes).find(([, number]) => number === type)?.[0] ?? '';
        maps[name] = {
          type: named,
          keySize,
          valueSize,
          maxEntries,
          ...(flags ? { flags } : {}),
          ...(lock ? { spinLock: 4 } : {}),
        };
      }
    } else if (/^\.(bss|data|rodata)/.test(section.name) && section.size > 0) {
      const isConstant = section.name.startsWith('.rodata');
      maps[section.name] = {
        type: 'array',
        keySize: 4,
        valueSize: section.size,
        maxEntries: 1,
        ...(isConstant ? { flags: readOnlyProgram } : {}),
        contents: toHex(elf.contents(section)),
      };
    }
  }
  return maps;
}

/** A main function and what it calls, in one piece. */
function programOf(elf: Elf, main: ElfSymbol, mapNames: readonly string[]): ClangProgram {
  const section = elf.sections[main.section] as Section;
  const linker = new Linker(elf, main.section, mapNames);
  linker.add(main);
  const type = typesOfSections[section.name.split('/')[0] as string];
  if (!type) throw new Error(`no program type for section ${section.name}`);
  return { name: main.name, type, ...linker.finish() };
}

class Linker {
  readonly #elf: Elf;
  readonly #section: number;
  readonly #mapNames: readonly string[];
  readonly #relocations: Map<number, ElfSymbol>;
  /** Slots in the section, in the order of the program. */
  readonly #slots: number[] = [];
  readonly #added = new Set<ElfSymbol>();

  constructor(elf: Elf, section: number, mapNames: readonly string[]) {
    this.#elf = elf;
    this.#section = section;
    this.#mapNames = mapNames;
    this.#relocations = elf.relocations(section);
  }

  get #view(): DataView {
    const { offset, size } = this.#elf.sections[this.#section] as Section;
    return new DataView(this.#elf.bytes.buffer, this.#elf.bytes.byteOffset + offset, size);
  }

  add(symbol: ElfSymbol): void {
    if (this.#added.has(symbol)) return;
    this.#added.add(symbol);
    const slots = Array.from({ length: symbol.size / 8 }, (_, index) => symbol.value / 8 + index);
    this.#slots.push(...slots);
    for (const slot of slots) {
      const target = this.#targetOf(slot);
      if (target === undefined) continue;
      const callee = this.#elf.symbols.find(
        ({ isFunction, section, value }) => isFunction && section === this.#section && value === target * 8,
      );
      if (callee) this.add(callee);
    }
  }

  /** The slot that a call or the address of a function leads to. */
  #targetOf(slot: number): number | undefined {
    const view = this.#view;
    const opcode = view.getUint8(slot * 8);
    const imm = view.getInt32(slot * 8 + 4, true);
    const symbol = this.#relocations.get(slot * 8);
    if (opcode === 0x85 && view.getUint8(slot * 8 + 1) >>> 4 === 1) {
      return symbol ? symbol.value / 8 + imm + 1 : slot + 1 + imm;
    }
    return opcode === 0x18 && symbol?.section === this.#section ? (symbol.value + imm) / 8 : undefined;
  }

  finish(): Pick<ClangProgram, 'code' | 'at'> {
    const view = this.#view;
    const code = new Uint8Array(this.#slots.length * 8);
    const out = viewOf(code);
    const at: [number, string, 1 | 2][] = [];
    for (const [slot, from] of this.#slots.entries()) {
      for (let byte = 0; byte < 8; byte++) code[slot * 8 + byte] = view.getUint8(from * 8 + byte);
      const target = this.#targetOf(from);
      const symbol = this.#relocations.get(from * 8);
      if (target !== undefined) {
        out.setInt32(slot * 8 + 4, this.#slots.indexOf(target) - slot - 1, true);
        if (out.getUint8(slot * 8) === 0x18) out.setUint8(slot * 8 + 1, (out.getUint8(slot * 8 + 1) & 15) | 0x40);
      } else if (symbol) at.push(this.#linkMap(out, slot, symbol));
      // The second half of an address of data holds the offset already.
      const before = at.at(-1);
      if (before?.[0] === slot - 1 && before[2] === 2)
        out.setInt32(slot * 8 + 4, this.#offsets.get(slot - 1) ?? 0, true);
    }
    return { code: toHex(code), at };
  }

  readonly #offsets = new Map<number, number>();

  #linkMap(out: DataView, slot: number, symbol: ElfSymbol): [number, string, 1 | 2] {
    const section = this.#elf.sections[symbol.section]?.name ?? '';
    const isData = section !== 'maps';
    const map = isData ? section : symbol.name;
    const source = isData ? 2 : 1;
    if (isData) this.#offsets.set(slot, symbol.value + out.getInt32(slot * 8 + 4, true));
    out.setUint8(slot * 8 + 1, (out.getUint8(slot * 8 + 1) & 15) | (source << 4));
    out.setInt32(slot * 8 + 4, 1 + this.#mapNames.indexOf(map), true);
    return [slot, map, source];
  }
}
