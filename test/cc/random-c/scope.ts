import type { Random } from '../../../src/base/index.ts';
import type { Scalar, Sequence, Shape, Struct } from './shapes.ts';

/**
 * What the statement at hand may name. A pointer knows only of what was there before it, so that what it points to
 * lives at least as long as it does, and nothing points back.
 */
export interface Variable {
  readonly name: string;
  readonly type: Shape | Pointer;
  readonly writable: boolean;
  /** A pointer to it may be taken. */
  readonly addressable: boolean;
}

export interface Pointer {
  readonly kind: 'pointer';
  /** What it points to, through all its levels. */
  readonly target: Shape;
  readonly levels: 1 | 2;
  /** How many variables there were before it. */
  readonly before: number;
  readonly writable: boolean;
  /** It points to fixed places only. */
  readonly fixed: boolean;
}

/** An lvalue: its text, its type, whether `&` and `=` may be applied. */
export interface Place {
  readonly text: string;
  readonly type: Shape;
  readonly writable: boolean;
  readonly addressable: boolean;
  /** No variable tells where it lies. On the stack, atomic operations work only there. */
  readonly fixed: boolean;
  readonly width?: number;
}

export class Scope {
  readonly #r: Random;
  variables: Variable[] = [];
  /** A text for an index below a power of two. */
  readonly #index: (length: number) => string;

  constructor(random: Random, index: (length: number) => string) {
    this.#r = random;
    this.#index = index;
  }

  add(variable: Variable): void {
    this.variables.push(variable);
  }

  /** What is declared in a block is gone behind it. */
  inside<T>(run: () => T): T {
    const count = this.variables.length;
    const result = run();
    this.variables.length = count;
    return result;
  }

  /** Runs with other variables only: those of another function. */
  apart<T>(keep: (one: Variable) => boolean, run: () => T): T {
    const own = this.variables;
    this.variables = own.filter(keep);
    const result = run();
    this.variables = own;
    return result;
  }

  /** A random place that fits, or undefined when luck does not find one. */
  place(fits: (place: Place) => boolean, limit = this.variables.length): Place | undefined {
    for (let attempt = 0; attempt < 12 && limit > 0; attempt++) {
      const variable = this.variables[this.#r.int(0, limit - 1)] as Variable;
      const found = this.#walk(this.#enter(variable), fits);
      if (found) return found;
    }
    return undefined;
  }

  /** Pointers that may be pointed elsewhere, with what is a place for their value. */
  pointers(): { readonly text: string; readonly type: Pointer }[] {
    return this.variables.flatMap(({ name, type }) =>
      type.kind === 'pointer' ? [{ text: type.levels === 2 ? `(*${name})` : name, type }] : [],
    );
  }

  #enter({ name, type, writable, addressable }: Variable): Place {
    if (type.kind !== 'pointer') return { text: name, type, writable, addressable, fixed: true };
    return {
      text: `(*${'*'.repeat(type.levels - 1)}${name})`,
      type: type.target,
      writable: type.writable,
      addressable: true,
      fixed: type.fixed,
    };
  }

  /** Goes into members and elements, and stops where it fits. */
  #walk(place: Place, fits: (place: Place) => boolean): Place | undefined {
    const { type } = place;
    if (fits(place) && (type.kind === 'scalar' || this.#r.chance(0.7))) return place;
    if (type.kind === 'struct') return this.#walk(this.#member(place, type), fits);
    if (type.kind === 'array') return this.#walk(this.#element(place, type), fits);
    return undefined;
  }

  #member(place: Place, struct: Struct): Place {
    const { name, type, width } = this.#r.pick(struct.fields);
    const through = /^\(\*(\w+)\)$/.exec(place.text);
    const text = through && this.#r.chance(0.7) ? `${through[1]}->${name}` : `${place.text}.${name}`;
    const addressable = place.addressable && !struct.packed && width === undefined;
    const { writable, fixed } = place;
    return { text, type, writable, addressable, fixed, ...(width === undefined ? {} : { width }) };
  }

  #element(place: Place, { element, length }: Sequence): Place {
    const constant = this.#r.chance(0.5);
    const index = constant ? `${this.#r.int(0, length - 1)}` : this.#index(length);
    const plain = /^\w+$/.test(place.text);
    const text = plain && this.#r.chance(0.1) ? `(*(${place.text} + ${index}))` : `${place.text}[${index}]`;
    return { ...place, text, type: element, fixed: place.fixed && constant };
  }
}

export const isScalar = (place: Place): place is Place & { readonly type: Scalar } => place.type.kind === 'scalar';
