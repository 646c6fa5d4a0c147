import type { BtfEnumerator } from '../../btf/index.ts';
import { isTableForm } from '../dialect/tables.ts';
import { tokenize } from '../preprocess/lexer.ts';
import { behind, type Token } from '../preprocess/token.ts';
import { findTracepoint, tracepointStruct } from '../types/kernel-types.ts';
import { layOutStruct, type MemberDeclaration } from '../types/layout.ts';
import { supplementaryStruct } from '../types/supplement.ts';
import {
  type CType,
  isComplete,
  mostBytes,
  mostElements,
  pointerTo,
  quoted,
  StructType,
  types,
} from '../types/types.ts';
import { noAttributes, parseAttributes } from './attributes.ts';
import type { Specifiers } from './declarations.ts';
import { definedBefore, type Parsing } from './parsing.ts';
import { Regions } from './regions.ts';
import { kernelStruct, relocatedBody } from './relocated.ts';
import { parseStaticAssert } from './static-assert.ts';
import { keywords, spelled } from './type-words.ts';

/**
 * Structs, unions and enums (C11 6.7.2.1 and 6.7.2.2): those that the text defines, and those that it names and the
 * kernel, a tracepoint's format or the supplement knows.
 */
export class TagParser {
  readonly #p: Parsing;
  /** Those of the text, whatever is read besides. */
  readonly #tokens: readonly Token[];
  #definitions: ReadonlySet<string> | undefined;

  constructor(parsing: Parsing) {
    this.#p = parsing;
    this.#tokens = parsing.tokens;
  }

  /** What the text itself defines: not the kernel's, where it is named before that either. */
  get #defined(): ReadonlySet<string> {
    this.#definitions ??= definedIn(this.#tokens);
    return this.#definitions;
  }

  /** struct = ('struct' | 'union') attribute* tag? ('{' member* '}')? attribute* */
  struct(): CType {
    const p = this.#p;
    const union = p.next().text === 'union';
    const attributes = noAttributes();
    parseAttributes(p, attributes);
    attributes.relocated ||= p.regions.relocated(p.at);
    const tag = p.token.kind === 'name' ? p.next() : undefined;
    if (!p.is('{')) {
      if (!tag) p.expect('{');
      return this.tagged(union, (tag as Token).text);
    }
    const own = tag && p.scope.ownTag(tag.text);
    const reusable = own?.kind === 'struct' && own.body === undefined && own.union === union;
    const type = reusable ? own : new StructType(union, tag?.text ?? '');
    if (tag && own && !reusable) p.diagnostics.error(tag, `redefinition of '${tag.text}'`);
    if (tag) p.scope.declareTag(tag.text, type);
    const brace = p.expect('{');
    const members = p.nested(() => this.#members());
    p.close('}', brace);
    parseAttributes(p, attributes);
    this.#checkCount(tag ?? brace, members.length, 'members');
    const body = layOutStruct(union, members, { ...attributes, pack: p.regions.pack(p.at) });
    if (body.size > mostBytes) {
      const message = `structure '${type.tag}' is too large, which exceeds maximum allowed size of ${mostBytes} bytes`;
      p.diagnostics.abandon(tag ?? brace, message);
    }
    if (attributes.relocated && tag) {
      type.define(relocatedBody(body, kernelStruct(p, union, tag.text)));
      this.#checkEnd(union);
      return type;
    }
    type.define(body);
    type.packet = attributes.packet;
    p.structs.push(type);
    this.#checkEnd(union);
    return type;
  }

  /** A new declaration on the line behind a struct's brace: its semicolon was forgotten. */
  #checkEnd(union: boolean): void {
    const p = this.#p;
    const { token } = p;
    const before = p.tokens[p.at - 1];
    if (!before || !token.first || token.kind !== 'name') return;
    const table = p.peek().text === '(' && isTableForm(token.text);
    if (!table && !p.declarations.startsType(token) && !keywords.has(token.text)) return;
    p.diagnostics.error(behind(before), `expected ';' after ${union ? 'union' : 'struct'}`);
    p.cut = true;
  }

  #checkCount(at: Token, count: number, what: string): void {
    if (count <= mostElements) return;
    this.#p.diagnostics.abandon(at, `${count} ${what} are more than the ${mostElements} that BTF counts`);
  }

  /** A struct or union by its tag: of the text, of the kernel, or one that stands in for it. */
  tagged(union: boolean, tag: string): CType {
    const p = this.#p;
    const known = p.scope.findTag(tag);
    if (known) return known;
    if (this.#defined.has(tag)) {
      const own = new StructType(union, tag);
      p.scope.declareTag(tag, own);
      return own;
    }
    const tracepoint = /^tracepoint__(.+)$/.exec(tag);
    const type =
      (tracepoint && this.#tracepoint(tag, tracepoint[1] as string)) ??
      p.kernel.struct(tag, union) ??
      this.#supplement(tag) ??
      new StructType(union, tag);
    p.scope.declareTag(tag, type);
    return type;
  }

  #tracepoint(tag: string, name: string): CType | undefined {
    const format = findTracepoint(this.#p.kernel.profile, name);
    if (!format) return undefined;
    return new StructType(false, tag, () => tracepointStruct(format, (text) => this.#fieldType(text)));
  }

  /** A struct that the profile lacks: its members are read as if they stood here. */
  #supplement(tag: string): CType | undefined {
    const p = this.#p;
    const text = supplementaryStruct(tag);
    if (text === undefined) return undefined;
    const tokens = tokenize({ name: `<struct ${tag}>`, text: `${text} }` }, p.diagnostics).all;
    const outer = { tokens: p.tokens, at: p.at, regions: p.regions };
    p.tokens = tokens;
    p.regions = new Regions();
    p.at = 0;
    const type = new StructType(false, tag);
    try {
      type.define(layOutStruct(false, this.#members(), noAttributes()));
    } finally {
      p.tokens = outer.tokens;
      p.regions = outer.regions;
      p.at = outer.at;
    }
    return type;
  }

  /** The type of a tracepoint's field, `const struct sock *`; undefined when it is not one. */
  #fieldType(text: string): CType | undefined {
    const words = text.replace(/\b(const|volatile|restrict|__user)\b/g, '').trim();
    const match = /^(?:(struct|union|enum) )?([\w ]+?)\s*(\**)$/.exec(words.replaceAll(' *', '*'));
    if (!match) return undefined;
    const [, kind, name = '', stars = ''] = match;
    let type: CType | undefined;
    if (kind === 'enum') type = this.#p.kernel.enum(name);
    else if (kind) type = this.tagged(kind === 'union', name);
    else {
      const key = name.split(/\s+/).toSorted().join(' ');
      type = Object.hasOwn(spelled, key) ? spelled[key] : this.#p.typeNamed(name);
    }
    for (const _ of stars) if (type) type = pointerTo(type);
    return type;
  }

  /** member = specifiers (declarator? (':' width)?) (',' …)* ';' */
  #members(): MemberDeclaration[] {
    const p = this.#p;
    const members: MemberDeclaration[] = [];
    const names = new Map<string, Token>();
    while (!p.is('}')) {
      if (p.accept(';') || parseStaticAssert(p)) continue;
      const specifiers = p.declarations.specifiers();
      if (p.accept(';')) {
        this.#unnamed(specifiers, members);
        continue;
      }
      do {
        const { name, type, attributes, constant } = p.is(':')
          ? { ...specifiers, name: undefined }
          : p.declarations.declarator(specifiers);
        const width = p.accept(':') ? Number(p.constant('the width of a bit-field')) : undefined;
        parseAttributes(p, attributes);
        if (name && !isComplete(type) && !(type.kind === 'array' && p.peek().text === '}')) {
          p.diagnostics.error(name, `field has incomplete type ${quoted(type)}`);
        }
        if (name) this.#checkName(name, names);
        const wrong = width === undefined ? undefined : wrongWidth(name?.text, type, width);
        if (wrong !== undefined) {
          p.diagnostics.error(name ?? p.token, wrong);
          continue;
        }
        const align = Math.max(attributes.align, specifiers.attributes.align);
        members.push({
          name: name?.text ?? '',
          type,
          ...(width === undefined ? {} : { width }),
          align,
          packed: attributes.packed || specifiers.attributes.packed,
          constant: constant ? name : undefined,
        });
      } while (p.accept(','));
      p.semicolon('at end of declaration list');
    }
    return members;
  }

  /** Members without a name are those of a struct without a tag that is defined there (C11 6.7.2.1p13). */
  #unnamed({ type, at }: Specifiers, members: MemberDeclaration[]): void {
    const { structs, diagnostics } = this.#p;
    if (type.kind === 'struct' && type.tag === '' && structs.at(-1) === type) members.push({ name: '', type });
    else diagnostics.warning(at, 'declaration does not declare anything');
  }

  #checkName(name: Token, names: Map<string, Token>): void {
    const earlier = names.get(name.text);
    if (earlier) {
      const notes = [definedBefore(earlier, 'previous declaration is here')];
      this.#p.diagnostics.error(name, `duplicate member '${name.text}'`, { notes });
    }
    names.set(name.text, name);
  }

  /** enum = 'enum' tag? ('{' name ('=' constant)? (',' …)* '}')? */
  enum(): CType {
    const p = this.#p;
    p.next();
    const attributes = noAttributes();
    parseAttributes(p, attributes);
    const tag = p.token.kind === 'name' ? p.next() : undefined;
    const open = p.token;
    if (!p.accept('{')) {
      if (!tag) p.expect('{');
      const { text } = tag as Token;
      return p.scope.findTag(text) ?? p.kernel.enum(text) ?? types.uint;
    }
    const values: BtfEnumerator[] = [];
    let value = 0n;
    while (!p.is('}')) {
      const name = p.name();
      parseAttributes(p, noAttributes());
      if (p.accept('=')) value = p.constant('the value of an enumerator');
      values.push({ name: name.text, value });
      p.declareOnce(name, { kind: 'enumerator', value, type: enumeratorType(value), at: name });
      value++;
      if (value > 0xffff_ffff_ffff_ffffn && p.is(',') && p.peek().kind === 'name' && p.peek(2).text !== '=') {
        const message = `incremented enumerator value ${value} is not representable in the largest integer type`;
        p.diagnostics.error(p.peek(), message);
        value = 0n;
      }
      if (!p.accept(',')) break;
    }
    const brace = p.close('}', open);
    this.#checkCount(tag ?? brace, values.length, 'enumerators');
    parseAttributes(p, attributes);
    const type: CType = {
      kind: 'int',
      name: `enum ${tag?.text ?? '(anonymous)'}`,
      ...enumLayout(values, attributes.packed),
      values,
    };
    if (tag) p.scope.declareTag(tag.text, type);
    return type;
  }
}

/** The type of an enumerator: the first that holds it, from int on. */
function enumeratorType(value: bigint): CType {
  if (value < -0x8000_0000n) return types.long;
  if (value <= 0x7fff_ffffn) return types.int;
  if (value <= 0xffff_ffffn) return types.uint;
  return value <= 0x7fff_ffff_ffff_ffffn ? types.long : types.ulong;
}

/** An enum is an int or larger; a packed one as small as its values let it be. */
function enumLayout(values: readonly BtfEnumerator[], packed: boolean): { size: 1 | 2 | 4 | 8; signed: boolean } {
  const signed = values.some((one) => one.value < 0n);
  for (const size of packed ? ([1, 2, 4] as const) : ([4] as const)) {
    const bits = BigInt(size * 8 - (signed ? 1 : 0));
    const least = signed ? -(1n << bits) : 0n;
    if (values.every(({ value }) => value >= least && value < 1n << bits)) return { size, signed };
  }
  return { size: 8, signed };
}

/** The tags of structs and unions that some tokens define. */
function definedIn(tokens: readonly Token[]): ReadonlySet<string> {
  const defined = new Set<string>();
  for (let i = 2; i < tokens.length; i++) {
    if (tokens[i]?.text !== '{') continue;
    const word = tokens[i - 2]?.text;
    if (word === 'struct' || word === 'union') defined.add((tokens[i - 1] as Token).text);
  }
  return defined;
}

/** Why a bit-field cannot be that wide, in clang's words. */
function wrongWidth(name: string | undefined, type: CType, width: number): string | undefined {
  const field = name === undefined ? 'anonymous bit-field' : `bit-field '${name}'`;
  if (type.kind !== 'int') return `${field} has non-integral type ${quoted(type)}`;
  if (width < 0) return `${field} has negative width (${width})`;
  if (width === 0 && name !== undefined) return `named ${field} has zero width`;
  const most = type.bool ? 1 : type.size * 8;
  return width > most ? `width of ${field} (${width} bits) exceeds the width of its type (${most} bits)` : undefined;
}
