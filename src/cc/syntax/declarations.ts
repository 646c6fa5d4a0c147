import type { BtfEnumerator } from '../../btf/index.ts';
import { didYouMean } from '../diagnostics.ts';
import { tokenize } from '../preprocess/lexer.ts';
import type { Token } from '../preprocess/token.ts';
import { findTracepoint, tracepointStruct } from '../types/kernel-types.ts';
import { supplementaryStruct } from '../types/supplement.ts';
import {
  type CType,
  isComplete,
  layOutStruct,
  type MemberDeclaration,
  pointerTo,
  printCType,
  StructType,
  types,
} from '../types/types.ts';
import type { Variable } from './ast.ts';
import type { Parsing } from './parsing.ts';

/** Declaration specifiers, declarators, structs and enums (C11 6.7). */
export interface Specifiers {
  readonly type: CType;
  readonly at: Token;
  readonly typedef: boolean;
  readonly static: boolean;
  readonly extern: boolean;
  readonly constant: boolean;
  readonly volatile: boolean;
  readonly user: boolean;
  readonly attributes: Attributes;
}

export interface Attributes {
  packed: boolean;
  /** bytes; 1 when nothing was said */
  align: number;
  noinline: boolean;
  user: boolean;
  section: string | undefined;
}

export interface Declarator {
  readonly name: Token | undefined;
  readonly type: CType;
  readonly parameters: Variable[] | undefined;
  readonly attributes: Attributes;
}

const qualifiers = new Set([
  'const',
  'volatile',
  'restrict',
  '__restrict',
  '__const',
  '__volatile__',
  '__volatile',
  '_Atomic',
  '__extension__',
]);
const storage = new Set([
  'typedef',
  'static',
  'extern',
  'register',
  'auto',
  '_Thread_local',
  'inline',
  '__inline',
  '__inline__',
  '_Noreturn',
]);
const basic = new Set([
  'void',
  'char',
  'short',
  'int',
  'long',
  'signed',
  'unsigned',
  '_Bool',
  '__int128',
  '__signed__',
  'float',
  'double',
]);
const starters = new Set([
  ...qualifiers,
  ...storage,
  ...basic,
  'struct',
  'union',
  'enum',
  'typeof',
  '__typeof__',
  '__typeof',
  '__attribute__',
  '_Alignas',
]);

/** The basic types by their words, sorted. */
const spelled: Readonly<Record<string, CType>> = {
  void: types.void,
  _Bool: types.bool,
  char: types.char,
  'char signed': types.schar,
  'char unsigned': types.uchar,
  short: types.short,
  'int short': types.short,
  'short signed': types.short,
  'int short signed': types.short,
  'short unsigned': types.ushort,
  'int short unsigned': types.ushort,
  int: types.int,
  signed: types.int,
  'int signed': types.int,
  unsigned: types.uint,
  'int unsigned': types.uint,
  long: types.long,
  'int long': types.long,
  'long signed': types.long,
  'int long signed': types.long,
  'long unsigned': types.ulong,
  'int long unsigned': types.ulong,
  'long long': types.llong,
  'int long long': types.llong,
  'long long signed': types.llong,
  'int long long signed': types.llong,
  'long long unsigned': types.ullong,
  'int long long unsigned': types.ullong,
  __int128: types.int128,
  '__int128 signed': types.int128,
  '__int128 unsigned': types.uint128,
};

export class DeclarationParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** Whether a declaration or a type name begins at a token. */
  startsType(token = this.#p.token): boolean {
    if (token.kind !== 'name') return false;
    if (starters.has(token.text)) return true;
    return this.#p.typeNamed(token.text) !== undefined;
  }

  /** declaration-specifiers = (storage-class | qualifier | type-specifier | attribute)+ */
  specifiers(): Specifiers {
    const p = this.#p;
    const at = p.token;
    const attributes = noAttributes();
    const words: string[] = [];
    const seen = new Set<string>();
    let type: CType | undefined;
    for (;;) {
      const { text } = p.token;
      if (p.token.kind !== 'name') break;
      if (qualifiers.has(text) || storage.has(text)) seen.add(p.next().text);
      else if (text === '__attribute__') this.attributes(attributes);
      else if (text === '_Alignas') this.#alignas(attributes);
      else if (basic.has(text)) words.push(p.next().text.replace('__signed__', 'signed'));
      else if (type || words.length > 0) break;
      else if (text === 'struct' || text === 'union') type = this.#struct();
      else if (text === 'enum') type = this.#enum();
      else if (/^(__)?typeof(__)?$/.test(text)) type = this.#typeof();
      else {
        const named = p.typeNamed(text);
        if (!named) break;
        p.next();
        type = named;
      }
    }
    return {
      type: type ?? this.#basic(words, at),
      at,
      typedef: seen.has('typedef'),
      static: seen.has('static'),
      extern: seen.has('extern'),
      constant: seen.has('const') || seen.has('__const'),
      volatile: ['volatile', '__volatile__', '__volatile'].some((word) => seen.has(word)),
      user: attributes.user,
      attributes,
    };
  }

  #basic(words: readonly string[], at: Token): CType {
    const key = words.toSorted().join(' ');
    const known = Object.hasOwn(spelled, key) ? spelled[key] : undefined;
    if (known) return known;
    if (words.includes('float') || words.includes('double')) {
      return this.#p.diagnostics.abandon(at, 'BPF has no floating point', 'scale the value and use an integer');
    }
    if (words.length > 0) return this.#p.diagnostics.abandon(at, `'${words.join(' ')}' is no type`);
    return this.unknownType(this.#p.token);
  }

  /** '_Static_assert' '(' constant (',' string)? ')' ';', when one stands here. */
  staticAssert(): boolean {
    const p = this.#p;
    if (!p.is('_Static_assert') && !p.is('static_assert')) return false;
    const at = p.next();
    p.expect('(');
    const holds = p.constant('what is asserted') !== 0n;
    const message = p.accept(',') && p.token.kind === 'string' ? p.next().text : '';
    p.expect(')');
    p.expect(';');
    if (!holds) p.diagnostics.error(at, `static assertion failed ${message}`.trim());
    return true;
  }

  unknownType(token: Token): never {
    const p = this.#p;
    const what = token.kind === 'end' ? 'the end of the text' : `'${token.text}'`;
    if (token.kind !== 'name') return p.diagnostics.abandon(token, `expected a type, not ${what}`);
    const hint = didYouMean(token.text, [...p.scope.names(), ...basic, 'u8', 'u16', 'u32', 'u64', 'struct', 'union']);
    return p.diagnostics.abandon(token, `unknown type name ${what}`, hint);
  }

  /** `__attribute__((…))`; those that mean nothing here are passed over. */
  attributes(into: Attributes): void {
    const p = this.#p;
    while (p.accept('__attribute__')) {
      p.expect('(');
      p.expect('(');
      while (!p.is(')')) {
        // The kernel's `noinline` is a macro: __attribute__((noinline)) has another within it then.
        if (p.is('__attribute__')) {
          this.attributes(into);
          p.accept(',');
          continue;
        }
        const name = p.next().text.replace(/^__(.*)__$/, '$1');
        if (name === 'packed') into.packed = true;
        if (name === 'noinline') into.noinline = true;
        if (!p.accept('(')) {
          if (!p.accept(',') && !p.is(')')) p.expect(')');
          continue;
        }
        if (name === 'aligned') into.align = Math.max(into.align, p.is(')') ? 16 : Number(p.constant('an alignment')));
        else if (name === 'address_space') into.user = p.constant('an address space') === 1n;
        else if (name === 'section' && p.token.kind === 'string') into.section = p.token.text.slice(1, -1);
        this.#skipBrackets();
        p.accept(',');
      }
      p.expect(')');
      p.expect(')');
    }
  }

  /** To behind the bracket that closes the one already read. */
  #skipBrackets(): void {
    for (let depth = 1; depth > 0; ) {
      if (this.#p.token.kind === 'end') this.#p.expect(')');
      const { text } = this.#p.next();
      depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    }
  }

  #alignas(into: Attributes): void {
    const p = this.#p;
    p.next();
    p.expect('(');
    into.align = Math.max(into.align, Number(p.constant('an alignment')));
    p.expect(')');
  }

  /** typeof = 'typeof' '(' (type-name | expression) ')' */
  #typeof(): CType {
    const p = this.#p;
    p.next();
    p.expect('(');
    const type = this.startsType() ? this.typeName() : p.expressions.expression().type;
    p.expect(')');
    return type;
  }

  /** type-name = specifiers abstract-declarator */
  typeName(): CType {
    return this.#p.nested(() => this.declarator(this.specifiers()).type);
  }

  /** struct = ('struct' | 'union') attribute* tag? ('{' member* '}')? attribute* */
  #struct(): CType {
    const p = this.#p;
    const union = p.next().text === 'union';
    const attributes = noAttributes();
    this.attributes(attributes);
    const tag = p.token.kind === 'name' ? p.next() : undefined;
    if (!p.is('{')) {
      if (!tag) p.expect('{');
      return this.#taggedStruct(union, (tag as Token).text);
    }
    const own = tag && p.scope.ownTag(tag.text);
    const reusable = own?.kind === 'struct' && own.body === undefined && own.union === union;
    const type = reusable ? own : new StructType(union, tag?.text ?? '');
    if (tag && own && !reusable) p.diagnostics.error(tag, `'${tag.text}' is defined twice`);
    if (tag) p.scope.declareTag(tag.text, type);
    p.expect('{');
    const members = p.nested(() => this.#members());
    p.expect('}');
    this.attributes(attributes);
    type.define(layOutStruct(union, members, attributes));
    p.structs.push(type);
    return type;
  }

  #taggedStruct(union: boolean, tag: string): CType {
    const p = this.#p;
    const known = p.scope.findTag(tag);
    if (known) return known;
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
    const tokens = tokenize({ name: `<struct ${tag}>`, text: `${text} }` }, p.diagnostics);
    const outer = { tokens: p.tokens, at: p.at };
    p.tokens = tokens;
    p.at = 0;
    const type = new StructType(false, tag);
    type.define(layOutStruct(false, this.#members(), noAttributes()));
    p.tokens = outer.tokens;
    p.at = outer.at;
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
    else if (kind) type = this.#taggedStruct(kind === 'union', name);
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
    while (!p.is('}')) {
      if (p.accept(';') || this.staticAssert()) continue;
      const specifiers = this.specifiers();
      if (p.accept(';')) {
        if (specifiers.type.kind === 'struct') members.push({ name: '', type: specifiers.type });
        continue;
      }
      do {
        const { name, type, attributes } = p.is(':')
          ? { name: undefined, type: specifiers.type, attributes: specifiers.attributes }
          : this.declarator(specifiers);
        const width = p.accept(':') ? Number(p.constant('the width of a bit-field')) : undefined;
        this.attributes(attributes);
        if (name && !isComplete(type) && !(type.kind === 'array' && p.peek().text === '}')) {
          p.diagnostics.error(name, `member '${name.text}' has the incomplete type '${printCType(type)}'`);
        }
        if (width !== undefined && (type.kind !== 'int' || width < 0 || width > type.size * 8)) {
          p.diagnostics.error(
            name ?? p.token,
            `a bit-field of type '${printCType(type)}' cannot be ${width} bits wide`,
          );
          continue;
        }
        const align = Math.max(attributes.align, specifiers.attributes.align);
        members.push({
          name: name?.text ?? '',
          type,
          ...(width === undefined ? {} : { width }),
          align,
          packed: attributes.packed || specifiers.attributes.packed,
        });
      } while (p.accept(','));
      p.expect(';');
    }
    return members;
  }

  /** enum = 'enum' tag? ('{' name ('=' constant)? (',' …)* '}')? */
  #enum(): CType {
    const p = this.#p;
    p.next();
    this.attributes(noAttributes());
    const tag = p.token.kind === 'name' ? p.next() : undefined;
    if (!p.accept('{')) {
      if (!tag) p.expect('{');
      const text = (tag as Token).text;
      return p.scope.findTag(text) ?? p.kernel.enum(text) ?? types.uint;
    }
    const values: BtfEnumerator[] = [];
    let value = 0n;
    while (!p.is('}')) {
      const name = p.name('the name of an enumerator');
      this.attributes(noAttributes());
      if (p.accept('=')) value = p.constant('the value of an enumerator');
      values.push({ name: name.text, value });
      const wide = value > 0x7fffffffn || value < -0x80000000n;
      p.scope.declare(name.text, { kind: 'enumerator', value, type: wide ? types.long : types.int });
      value++;
      if (!p.accept(',')) break;
    }
    p.expect('}');
    this.attributes(noAttributes());
    const wide = values.some((one) => one.value > 0xffffffffn || one.value < -0x80000000n);
    const signed = values.some((one) => one.value < 0n);
    const type: CType = {
      kind: 'int',
      name: `enum ${tag?.text ?? '(anonymous)'}`,
      size: wide ? 8 : 4,
      signed,
      values,
    };
    if (tag) p.scope.declareTag(tag.text, type);
    return type;
  }

  /** declarator = ('*' qualifier*)* (name | '(' declarator ')')? ('[' length? ']' | '(' parameters ')')* */
  declarator(specifiers: Specifiers): Declarator {
    return this.#p.nested(() => {
      const attributes = { ...noAttributes(), section: specifiers.attributes.section };
      attributes.noinline = specifiers.attributes.noinline;
      return this.#declarator(specifiers.type, specifiers.user, specifiers.volatile, attributes);
    });
  }

  #declarator(base: CType, userIn: boolean, volatileIn: boolean, attributes: Attributes): Declarator {
    const p = this.#p;
    let type = base;
    let user = userIn;
    let volatile = volatileIn;
    while (p.accept('*')) {
      type = pointerTo(type, user, volatile);
      user = false;
      volatile = false;
      for (;;) {
        if (qualifiers.has(p.token.text)) volatile ||= p.next().text === 'volatile';
        else if (p.is('__attribute__')) {
          const own = noAttributes();
          this.attributes(own);
          user ||= own.user;
        } else break;
      }
    }
    this.attributes(attributes);
    if (p.is('(') && this.#nestedDeclarator()) {
      // What stands behind the brackets belongs to the inner declarator: read it, then the inside again.
      const start = p.at;
      p.next();
      const quiet = p.at;
      this.#skipBrackets();
      const { type: outer } = this.#suffix(type, attributes);
      const end = p.at;
      p.at = quiet;
      const inner = p.nested(() => this.#declarator(outer, false, false, attributes));
      if (p.at < start) p.at = start;
      p.expect(')');
      p.at = end;
      return inner;
    }
    const name = p.token.kind === 'name' && !starters.has(p.token.text) ? p.next() : undefined;
    this.attributes(attributes);
    const { type: whole, parameters } = this.#suffix(type, attributes);
    this.attributes(attributes);
    return { name, type: whole, parameters, attributes };
  }

  #nestedDeclarator(): boolean {
    const next = this.#p.peek();
    return next.text === '*' || next.text === '(' || (next.kind === 'name' && !this.startsType(next));
  }

  #suffix(type: CType, attributes: Attributes): { type: CType; parameters: Variable[] | undefined } {
    const p = this.#p;
    if (p.accept('[')) {
      const length = p.is(']') ? undefined : this.#length();
      p.expect(']');
      const { type: element } = this.#suffix(type, attributes);
      return { type: { kind: 'array', element, length }, parameters: undefined };
    }
    if (p.is('(')) return this.#parameters(type);
    return { type, parameters: undefined };
  }

  #length(): number {
    const p = this.#p;
    const at = p.token;
    const length = p.constant('the length of an array');
    if (length < 0n || length > 0x7fffffffn) {
      p.diagnostics.error(at, `an array of ${length} elements`);
      return 1;
    }
    return Number(length);
  }

  /** parameters = ('void' | specifiers declarator (',' …)* (',' '...')?)? */
  #parameters(returns: CType): { type: CType; parameters: Variable[] } {
    const p = this.#p;
    p.expect('(');
    const list: Variable[] = [];
    let variadic = false;
    if (p.is('void') && p.peek().text === ')') p.next();
    while (!p.is(')')) {
      if (p.accept('...')) {
        variadic = true;
        break;
      }
      const specifiers = this.specifiers();
      const { name, type } = this.declarator(specifiers);
      const adjusted =
        type.kind === 'array'
          ? pointerTo(type.element, specifiers.user)
          : type.kind === 'function'
            ? pointerTo(type)
            : type;
      list.push(p.variable(name?.text ?? '', adjusted, name ?? specifiers.at));
      if (!p.accept(',')) break;
    }
    p.expect(')');
    const parameters = list.map((one) => ({ name: one.name, type: one.type }));
    return { type: { kind: 'function', returns, parameters, variadic }, parameters: list };
  }
}

export function noAttributes(): Attributes {
  return { packed: false, align: 1, noinline: false, user: false, section: undefined };
}
