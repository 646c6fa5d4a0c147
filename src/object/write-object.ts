import { viewOf } from '../base/index.ts';
import { type CodeInfo, debugInfo, declaredParts, type PlacedMap } from './debug-info.ts';
import {
  type ElfSection,
  type ElfSymbol,
  ElfWriter,
  relocationTypes,
  sectionFlags,
  sectionTypes,
  symbolTypes,
} from './elf.ts';
import type { FunctionInfo, LineInfo, MapSpec, ObjectSpec, ProgramSpec, Relocation } from './spec.ts';

/**
 * An object as the ELF file that clang would make of it and libbpf reads: programs in sections that say where they
 * attach, the functions that they call in .text, maps in .maps, data in .data, .bss and .rodata, types in .BTF.
 */
export function writeObject(object: ObjectSpec): Uint8Array {
  return new ObjectWriter(object).bytes();
}

/** A function cut out of a program: slots count from its start. */
interface FunctionCode {
  readonly name: string;
  readonly type: FunctionInfo['type'] | undefined;
  readonly section: string;
  readonly code: Uint8Array;
  readonly relocations: readonly Relocation[];
  readonly lines: readonly LineInfo[];
  /** The slots of its calls and what each calls, and of loads of a function's address. */
  readonly calls: readonly { readonly slot: number; readonly callee: string; readonly address: boolean }[];
}

const dataSections = ['.data', '.bss', '.rodata'];
const callOpcode = 0x85;
const localCall = 1;
const loadOpcode = 0x18;
const functionAddress = 4;

class ObjectWriter {
  readonly #object: ObjectSpec;
  readonly #elf = new ElfWriter();
  /** By map name: what an instruction that takes its address is relocated against. */
  readonly #addresses = new Map<string, ElfSymbol>();
  #textSymbol: ElfSymbol | undefined;
  readonly #functions = new Map<string, ElfSymbol>();
  readonly #code: CodeInfo[] = [];

  constructor(object: ObjectSpec) {
    this.#object = object;
  }

  bytes(): Uint8Array {
    const bySection = this.#functionsBySection();
    const made = [...bySection].map(([name, list]) => this.#codeSection(name, list));
    this.#dataSections();
    const maps = this.#mapsSection();
    const license = Buffer.from(`${this.#object.license}\0`);
    this.#section('license', sectionFlags.write | sectionFlags.alloc, license, 1);
    for (const [i, list] of [...bySection.values()].entries()) this.#relocate(made[i] as ElfSection, list);
    const { btf, ext } = debugInfo(this.#object, maps, this.#code);
    this.#section('.BTF', 0, btf, 4);
    if (this.#code.some((one) => one.functions.length > 0)) this.#section('.BTF.ext', 0, ext, 4);
    return this.#elf.bytes();
  }

  #section(name: string, flags: number, bytes: Uint8Array, align: number): ElfSection {
    return this.#elf.section({ name, type: sectionTypes.progbits, flags, bytes, align });
  }

  /** .text first, with each called function once; then the programs. */
  #functionsBySection(): Map<string, FunctionCode[]> {
    const sections = new Map<string, FunctionCode[]>([['.text', []]]);
    const called = new Set<string>();
    for (const program of this.#object.programs) {
      for (const [i, one] of splitProgram(program).entries()) {
        const section = i === 0 ? one.section : '.text';
        if (i > 0 && called.has(one.name)) continue;
        if (i > 0) called.add(one.name);
        const list = sections.get(section);
        if (list) list.push(one);
        else sections.set(section, [one]);
      }
    }
    if (sections.get('.text')?.length === 0) sections.delete('.text');
    return sections;
  }

  #codeSection(name: string, list: readonly FunctionCode[]): ElfSection {
    const bytes = Buffer.concat(list.map((one) => one.code));
    const section = this.#section(name, sectionFlags.alloc | sectionFlags.exec, bytes, 8);
    const functions: FunctionInfo[] = [];
    const lines: LineInfo[] = [];
    let offset = 0;
    for (const one of list) {
      const size = one.code.length;
      const symbol = { name: one.name, section, offset, size, type: symbolTypes.function, global: this.#isGlobal(one) };
      this.#functions.set(one.name, this.#elf.symbol(symbol));
      if (one.type !== undefined) functions.push({ slot: offset / 8, name: one.name, type: one.type });
      for (const { slot, at } of one.lines) lines.push({ slot: slot + offset / 8, at });
      offset += size;
    }
    this.#code.push({ section: name, functions, lines });
    return section;
  }

  #isGlobal({ section, type }: FunctionCode): boolean {
    const known = type === undefined ? undefined : this.#object.btf?.type(type);
    return section !== '.text' || (known?.kind === 'function' && known.linkage === 1);
  }

  #dataSections(): void {
    for (const map of this.#object.maps) {
      if (!dataSections.includes(map.name)) continue;
      const flags = sectionFlags.alloc | (map.name === '.rodata' ? 0 : sectionFlags.write);
      const bytes = map.contents ?? new Uint8Array(map.valueSize);
      const section =
        map.name === '.bss'
          ? this.#elf.section({
              name: map.name,
              type: sectionTypes.nobits,
              flags,
              bytes: new Uint8Array(0),
              size: bytes.length,
              align: 8,
            })
          : this.#section(map.name, flags, bytes, 8);
      const type = symbolTypes.section;
      this.#addresses.set(
        map.name,
        this.#elf.symbol({ name: map.name, section, offset: 0, size: 0, type, global: false }),
      );
      this.#variables(map, section);
    }
  }

  #variables(map: MapSpec, section: ElfSection): void {
    const { btf } = this.#object;
    const type = btf && map.types?.value !== undefined ? btf.type(map.types.value) : undefined;
    if (type?.kind !== 'section') return;
    for (const { type: id, offset, size } of type.variables) {
      const variable = btf?.type(id);
      if (variable?.kind !== 'variable') continue;
      const global = variable.linkage === 1;
      this.#elf.symbol({ name: variable.name, section, offset, size, type: symbolTypes.object, global });
    }
  }

  #mapsSection(): PlacedMap[] {
    const placed: PlacedMap[] = [];
    let offset = 0;
    for (const map of this.#object.maps) {
      if (dataSections.includes(map.name)) continue;
      const size = declaredParts(map) * 8;
      placed.push({ map, offset, size });
      offset += size;
    }
    if (offset === 0) return placed;
    const section = this.#section('.maps', sectionFlags.write | sectionFlags.alloc, new Uint8Array(offset), 8);
    for (const { map, offset: at, size } of placed) {
      const symbol = { name: map.name, section, offset: at, size, type: symbolTypes.object, global: true };
      this.#addresses.set(map.name, this.#elf.symbol(symbol));
    }
    return placed;
  }

  /** As clang leaves it: against the section, the function's place in it as the immediate, and no pseudo source. */
  #relocateAddress(section: ElfSection, view: DataView, at: number, { section: where, offset }: ElfSymbol): void {
    view.setUint8(at + 1, view.getUint8(at + 1) & 0x0f);
    view.setInt32(at + 4, offset, true);
    this.#textSymbol ??= this.#elf.symbol({
      name: where.name,
      section: where,
      offset: 0,
      size: 0,
      type: symbolTypes.section,
      global: false,
    });
    this.#elf.relocate({ section, offset: at, symbol: this.#textSymbol, type: relocationTypes.address });
  }

  #relocate(section: ElfSection, list: readonly FunctionCode[]): void {
    const view = viewOf(section.bytes);
    let start = 0;
    for (const one of list) {
      for (const { slot, map, offset = 0 } of one.relocations) {
        const symbol = this.#addresses.get(map);
        if (!symbol) throw new RangeError(`a relocation of '${one.name}' names the map '${map}', which is not there`);
        const at = start + slot * 8;
        view.setUint32(at + 4, offset, true);
        this.#elf.relocate({ section, offset: at, symbol, type: relocationTypes.address });
      }
      for (const { slot, callee, address } of one.calls) {
        const at = start + slot * 8;
        const symbol = this.#functions.get(callee) as ElfSymbol;
        if (address) this.#relocateAddress(section, view, at, symbol);
        else {
          view.setInt32(at + 4, -1, true);
          this.#elf.relocate({ section, offset: at, symbol, type: relocationTypes.call });
        }
      }
      start += one.code.length;
    }
  }
}

/** A program's functions, its own first. One that does not know its functions is whole. */
function splitProgram(program: ProgramSpec): FunctionCode[] {
  const { code, section } = program;
  const starts = program.functions ?? [];
  const parts = starts.length > 0 ? starts : [{ slot: 0, name: program.name, type: undefined }];
  return parts.map(({ slot: start, name, type }, i) => {
    const end = parts[i + 1]?.slot ?? code.length / 8;
    const within = ({ slot }: { readonly slot: number }): boolean => slot >= start && slot < end;
    const moved = <T extends { readonly slot: number }>(one: T): T => ({ ...one, slot: one.slot - start });
    return {
      name,
      type,
      section: i === 0 ? section : '.text',
      code: code.slice(start * 8, end * 8),
      relocations: program.relocations.filter(within).map(moved),
      lines: program.lines.filter(within).map(moved),
      calls: localCalls(code, start, end).map(({ slot, target, address }) => ({
        slot: slot - start,
        address,
        callee: parts.find((one) => one.slot === target)?.name ?? name,
      })),
    };
  });
}

interface LocalCall {
  readonly slot: number;
  readonly target: number;
  readonly address: boolean;
}

function localCalls(code: Uint8Array, start: number, end: number): LocalCall[] {
  const view = viewOf(code);
  const calls: LocalCall[] = [];
  for (let slot = start; slot < end; slot++) {
    const pseudo = (code[slot * 8 + 1] as number) >>> 4;
    const address = code[slot * 8] === loadOpcode && pseudo === functionAddress;
    if (address || (code[slot * 8] === callOpcode && pseudo === localCall)) {
      calls.push({ slot, target: slot + 1 + view.getInt32(slot * 8 + 4, true), address });
    }
    if (code[slot * 8] === loadOpcode) slot++;
  }
  return calls;
}
