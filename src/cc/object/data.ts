import type { Diagnostics } from '../diagnostics.ts';
import type { Variable } from '../syntax/ast.ts';
import { alignOf, mostElements, sizeOf } from '../types/types.ts';
import { setConstant } from './image.ts';

/** Globals as bytes: each lies in one of three sections, which become maps of one entry. */
export type SectionOfData = '.rodata' | '.data' | '.bss';

export interface PlacedVariable {
  readonly variable: Variable;
  readonly offset: number;
}

/** Bytes that the globals of a section may take together: what the kernel would allocate for a map's value (INT_MAX is the format's end). */
const mostBytes = 64 << 20;

interface Section {
  length: number;
  readonly variables: PlacedVariable[];
}

export class DataSections {
  readonly #sections = new Map<SectionOfData, Section>();
  readonly #places = new Map<Variable, { section: SectionOfData; offset: number }>();
  readonly #diagnostics: Diagnostics;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /** Where a global lies; it gets its place when it is first asked for. */
  place(variable: Variable): { section: SectionOfData; offset: number } {
    const known = this.#places.get(variable);
    if (known) return known;
    if (variable.extern) {
      const message = `extern '${variable.name}' is only declared: no other text is linked to this one`;
      this.#diagnostics.error(variable.at, message, "define it here, without 'extern'");
    }
    const name = variable.constant ? '.rodata' : variable.initial ? '.data' : '.bss';
    let section = this.#sections.get(name);
    if (!section) {
      section = { length: 0, variables: [] };
      this.#sections.set(name, section);
    }
    const align = Math.max(8, variable.align, alignOf(variable.type));
    const offset = Math.ceil(section.length / align) * align;
    const place = { section: name as SectionOfData, offset };
    this.#places.set(variable, place);
    const size = Math.max(sizeOf(variable.type), variable.initial?.end ?? 0);
    if (offset + size > mostBytes) this.#tooLarge(variable, name, offset + size);
    else if (section.variables.length >= mostElements) this.#tooMany(variable, name);
    else {
      section.length = offset + size;
      section.variables.push({ variable, offset });
      this.#checkInitial(variable);
    }
    return place;
  }

  #tooLarge({ name, at }: Variable, section: string, bytes: number): void {
    const message = `with '${name}' the globals of ${section} take ${bytes} bytes, and a map's value holds ${mostBytes}`;
    this.#diagnostics.error(at, message, 'keep it in a BPF_ARRAY');
  }

  #tooMany({ name, at }: Variable, section: string): void {
    const message = `'${name}' is one global more than the ${mostElements} that BTF counts in ${section}`;
    this.#diagnostics.error(at, message, 'make arrays or structs of them');
  }

  /** A section's variables in the order of their offsets. */
  placed(name: SectionOfData): readonly PlacedVariable[] {
    return this.#sections.get(name)?.variables ?? [];
  }

  #checkInitial({ name, initial }: Variable): void {
    const entry = initial?.entries.find(({ value }) => value.kind !== 'number');
    if (!entry) return;
    if (entry.type.kind === 'pointer') {
      this.#diagnostics.error(
        entry.value.at,
        `the initial value of '${name}' is an address, and BPF's data holds numbers only`,
        'index it with constants, or keep the bytes themselves: char names[2][16]',
      );
    } else {
      this.#diagnostics.error(entry.value.at, 'initializer element is not a compile-time constant');
    }
  }

  /** The sections that anything lies in. */
  *sections(): Iterable<{ name: SectionOfData; bytes: Uint8Array }> {
    for (const [name, { length, variables }] of this.#sections) {
      const bytes = new Uint8Array(length);
      for (const { variable, offset } of variables) {
        for (const entry of variable.initial?.entries ?? []) setConstant(bytes, entry, offset);
      }
      yield { name, bytes };
    }
  }
}
