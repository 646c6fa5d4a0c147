import type { Diagnostics } from '../diagnostics.ts';
import type { Variable } from '../syntax/ast.ts';
import { sizeOf } from '../types/types.ts';
import { setConstant } from './image.ts';

/** Globals as bytes: each lies in one of three sections, which become maps of one entry. */
export type SectionOfData = '.rodata' | '.data' | '.bss';

export interface PlacedVariable {
  readonly variable: Variable;
  readonly offset: number;
}

export class DataSections {
  readonly #bytes = new Map<SectionOfData, number[]>();
  readonly #places = new Map<Variable, { section: SectionOfData; offset: number }>();
  readonly #diagnostics: Diagnostics;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /** Where a global lies; it gets its place when it is first asked for. */
  place(variable: Variable): { section: SectionOfData; offset: number } {
    const known = this.#places.get(variable);
    if (known) return known;
    const section = variable.constant ? '.rodata' : variable.initial ? '.data' : '.bss';
    let bytes = this.#bytes.get(section);
    if (!bytes) {
      bytes = [];
      this.#bytes.set(section, bytes);
    }
    while (bytes.length % 8 !== 0) bytes.push(0);
    const place = { section: section as SectionOfData, offset: bytes.length };
    this.#places.set(variable, place);
    this.#append(variable, bytes);
    return place;
  }

  /** A section's variables in the order of their offsets. */
  placed(name: SectionOfData): PlacedVariable[] {
    return [...this.#places].flatMap(([variable, { section, offset }]) =>
      section === name ? [{ variable, offset }] : [],
    );
  }

  #append(variable: Variable, bytes: number[]): void {
    const start = bytes.length;
    for (let i = sizeOf(variable.type); i > 0; i--) bytes.push(0);
    for (const entry of variable.initial?.entries ?? []) {
      if (setConstant(bytes, entry, start)) continue;
      if (entry.type.kind === 'pointer') {
        this.#diagnostics.error(
          entry.value.at,
          `the initial value of '${variable.name}' is an address, and BPF's data holds numbers only`,
          'index it with constants, or keep the bytes themselves: char names[2][16]',
        );
      } else {
        const what = `initializer element of '${variable.name}' is not a compile-time constant`;
        this.#diagnostics.error(entry.value.at, what);
      }
      return;
    }
  }

  /** The sections that anything lies in. */
  *sections(): Iterable<{ name: SectionOfData; bytes: Uint8Array }> {
    for (const [name, bytes] of this.#bytes) yield { name, bytes: Uint8Array.from(bytes) };
  }
}
