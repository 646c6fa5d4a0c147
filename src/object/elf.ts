import { roundUp, viewOf } from '../base/index.ts';

/**
 * An ELF64 relocatable object for BPF (machine 247), little-endian, as clang writes it: sections one after another
 * behind the header, the section table at the end. Symbols are added by section; local ones come first in the table.
 *
 *   header 64 bytes | sections, each aligned to 8 | section headers, 64 bytes each
 */
const machineBpf = 247;
const headerSize = 64;
const sectionHeaderSize = 64;
const symbolSize = 24;
const relocationSize = 16;

export const sectionTypes = { null: 0, progbits: 1, symtab: 2, strtab: 3, nobits: 8, rel: 9 } as const;
export const sectionFlags = { write: 1, alloc: 2, exec: 4, infoLink: 0x40 } as const;
export const symbolTypes = { none: 0, object: 1, function: 2, section: 3 } as const;
/** R_BPF_64_64: the 64-bit immediate of ld_imm64. R_BPF_64_32: the target of a call. */
export const relocationTypes = { address: 1, call: 10 } as const;

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those of `bytes` when absent. */
  readonly size?: number;
  readonly align: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly section: ElfSection;
  /** Bytes from the start of its section. */
  readonly offset: number;
  readonly size: number;
  readonly type: number;
  readonly global: boolean;
}

export interface ElfRelocation {
  readonly section: ElfSection;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly symbol: ElfSymbol;
  readonly type: number;
}

export class ElfWriter {
  readonly #sections: ElfSection[] = [];
  readonly #symbols: ElfSymbol[] = [];
  readonly #relocations: ElfRelocation[] = [];

  section(section: ElfSection): ElfSection {
    this.#sections.push(section);
    return section;
  }

  symbol(symbol: ElfSymbol): ElfSymbol {
    this.#symbols.push(symbol);
    return symbol;
  }

  relocate(relocation: ElfRelocation): void {
    this.#relocations.push(relocation);
  }

  bytes(): Uint8Array {
    const strings = new StringTable();
    const symbols = [...this.#symbols.filter((one) => !one.global), ...this.#symbols.filter((one) => one.global)];
    const numbers = new Map(symbols.map((one, i) => [one, i + 1] as const));
    const headers: SectionHeader[] = [{ ...empty, name: 0 }];
    for (const one of this.#sections) {
      headers.push({ ...empty, ...one, name: strings.add(one.name), size: one.size ?? one.bytes.length });
    }
    const symbolTable = headers.length + this.#relocated().length;
    for (const section of this.#relocated()) {
      headers.push({
        ...empty,
        name: strings.add(`.rel${section.name}`),
        type: sectionTypes.rel,
        flags: sectionFlags.infoLink,
        bytes: this.#relocationBytes(section, numbers),
        link: symbolTable,
        info: this.#sections.indexOf(section) + 1,
        entrySize: relocationSize,
      });
    }
    headers.push({
      ...empty,
      name: strings.add('.symtab'),
      type: sectionTypes.symtab,
      bytes: this.#symbolBytes(symbols, strings),
      link: symbolTable + 1,
      info: 1 + symbols.filter((one) => !one.global).length,
      entrySize: symbolSize,
    });
    const name = strings.add('.strtab');
    headers.push({ ...empty, name, type: sectionTypes.strtab, bytes: strings.bytes(), align: 1 });
    return assemble(headers);
  }

  /** The sections that anything is relocated in, in their order. */
  #relocated(): ElfSection[] {
    const having = new Set(this.#relocations.map((one) => one.section));
    return this.#sections.filter((one) => having.has(one));
  }

  /** Elf64_Rel: u64 offset, u64 symbol << 32 | type. */
  #relocationBytes(section: ElfSection, numbers: ReadonlyMap<ElfSymbol, number>): Uint8Array {
    const own = this.#relocations.filter((one) => one.section === section).sort((a, b) => a.offset - b.offset);
    const bytes = new Uint8Array(own.length * relocationSize);
    const view = viewOf(bytes);
    for (const [i, { offset, symbol, type }] of own.entries()) {
      view.setUint32(i * relocationSize, offset, true);
      view.setUint32(i * relocationSize + 8, type, true);
      view.setUint32(i * relocationSize + 12, numbers.get(symbol) ?? 0, true);
    }
    return bytes;
  }

  /** Elf64_Sym: u32 name, u8 binding << 4 | type, u8 other, u16 section, u64 value, u64 size. The first is empty. */
  #symbolBytes(symbols: readonly ElfSymbol[], strings: StringTable): Uint8Array {
    const bytes = new Uint8Array((symbols.length + 1) * symbolSize);
    const view = viewOf(bytes);
    for (const [i, { name, type, global, section, offset, size }] of symbols.entries()) {
      const at = (i + 1) * symbolSize;
      view.setUint32(at, type === symbolTypes.section ? 0 : strings.add(name), true);
      view.setUint8(at + 4, ((global ? 1 : 0) << 4) | type);
      view.setUint16(at + 6, this.#sections.indexOf(section) + 1, true);
      view.setUint32(at + 8, offset, true);
      view.setUint32(at + 16, size, true);
    }
    return bytes;
  }
}

interface SectionHeader {
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly size?: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

const empty = {
  type: sectionTypes.null,
  flags: 0,
  bytes: new Uint8Array(0),
  link: 0,
  info: 0,
  align: 8,
  entrySize: 0,
};

function assemble(headers: readonly SectionHeader[]): Uint8Array {
  const places: number[] = [];
  let end = headerSize;
  for (const { bytes } of headers) {
    places.push(end);
    end = roundUp(end + bytes.length, 8);
  }
  const file = new Uint8Array(end + headers.length * sectionHeaderSize);
  const view = viewOf(file);
  // e_ident: the magic, 64 bits, little-endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true); // ET_REL
  view.setUint16(18, machineBpf, true);
  view.setUint32(20, 1, true);
  view.setUint32(40, end, true);
  view.setUint16(52, headerSize, true);
  view.setUint16(58, sectionHeaderSize, true);
  view.setUint16(60, headers.length, true);
  view.setUint16(62, headers.length - 1, true);
  for (const [i, header] of headers.entries()) {
    const place = places[i] as number;
    file.set(header.bytes, place);
    if (i > 0) writeHeader(view, end + i * sectionHeaderSize, header, place);
  }
  return file;
}

/** Elf64_Shdr: u32 name, type, u64 flags, addr, offset, size, u32 link, info, u64 addralign, entsize. */
function writeHeader(view: DataView, at: number, header: SectionHeader, place: number): void {
  view.setUint32(at, header.name, true);
  view.setUint32(at + 4, header.type, true);
  view.setUint32(at + 8, header.flags, true);
  view.setUint32(at + 24, place, true);
  view.setUint32(at + 32, header.size ?? header.bytes.length, true);
  view.setUint32(at + 40, header.link, true);
  view.setUint32(at + 44, header.info, true);
  view.setUint32(at + 48, header.align, true);
  view.setUint32(at + 56, header.entrySize, true);
}

class StringTable {
  readonly #offsets = new Map<string, number>([['', 0]]);
  #text = '\0';
  #length = 1;

  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#offsets.set(text, offset);
    this.#text += `${text}\0`;
    this.#length += Buffer.byteLength(text) + 1;
    return offset;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#text);
  }
}
