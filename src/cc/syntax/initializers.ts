import { didYouMean } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import {
  type CType,
  isAggregate,
  type Member,
  memberNames,
  mostBytes,
  quoted,
  sameType,
  sizeOf,
  types,
} from '../types/types.ts';
import type { Expression, Initializer, InitializerEntry } from './ast.ts';
import { Entries } from './entries.ts';
import { stringLiteral, stringWidthAt } from './literals.ts';
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

/** An element that a designator names. */
interface Designated extends Cursor {
  readonly bits: Member['bits'];
  /** The element behind it, or behind the last that takes the value. */
  readonly next: number;
  readonly copies: number;
  /** Nothing but the value stands behind it. */
  readonly ends: boolean;
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
    const initial = { entries: entries.list(), end };
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
    const width = stringWidthAt(p, at);
    while (p.peek(at).kind === 'string') at++;
    // `"text"[i]` is a character, and no text.
    return (
      ([',', '}', ';'].includes(p.peek(at).text) || p.peek(at).first) &&
      type.kind === 'array' &&
      type.element.kind === 'int' &&
      type.element.size === width
    );
  }

  #string(place: Cursor, entries: Entries): number {
    const p = this.#p;
    const braced = p.accept('{');
    const at = p.token;
    this.#forget(place, undefined, entries);
    const { bytes, type: text } = stringLiteral(p);
    const { element, length = 0 } = text as Extract<CType, { kind: 'array' }>;
    if (braced) {
      p.accept(',');
      p.expect('}');
    }
    const room = place.type.kind === 'array' ? (place.type.length ?? length) : length;
    // The NUL at the end may be left out.
    if (length - 1 > room) p.diagnostics.warning(at, 'initializer-string for char array is too long');
    const width = sizeOf(element);
    for (let i = 0; i < Math.min(room, length); i++) {
      const value = p.typing.number(at, littleEndian(bytes, i * width, width), element);
      this.#add(entries, { offset: place.offset + i * width, type: element, bits: undefined, value });
    }
    return place.offset + room * width;
  }

  /** One value; gives the byte behind it where that is not its type's end. */
  #leaf(place: Cursor, bits: Member['bits'], value: Expression, entries: Entries, name?: Token): number | undefined {
    const p = this.#p;
    const at = name ?? p.spans.first(value);
    const { type, offset } = place;
    if (value.kind === 'literal' && isOf(type, value.type)) return this.#copied(place, value, entries);
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

  /** A compound literal of that type: what it holds is what the object holds. */
  #copied(place: Cursor, { variable, type }: Extract<Expression, { kind: 'literal' }>, entries: Entries): number {
    this.#forget({ ...place, type }, undefined, entries);
    for (const entry of variable.initial?.entries ?? []) {
      this.#add(entries, { ...entry, offset: entry.offset + place.offset });
    }
    return place.offset + sizeOf(type);
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
    } else end = this.#elements(place, type, entries, 'braces');
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

  /**
   * The elements of a struct or array in order, until the list or (without braces) the object ends.
   * @param how within braces of its own, or behind a designator that goes into it
   */
  #elements(
    place: Cursor,
    type: Extract<CType, { kind: 'struct' | 'array' }>,
    entries: Entries,
    how: 'braces' | 'bare' | 'designated' | 'once',
  ): number {
    const p = this.#p;
    const braces = how === 'braces';
    let designated = how === 'designated' || how === 'once';
    let index = 0;
    let end = place.offset;
    while (designated || (!p.is('}') && p.token.kind !== 'end')) {
      const step =
        designated || (braces && this.#isDesignator()) ? this.#designator(place) : this.#at(place, type, index);
      if (!step) break;
      index = 'next' in step ? step.next : index + 1;
      end = Math.max(end, 'next' in step ? this.#designee(step, entries) : this.#inner(step, entries));
      designated = false;
      if (how === 'once' || (!braces && !this.#at(place, type, index))) break;
      if (!p.is(',') || (!braces && this.#isDesignator(1))) break;
      if (braces || this.#at(place, type, index)) p.next();
    }
    return end;
  }

  /** `.name`, `[index]`, and the `name:` of old. */
  #isDesignator(distance = 0): boolean {
    const { kind, text } = this.#p.peek(distance);
    return text === '.' || text === '[' || (kind === 'name' && this.#p.peek(distance + 1).text === ':');
  }

  /** What a designator leads to; gives the byte behind it. */
  #designee(step: Designated, entries: Entries): number {
    const p = this.#p;
    const { type, copies } = step;
    let end: number;
    if (!step.ends && this.#isDesignator()) {
      if (type.kind !== 'struct' && type.kind !== 'array') return this.#wrongDesignator(type);
      end = this.#elements(step, type, entries, copies > 1 ? 'once' : 'designated');
    } else {
      // GNU's old `[1] 5` has no sign between them.
      if (!step.ends && (p.tokens[p.at - 1]?.text !== ']' || p.is('='))) p.expect('=', 'or another designator');
      end = this.#inner(step, entries);
    }
    return copies > 1 ? end + this.#repeat(step, copies, entries) : end;
  }

  #wrongDesignator(type: CType): never {
    const { diagnostics, token } = this.#p;
    const what = token.text === '[' ? 'array designator' : 'field designator';
    const wanted = token.text === '[' ? 'non-array' : 'a non-struct, non-union';
    return diagnostics.abandon(token, `${what} cannot initialize ${wanted} type ${quoted(type)}`);
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
    return p.nested(() => this.#elements(member, type, entries, 'bare'));
  }

  /** designator = '.' name | '[' constant ('...' constant)? ']' | name ':'; `copies` elements take what follows. */
  #designator(place: Cursor): Designated {
    const p = this.#p;
    this.#designated = true;
    if (!p.is('[')) {
      const start = p.at;
      const ends = !p.accept('.');
      const name = p.name().text;
      const found = this.#named(place, name);
      if (ends) p.next();
      // Of an anonymous member the name is looked for once more, within it.
      if (found.within) p.at = start;
      return { ...found, copies: 1, ends: ends && !found.within };
    }
    const { number, last } = this.#index(place.type);
    const { element } = place.type as Extract<CType, { kind: 'array' }>;
    const offset = place.offset + number * sizeOf(element);
    return { type: element, offset, bits: undefined, next: last + 1, copies: last - number + 1, ends: false };
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

  /** The member with a name, or the anonymous one that it is `within`. */
  #named(place: Cursor, name: string): Cursor & { bits: Member['bits']; next: number; within: boolean } {
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
    const { index } = member;
    const outer = type.body?.members[index] ?? member;
    const offset = place.offset + outer.offset;
    return { type: outer.type, offset, bits: outer.bits, next: index + 1, within: outer.name !== name };
  }
}

/** Whether an object of one type may be begun by another's value: an array of open length by any of its elements. */
function isOf(type: CType, value: CType): boolean {
  if (type.kind === 'array' && type.length === undefined && value.kind === 'array') {
    return sameType(type.element, value.element);
  }
  return (type.kind === 'array' || type.kind === 'struct') && sameType(type, value);
}

/** The unit of a text at a byte. */
function littleEndian(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value;
}
