import type { Token } from '../preprocess/token.ts';
import type { CType, StructType } from '../types/types.ts';
import type { FunctionObject, TableObject, Variable } from './ast.ts';

/** What a name means, block by block. Struct, union and enum tags have a name space of their own. */
export type Named =
  | { readonly kind: 'variable'; readonly variable: Variable }
  | {
      readonly kind: 'typedef';
      readonly type: CType;
      readonly at: Token;
      readonly constant?: boolean;
      readonly volatile?: boolean;
    }
  | { readonly kind: 'enumerator'; readonly value: bigint; readonly type: CType; readonly at: Token }
  | { readonly kind: 'function'; readonly function: FunctionObject }
  | { readonly kind: 'table'; readonly table: TableObject };

/** Where a name got its meaning. */
export function placeOf(meaning: Named): Token {
  switch (meaning.kind) {
    case 'variable':
      return meaning.variable.at;
    case 'function':
      return meaning.function.at;
    case 'table':
      return meaning.table.at;
    default:
      return meaning.at;
  }
}

export class Scope {
  readonly parent: Scope | undefined;
  readonly #names = new Map<string, Named>();
  #labels: Map<string, string> | undefined;
  readonly #ofNames: boolean;
  readonly #tags = new Map<string, StructType | CType>();

  /** @param ofNames a list of parameters, where a tag that is first named is one of the scope around it */
  constructor(parent?: Scope, ofNames = false) {
    this.parent = parent;
    this.#ofNames = ofNames;
  }

  declare(name: string, meaning: Named): void {
    this.#names.set(name, meaning);
  }

  own(name: string): Named | undefined {
    return this.#names.get(name);
  }

  find(name: string): Named | undefined {
    for (let at: Scope | undefined = this; at; at = at.parent) {
      const found = at.#names.get(name);
      if (found) return found;
    }
    return undefined;
  }

  declareTag(tag: string, type: CType): void {
    if (this.#ofNames && this.parent) this.parent.declareTag(tag, type);
    else this.#tags.set(tag, type);
  }

  ownTag(tag: string): CType | undefined {
    if (this.#ofNames && this.parent) return this.parent.ownTag(tag);
    return this.#tags.get(tag);
  }

  findTag(tag: string): CType | undefined {
    for (let at: Scope | undefined = this; at; at = at.parent) {
      const found = at.#tags.get(tag);
      if (found) return found;
    }
    return undefined;
  }

  /** `__label__ NAME;`: within the block the label is another than that of its name elsewhere. */
  declareLabel(name: string, own: string): void {
    this.#labels ??= new Map();
    this.#labels.set(name, own);
  }

  /** What the label of that name is called for good. */
  labelNamed(name: string): string {
    for (let at: Scope | undefined = this; at; at = at.parent) {
      const own = at.#labels?.get(name);
      if (own !== undefined) return own;
    }
    return name;
  }

  /** All names that can be seen from here. */
  *names(): Iterable<string> {
    for (let at: Scope | undefined = this; at; at = at.parent) yield* at.#names.keys();
  }

  *tags(): Iterable<string> {
    for (let at: Scope | undefined = this; at; at = at.parent) yield* at.#tags.keys();
  }
}
