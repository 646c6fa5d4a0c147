import { nearestHint } from '../base/index.ts';
import { type MapType, mapTypes } from '../uapi/index.ts';
import { evaluate } from './expression.ts';
import {
  type FieldDeclaration,
  type FieldType,
  fieldTypes,
  layOut,
  namedFieldType,
  type StructLayout,
  sizeOfType,
} from './layout.ts';
import type { Source, SourceLine, Token } from './source.ts';
import type { MapSpec } from './spec.ts';
import type { Symbols } from './symbols.ts';

/**
 * The lines that begin with a point: they declare what the instructions use. One function each, the grammar rule above
 * it; all of them together stand in assemble-object.ts.
 */

/** Words of the instruction syntax, which no constant may take. */
const reservedForm =
  /^([rw]\d+|[us](8|16|32|64)|[bl]e(16|32|64)|bswap(16|32|64)|goto|gotol|may_goto|if|call|callx|exit|ll|lock|s|args|sizeof|char|map)$/;

/** A cursor over the tokens of one line. */
export class DirectiveLine {
  readonly source: Source;
  readonly line: SourceLine;
  readonly tokens: readonly Token[];
  readonly symbols: Symbols;
  at = 1;

  constructor(source: Source, line: SourceLine, tokens: readonly Token[], symbols: Symbols) {
    this.source = source;
    this.line = line;
    this.tokens = tokens;
    this.symbols = symbols;
  }

  get next(): Token | undefined {
    return this.tokens[this.at];
  }

  fault(message: string, details: { expected?: string; hint?: string } = {}, token = this.next): never {
    return this.source.fault(this.line, token?.start ?? this.line.code.trimEnd().length, message, details);
  }

  expect(expected: string, accepts: (token: Token) => boolean): Token {
    const token = this.next;
    if (!token || !accepts(token)) {
      return this.fault(token ? `'${token.text}' does not fit here` : 'the line ends too early', { expected });
    }
    this.at++;
    return token;
  }

  sign(text: string): void {
    this.expect(`'${text}'`, (token) => token.text === text);
  }

  takes(text: string): boolean {
    if (this.next?.text !== text) return false;
    this.at++;
    return true;
  }

  name(what: string): string {
    return this.expect(what, (token) => token.kind === 'name' && !token.text.includes('.')).text;
  }

  /** A name that is new in this file; one that stands by itself in instructions is no word of their language. */
  newName(what: string, alone = true): string {
    const token = this.next;
    const name = this.name(what);
    if (alone ? reservedForm.test(name) : name === 'args')
      this.fault(`'${name}' is a word of the language`, { expected: 'another name' }, token);
    const { constants, structs, locals } = this.symbols;
    if (constants.has(name) || structs.has(name) || locals.has(name)) {
      this.fault(`'${name}' is declared twice`, {}, token);
    }
    return name;
  }

  string(what: string): string {
    return this.expect(`${what} in double quotes`, (token) => token.kind === 'string').text.slice(1, -1);
  }

  number(what: string): bigint {
    const found = evaluate(this.tokens, this.at, this.symbols.on(this.line));
    if (!found) return this.fault(`${what} is missing`, { expected: 'a number, a constant, or an expression of them' });
    this.at = found.next;
    return found.value;
  }

  size(what: string, most: number): number {
    const token = this.next;
    const value = this.number(what);
    if (value < 0n || value > BigInt(most)) {
      this.fault(`${what} is out of range: ${value}`, { expected: `0 to ${most}` }, token);
    }
    return Number(value);
  }

  end(): void {
    if (this.next) this.fault(`'${this.next.text}' is too much on this line`);
  }
}

/** license = ".license" string */
export function parseLicense(line: DirectiveLine): string {
  const license = line.string('a license');
  line.end();
  return license;
}

/** constant = ".equ" name "," expression */
export function parseConstant(line: DirectiveLine): { readonly name: string; readonly value: bigint } {
  const name = line.newName('the name of the constant');
  line.sign(',');
  const value = line.number('the value');
  line.end();
  return { name, value };
}

/** section = ".section" string */
export function parseSectionDirective(line: DirectiveLine): string {
  const section = line.string('a section');
  line.end();
  return section;
}

const attributes = ['key', 'value', 'entries', 'flags'] as const;

/** What a map of this type has when its line does not say; 0 entries of a perf_event_array are one for each CPU. */
const defaults: Partial<
  Record<MapType, { readonly key?: number; readonly value?: number; readonly entries?: number }>
> = {
  array: { key: 4 },
  percpu_array: { key: 4 },
  perf_event_array: { key: 4, value: 4, entries: 0 },
  // 127 is PERF_MAX_STACK_DEPTH, 8 bytes a frame.
  stack_trace: { key: 4, value: 127 * 8 },
};

/**
 * map  = ".map" name "," type { "," attribute "=" what }
 * type = "hash" | "array" | …                            as in mapTypes
 * what = expression | struct | "u8" … "s64"              a type for key and value: its size
 */
export function parseMap(line: DirectiveLine): MapSpec {
  const name = line.newName('the name of the map');
  line.sign(',');
  const typeToken = line.next;
  const type = line.name('a map type');
  if (!isMapType(type)) {
    return line.fault(`there is no map type '${type}'`, { ...nearestHint(type, Object.keys(mapTypes)) }, typeToken);
  }
  const given: Partial<Record<(typeof attributes)[number], { size: number; type: FieldType | undefined }>> = {};
  while (line.takes(',')) {
    const token = line.next;
    const attribute = attributes.find((candidate) => candidate === token?.text);
    if (!attribute) return line.fault(`a map has no '${token?.text ?? ''}'`, { expected: attributes.join(', ') });
    if (given[attribute]) return line.fault(`'${attribute}' is given twice`);
    line.at++;
    line.sign('=');
    const named = attribute === 'key' || attribute === 'value' ? typeNamed(line) : undefined;
    given[attribute] = { size: named ? sizeOfType(named) : line.size(attribute, 0xffffffff), type: named };
  }
  line.end();
  const fallback = defaults[type] ?? {};
  const need = (attribute: 'key' | 'value' | 'entries'): number =>
    given[attribute]?.size ??
    fallback[attribute] ??
    line.fault(`map ${name} does not say its ${attribute}`, { expected: `${attribute}=…` });
  return {
    name,
    type,
    keySize: need('key'),
    valueSize: need('value'),
    maxEntries: need('entries'),
    flags: given.flags?.size ?? 0,
    key: given.key?.type,
    value: given.value?.type,
  };
}

function isMapType(name: string): name is MapType {
  return Object.hasOwn(mapTypes, name) && name !== 'unspec';
}

function typeNamed(line: DirectiveLine): FieldType | undefined {
  const { next } = line;
  const type = next && typeOf(next.text, line.symbols);
  if (type) line.at++;
  return type;
}

function typeOf(name: string, symbols: Symbols): FieldType | undefined {
  const struct = symbols.structs.get(name);
  return struct ? { kind: 'struct', struct } : namedFieldType(name);
}

/** struct = ".struct" name newline { field newline } ".end" */
export class StructReader {
  readonly name: string;
  readonly opened: SourceLine;
  readonly #fields: FieldDeclaration[] = [];

  constructor(line: DirectiveLine) {
    this.name = line.newName('the name of the struct', false);
    this.opened = line.line;
    line.end();
  }

  /** field = type name [ "[" expression "]" ] */
  field(line: DirectiveLine): void {
    line.at = 0;
    const token = line.next;
    const typeName = line.name('a type');
    const type = typeOf(typeName, line.symbols);
    if (!type) {
      const names = [...Object.keys(fieldTypes), ...line.symbols.structs.keys()];
      const expected = `one of ${names.join(', ')}`;
      throw line.fault(`there is no type '${typeName}'`, { expected, ...nearestHint(typeName, names) }, token);
    }
    const named = line.next;
    const name = line.name('the name of the field');
    if (this.#fields.some((field) => field.name === name)) line.fault(`field '${name}' is there twice`, {}, named);
    let length = 0;
    if (line.takes('[')) {
      length = line.size('the length', 65536);
      line.sign(']');
    }
    line.end();
    this.#fields.push({ name, type, length });
  }

  close(line: DirectiveLine): StructLayout {
    line.end();
    if (this.#fields.length === 0) line.fault(`struct ${this.name} has no fields`, {}, line.tokens[0]);
    return layOut(this.name, this.#fields);
  }
}

/** BPF stack of one frame, in bytes (MAX_BPF_STACK, include/linux/filter.h). */
const frameSize = 512;

/**
 * Places what a program keeps on its frame: downward from r10, 8-byte aligned.
 *
 * local = ".local" name "," ( struct | expression )
 */
export function parseLocal(line: DirectiveLine, used: number): { readonly name: string; readonly used: number } {
  const token = line.next;
  const name = line.newName('the name of the local');
  line.sign(',');
  const type = typeNamed(line);
  const size = type ? sizeOfType(type) : line.size('its size', frameSize);
  line.end();
  const grown = used + Math.ceil(size / 8) * 8;
  if (grown > frameSize) {
    line.fault(`the locals take ${grown} bytes and a frame has ${frameSize}`, { hint: 'keep it in a map' }, token);
  }
  line.symbols.locals.set(name, { offset: -grown, struct: type?.kind === 'struct' ? type.struct : undefined });
  return { name, used: grown };
}
