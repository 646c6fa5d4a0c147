import { quotedBytes } from '../../base/index.ts';
import { didYouMean } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { type CType, isAggregate, type Member, memberNames, mostBytes, quoted, sizeOf, types } from '../types/types.ts';
import type { Expression, Initializer, InitializerEntry } from './ast.ts';
import { Entries } from './entries.ts';
import type { Parsing } from './parsing.ts';

/**
 * Initialisers (C11 6.7.9), flattened to the leaves of the object with their offsets. A designator moves to another
 * place; a later entry of the same place wins.
 */
/** Values that one initialiser may hold. */
const mostEntries = 1 << 20;

interface Cursor {
  readonly type: CType;
  readonly offset: number;
}

export class InitializerParser {
  readonly #p: Parsing;
  /** A designator was met: what follows may initialise what was before. */
  #designated = false;
  /** An expression that was read to see whether it is a whole struct: the first member takes it, if not. */
  #ahead: { readonly start: number; readonly end: number; readonly value: Expression } | undefined;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /**
   * initializer = assignment-expression | '{' … '}'; the type is completed when its length was open.
   * @param name whose initialiser it is
   */
  initializer(type: CType, name?: Token): { type: CType; initial: Initializer } {
    const entries = new Entries();
    const outer = this.#designated;
    this.#designated = false;
    const end = this.#element({ type, offset: 0 }, undefined, entries, name);
    this.#designated = outer;
    const initial = { entries: entries.list() };
    if (type.kind === 'array' && type.length === undefined) {
      const length = Math.ceil(end / Math.max(1, sizeOf(type.element)));
      return { type: { ...type, length }, initial };
    }
    return { type, initial };
  }

  /** One element at a place; gives the byte behind it. */
  #element(place: Cursor, bits: Member['bits'], entries: Entries, name?: Token): number {
    const p = this.#p;
    const { type, offset } = place;
    if (type.kind === 'array' && this.#isString(type)) return this.#string(place, entries);
    if (p.is('{')) return p.nested(() => this.#list(place, bits, entries));
    const value = this.#expression();
    return this.#leaf(place, bits, value, entries, name) ?? offset + sizeOf(type);
  }

  /** An assignment expression; one that was read ahead is not read again. */
  #expression(): Expression {
    const p = this.#p;
    const { start, end, value } = this.#ahead ?? {};
    if (!value || start !== p.at) return p.expressions.assignment();
    this.#ahead = undefined;
    p.at = end as number;
    return value;
  }

  #isString(type: CType): boolean {
    const p = this.#p;
    let at = p.is('{') ? 1 : 0;
    if (p.peek(at).kind !== 'string') return false;
    while (p.peek(at).kind === 'string') at++;
    // `"text"[i]` is a character, and no text.
    return (
      ([',', '}', ';'].includes(p.peek(at).text) || p.peek(at).first) &&
      type.kind === 'array' &&
      type.element.kind === 'int' &&
      type.element.size === 1
    );
  }

  #string(place: Cursor, entries: Entries): number {
    const p = this.#p;
    const braced = p.accept('{');
    const at = p.token;
    const bytes: number[] = [];
    this.#forget(place, undefined, entries);
    while (p.token.kind === 'string') for (const byte of quotedBytes(p.next().text)) bytes.push(byte);
    bytes.push(0);
    if (braced) {
      p.accept(',');
      p.expect('}');
    }
    // The NUL at the end may be left out.
    if (place.type.kind === 'array' && place.type.length !== undefined && bytes.length - 1 > place.type.length) {
      p.diagnostics.warning(at, 'initializer-string for char array is too long');
    }
    const room = place.type.kind === 'array' ? (place.type.length ?? bytes.length) : bytes.length;
    for (let i = 0; i < Math.min(room, bytes.length); i++) {
      const value = p.typing.number(at, BigInt(bytes[i] as number), types.char);
      this.#add(entries, { offset: place.offset + i, type: types.char, bits: undefined, value });
    }
    return place.offset + Math.max(bytes.length, room);
  }

  #leaf(place: Cursor, bits: Member['bits'], value: Expression, entries: Entries, name?: Token): undefined {
    const p = this.#p;
    const at = name ?? p.spans.first(value);
    const { type, offset } = place;
    const decayed = isAggregate(type) ? value : p.typing.decay(value);
    if (type.kind === 'array') {
      const bytes = type.element.kind === 'int' && type.element.size === 1;
      const message = `array initializer must be an initializer list${bytes ? ' or string literal' : ''}`;
      p.diagnostics.error(at, message, { ranges: [p.spans.of(value)] });
    } else {
      this.#forget(place, bits, entries);
      this.#add(entries, { offset, type, bits, value: p.typing.assign(decayed, type, at, 'initializing') });
    }
    return undefined;
  }

  /** What is about to be initialised was not, or not for good. */
  #forget({ type, offset }: Cursor, bits: Member['bits'], entries: Entries): void {
    if (!this.#designated) return;
    const from = offset * 8 + (bits?.shift ?? 0);
    const to = from + (bits?.width ?? sizeOf(type) * 8);
    entries.forget(from, to);
  }

  #add(entries: Entries, entry: InitializerEntry): void {
    if (entries.added >= mostEntries) this.#p.diagnostics.abandon(this.#p.token, 'this initialiser is too long');
    entries.add(entry);
  }

  /** '{' (designator* '=')? initializer (',' …)* ','? '}' */
  #list(place: Cursor, bits: Member['bits'], entries: Entries): number {
    const p = this.#p;
    const { type } = place;
    this.#forget(place, bits, entries);
    const open = p.expect('{');
    let end = place.offset;
    if (type.kind !== 'struct' && type.kind !== 'array') {
      if (!p.is('}')) end = this.#element(place, bits, entries);
    } else end = this.#elements(place, type, entries, true);
    p.accept(',');
    if (!p.is('}')) this.#excess(type, open);
    p.close('}', open);
    return end;
  }

  /** Values that nothing takes are told of once, and read. */
  #excess(type: CType, open: Token): void {
    const p = this.#p;
    const what = type.kind === 'array' ? 'array' : type.kind !== 'struct' ? 'scalar' : type.union ? 'union' : 'struct';
    const before = p.tokens[p.at - 1]?.text;
    if (before !== ',' && p.tokens[p.at - 1] !== open) p.close('}', open);
    p.diagnostics.warning(p.token, `excess elements in ${what} initializer`);
    do {
      if (p.is('}')) return;
      if (p.is('{')) p.nested(() => this.#list({ type: types.int, offset: 0 }, undefined, new Entries()));
      else p.expressions.assignment();
    } while (p.accept(','));
  }

  /** The elements of a struct or array in order, until the list or (without braces) the object ends. */
  #elements(
    place: Cursor,
    type: Extract<CType, { kind: 'struct' | 'array' }>,
    entries: Entries,
    braces: boolean,
  ): number {
    const p = this.#p;
    let index = 0;
    let end = place.offset;
    while (!p.is('}') && p.token.kind !== 'end') {
      let member: Cursor & { bits: Member['bits']; readonly copies?: number };
      if (braces && (p.is('.') || p.is('['))) {
        this.#designated = true;
        const designated = this.#designator(place);
        index = designated.next;
        member = designated;
      } else if (braces && p.token.kind === 'name' && p.peek().text === ':' && type.kind === 'struct') {
        const name = p.next();
        p.next();
        const designated = this.#named(place, name.text);
        index = designated.next;
        member = designated;
        end = Math.max(end, this.#inner(member, entries));
        if (!p.accept(',')) break;
        continue;
      } else {
        const next = this.#at(place, type, index);
        if (!next) break;
        member = next;
        index++;
      }
      end = Math.max(end, this.#inner(member, entries));
      if (member.copies !== undefined) end += this.#repeat(member, member.copies, entries);
      if (!braces && !this.#at(place, type, index)) break;
      if (!p.is(',') || (!braces && (p.peek().text === '.' || p.peek().text === '['))) break;
      if (braces || this.#at(place, type, index)) p.next();
    }
    return end;
  }

  /** Gives the elements that follow what the first got; how many bytes they take. */
  #repeat(first: Cursor, copies: number, entries: Entries): number {
    const { type, offset } = first;
    const size = sizeOf(type);
    const own = entries.within(offset * 8, (offset + size) * 8);
    if (own.length * copies > mostEntries) this.#p.diagnostics.abandon(this.#p.token, 'this initialiser is too long');
    this.#forget(
      { type: { kind: 'array', element: type, length: copies - 1 }, offset: offset + size },
      undefined,
      entries,
    );
    for (let copy = 1; copy < copies; copy++) {
      for (const entry of own) this.#add(entries, { ...entry, offset: entry.offset + copy * size });
    }
    return size * (copies - 1);
  }

  #at(place: Cursor, type: CType, index: number): (Cursor & { bits: Member['bits'] }) | undefined {
    if (type.kind === 'array') {
      if (type.length !== undefined && index >= type.length) return undefined;
      return { type: type.element, offset: place.offset + index * sizeOf(type.element), bits: undefined };
    }
    if (type.kind !== 'struct' || (type.union && index > 0)) return undefined;
    const member = type.body?.members[index];
    return member && { type: member.type, offset: place.offset + member.offset, bits: member.bits };
  }

  /** An element whose braces may be left out. */
  #inner(member: Cursor & { bits: Member['bits'] }, entries: Entries): number {
    const p = this.#p;
    const { type } = member;
    if (p.is('{') || (type.kind !== 'struct' && type.kind !== 'array') || this.#isString(type)) {
      return this.#element(member, member.bits, entries);
    }
    if (type.kind === 'struct') {
      const start = p.at;
      const value = this.#expression();
      if (value.type.kind === 'struct') {
        this.#leaf(member, undefined, value, entries);
        return member.offset + sizeOf(type);
      }
      this.#ahead = { start, end: p.at, value };
      p.at = start;
    }
    return p.nested(() => this.#elements(member, type, entries, false));
  }

  /** designator = ('.' name | '[' constant ('...' constant)? ']')+ '='; `copies` elements take what follows. */
  #designator(place: Cursor): Cursor & { bits: Member['bits']; next: number; copies: number } {
    const p = this.#p;
    let at: Cursor & { bits: Member['bits'] } = { ...place, bits: undefined };
    let next: number | undefined;
    let copies = 1;
    while (p.is('.') || p.is('[')) {
      let index = 0;
      if (p.accept('.')) {
        const found = this.#named(at, p.name().text);
        at = found;
        index = found.next;
      } else {
        const { number, last } = this.#index(at.type);
        copies = last - number + 1;
        const { element } = at.type as Extract<CType, { kind: 'array' }>;
        at = { type: element, offset: at.offset + number * sizeOf(element), bits: undefined };
        index = number + copies;
      }
      next ??= index;
    }
    p.expect('=', 'or another designator');
    return { ...at, next: next ?? 0, copies };
  }

  /** '[' constant ('...' constant)? ']' within an array */
  #index(type: CType): { number: number; last: number } {
    const p = this.#p;
    const open = p.expect('[');
    const at = p.token;
    const number = Number(p.constant('an index'));
    const lastAt = p.peek();
    const last = p.accept('...') ? Number(p.constant('an index')) : number;
    p.close(']', open);
    if (type.kind !== 'array') {
      return p.diagnostics.abandon(open, `array designator cannot initialize non-array type ${quoted(type)}`);
    }
    const { length = mostBytes } = type;
    if (number < 0) p.diagnostics.abandon(at, `array designator value '${number}' is negative`);
    if (last < number) p.diagnostics.abandon(at, `array designator range [${number}, ${last}] is empty`);
    if (last >= length) {
      p.diagnostics.abandon(
        last === number ? at : lastAt,
        `array designator index (${last}) exceeds array bounds (${length})`,
      );
    }
    return { number, last };
  }

  #named(place: Cursor, name: string): Cursor & { bits: Member['bits']; next: number } {
    const p = this.#p;
    const { type } = place;
    const member = type.kind === 'struct' ? type.member(name) : undefined;
    if (type.kind !== 'struct' || !member) {
      const hint = type.kind === 'struct' ? didYouMean(name, memberNames(type)) : undefined;
      return p.diagnostics.abandon(
        p.tokens[p.at - 1] ?? p.token,
        type.kind === 'struct'
          ? `field designator '${name}' does not refer to any field in type ${quoted(type)}`
          : `field designator cannot initialize a non-struct, non-union type ${quoted(type)}`,
        hint,
      );
    }
    return { type: member.type, offset: place.offset + member.offset, bits: member.bits, next: member.index + 1 };
  }
}
