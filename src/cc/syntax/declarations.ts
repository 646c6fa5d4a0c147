import type { Token } from '../preprocess/token.ts';
import { type CType, mostBytes, mostElements, pointerTo, printCType, quoted, sizeOf, types } from '../types/types.ts';
import { isAssembly } from './assembly.ts';
import type { Variable } from './ast.ts';
import { type Attributes, noAttributes, parseAlignas, parseAttributes, skipBrackets, withMode } from './attributes.ts';
import type { Parsing } from './parsing.ts';
import { Scope } from './scope.ts';
import { unknownType } from './type-names.ts';
import { basic, complex, exclusive, floating, qualifiers, spelled, starters, storage } from './type-words.ts';

/** Declaration specifiers and declarators (C11 6.7); structs and enums stand in tags.ts. */
export interface Specifiers {
  readonly type: CType;
  readonly at: Token;
  readonly typedef: boolean;
  readonly static: boolean;
  readonly inline: boolean;
  readonly extern: boolean;
  readonly constant: boolean;
  readonly volatile: boolean;
  readonly user: boolean;
  /** `__auto_type`: the type is that of the initial value. */
  readonly auto: boolean;
  readonly attributes: Attributes;
}

export interface Declarator {
  readonly name: Token | undefined;
  readonly type: CType;
  readonly parameters: Variable[] | undefined;
  readonly attributes: Attributes;
  /** What it declares is const, and not only what that points to. */
  readonly constant: boolean;
  readonly volatile: boolean;
}

type Qualified = Pick<Specifiers, 'user' | 'volatile' | 'constant'>;
const unqualified: Qualified = { user: false, volatile: false, constant: false };

/** Of pointers to pointers; what is deeper is a mistake. */
const mostLevels = 32;
/** Pointers, arrays and functions within each other, by typedefs and `typeof`. */
const deepest = 200;

export class DeclarationParser {
  readonly #p: Parsing;
  /** How many lists of parameters what is being read stands in. */
  #parameters = 0;
  readonly #levels = new Map<CType, number>();

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
      if (text === '_Atomic') type = this.#atomic() ?? type;
      else if (qualifiers.has(text) || storage.has(text)) this.#storageClass(p.next(), seen);
      else if (text === '__attribute__') parseAttributes(p, attributes);
      else if (text === '_Alignas') parseAlignas(p, attributes);
      else if (basic.has(text)) {
        if (type) this.#combined(p.token, printCType(type));
        const word = p.next().text.replace(/^__signed(__)?$/, 'signed');
        if (type || !this.#fits(word, words)) continue;
        words.push(word);
      } else if (type || words.length > 0) break;
      else if (text === '__auto_type') {
        seen.add(p.next().text);
        type = types.int;
      } else if (text === 'struct' || text === 'union') {
        type = p.tags.struct();
        if (p.cut) break;
      } else if (text === 'enum') type = p.tags.enum();
      else if (/^(__)?typeof(__)?$/.test(text)) type = this.#typeof();
      else {
        const named = p.typeNamed(text);
        if (!named) break;
        const own = p.qualifiersNamed(p.next().text);
        if (own.constant) seen.add('const');
        if (own.volatile) seen.add('volatile');
        type = named;
      }
    }
    const whole = type ?? this.#basic(words, at);
    return {
      type: withMode(p, whole, attributes),
      at,
      typedef: seen.has('typedef'),
      static: seen.has('static'),
      inline: ['inline', '__inline', '__inline__'].some((word) => seen.has(word)),
      extern: seen.has('extern'),
      constant: seen.has('const') || seen.has('__const'),
      volatile: ['volatile', '__volatile__', '__volatile'].some((word) => seen.has(word)),
      user: attributes.user,
      auto: seen.has('__auto_type'),
      attributes,
    };
  }

  /** '_Atomic' ('(' type-name ')')?: its operators are those of any other type. */
  #atomic(): CType | undefined {
    const p = this.#p;
    const at = p.next();
    const hint = 'use __sync_fetch_and_add() and its like on a plain integer';
    p.diagnostics.warning(at, `'_Atomic' makes no operator atomic on BPF`, hint);
    const open = p.token;
    if (!p.accept('(')) return undefined;
    const type = this.typeName();
    p.close(')', open);
    return type;
  }

  /** A declaration that ends behind its type: `struct a { … };`, or one that names nothing. */
  endsAlone({ type, at }: Specifiers): boolean {
    const p = this.#p;
    if (p.cut) {
      p.cut = false;
      return true;
    }
    const names = type.kind === 'struct' || (type.kind === 'int' && type.values !== undefined);
    if (p.is(';') && !names) p.diagnostics.warning(at, 'declaration does not declare anything');
    return p.accept(';');
  }

  /** Of the words that say how long something is kept, one. */
  #storageClass({ text, ...token }: Token, seen: Set<string>): void {
    const earlier = exclusive.includes(text) && exclusive.find((one) => one !== text && seen.has(one));
    if (earlier) this.#combined({ text, ...token }, earlier);
    else seen.add(text);
  }

  #combined(at: Token, earlier: string): void {
    this.#p.diagnostics.error(at, `cannot combine with previous '${earlier}' declaration specifier`);
  }

  /** Whether a word makes a type with those before it; told, when not. */
  #fits(word: string, words: readonly string[]): boolean {
    const all = [...words, word];
    if (Object.hasOwn(spelled, all.toSorted().join(' '))) return true;
    if (all.some((one) => floating.has(one) || complex.has(one))) return true;
    const at = this.#p.tokens[this.#p.at - 1] as Token;
    const last = words.filter((one) => one === 'long').length > 1 ? 'long long' : (words.at(-1) ?? '');
    this.#combined(at, last);
    return false;
  }

  #basic(words: readonly string[], at: Token): CType {
    const key = words.toSorted().join(' ');
    const known = Object.hasOwn(spelled, key) ? spelled[key] : undefined;
    if (known) return known;
    if (words.some((one) => floating.has(one))) {
      this.#p.diagnostics.error(at, 'BPF has no floating point', 'scale the value and use an integer');
      return types.long;
    }
    if (words.some((one) => one === '_Complex' || one === '__complex__')) {
      this.#p.diagnostics.abandon(at, 'BPF has no complex numbers', 'keep the two parts as integers');
    }
    if (words.length > 0) return this.#p.diagnostics.abandon(at, `'${words.join(' ')}' is no type`);
    return unknownType(this.#p, this.#p.token);
  }

  /** typeof = 'typeof' '(' (type-name | expression) ')' */
  #typeof(): CType {
    const p = this.#p;
    p.next();
    const open = p.expect('(', `after 'typeof'`);
    const type = this.startsType() ? this.typeName() : p.expressions.expression().type;
    p.close(')', open);
    return type;
  }

  /** type-name = specifiers abstract-declarator */
  typeName(): CType {
    return this.#p.nested(() => this.declarator(this.specifiers()).type);
  }

  /** declarator = ('*' qualifier*)* (name | '(' declarator ')')? ('[' length? ']' | '(' parameters ')')* */
  declarator(specifiers: Specifiers): Declarator {
    return this.#p.nested(() => {
      const attributes = { ...noAttributes(), section: specifiers.attributes.section };
      attributes.noinline = specifiers.attributes.noinline;
      attributes.gnuInline = specifiers.attributes.gnuInline;
      attributes.weak = specifiers.attributes.weak;
      if (specifiers.typedef) attributes.align = specifiers.attributes.align;
      return this.#declarator(specifiers.type, specifiers, attributes);
    });
  }

  #declarator(base: CType, qualified: Qualified, attributes: Attributes): Declarator {
    const p = this.#p;
    let type = base;
    let { user, volatile, constant } = qualified;
    for (let levels = 1; p.accept('*'); levels++) {
      if (levels > mostLevels) p.diagnostics.abandon(p.token, `a pointer of more than ${mostLevels} levels`);
      type = pointerTo(type, user, volatile, constant);
      user = false;
      volatile = false;
      constant = false;
      for (;;) {
        if (qualifiers.has(p.token.text)) {
          const { text } = p.next();
          volatile ||= text === 'volatile';
          constant ||= text === 'const';
        } else if (p.is('__attribute__')) {
          const own = noAttributes();
          parseAttributes(p, own);
          user ||= own.user;
        } else break;
      }
    }
    parseAttributes(p, attributes);
    if (p.is('(') && this.#nestedDeclarator()) {
      // What stands behind the brackets belongs to the inner declarator: read it, then the inside again.
      const start = p.at;
      p.next();
      const quiet = p.at;
      skipBrackets(p);
      const { type: outer } = this.#suffix(type, attributes);
      const end = p.at;
      p.at = quiet;
      const inner = p.nested(() => this.#declarator(outer, unqualified, attributes));
      if (p.at < start) p.at = start;
      p.close(')', p.tokens[start] as Token);
      p.at = end;
      return inner;
    }
    const name = p.token.kind === 'name' && !starters.has(p.token.text) ? p.next() : undefined;
    parseAttributes(p, attributes);
    const { type: whole, parameters } = this.#suffix(type, attributes, name);
    this.#assemblerName();
    parseAttributes(p, attributes);
    if (this.#levelsOf(whole) > deepest) {
      p.diagnostics.abandon(name ?? p.token, `this type nests more than ${deepest} deep`);
    }
    return { name, type: withMode(p, whole, attributes), parameters, attributes, constant, volatile };
  }

  /** `asm("name")`: a name for the assembler, or a register that the compiler chooses better. */
  #assemblerName(): void {
    const p = this.#p;
    if (!isAssembly(p.token.text)) return;
    p.next();
    const open = p.expect('(', `after 'asm'`);
    while (p.token.kind === 'string') p.next();
    p.close(')', open);
  }

  /** How deep pointers, arrays and functions lie within each other; those of earlier declarations are known. */
  #levelsOf(type: CType): number {
    if (type.kind !== 'pointer' && type.kind !== 'array' && type.kind !== 'function') return 0;
    const known = this.#levels.get(type);
    if (known !== undefined) return known;
    let levels = 0;
    if (type.kind === 'pointer') levels = this.#levelsOf(type.target);
    else if (type.kind === 'array') levels = this.#levelsOf(type.element);
    else {
      levels = this.#levelsOf(type.returns);
      for (const parameter of type.parameters) levels = Math.max(levels, this.#levelsOf(parameter.type));
    }
    this.#levels.set(type, levels + 1);
    return levels + 1;
  }

  #nestedDeclarator(): boolean {
    const next = this.#p.peek();
    return next.text === '*' || next.text === '(' || (next.kind === 'name' && !this.startsType(next));
  }

  #suffix(type: CType, attributes: Attributes, name?: Token): { type: CType; parameters: Variable[] | undefined } {
    const p = this.#p;
    const open = p.token;
    if (p.accept('[')) {
      const at = p.token;
      const length = this.#parameterLength() ? undefined : this.#length(name);
      p.close(']', open);
      const { type: element } = p.nested(() => this.#suffix(type, attributes, name));
      this.#checkElement(element, open, name);
      const array: CType = { kind: 'array', element, length };
      if (sizeOf(array) <= mostBytes) return { type: array, parameters: undefined };
      p.diagnostics.error(at, `array is too large (${length} elements)`);
      return { type: { ...array, length: 1 }, parameters: undefined };
    }
    if (p.is('(')) return this.#parameterList(type);
    return { type, parameters: undefined };
  }

  /**
   * The length of an array that is a parameter says nothing: `a[static 3]`, `a[const]`, `a[*]`, `a[n]`; read, and true,
   * where one or none stands here.
   */
  #parameterLength(): boolean {
    const p = this.#p;
    if (p.is(']')) return true;
    if (this.#parameters === 0) return false;
    while (qualifiers.has(p.token.text) || p.is('static')) p.next();
    if (p.is(']')) return true;
    if (p.is('*') && p.peek().text === ']') {
      p.next();
      return true;
    }
    const start = p.at;
    if (p.expressions.conditional().kind !== 'number') return true;
    p.at = start;
    return false;
  }

  /** What an array may be of. */
  #checkElement(element: CType, at: Token, name: Token | undefined): void {
    const { diagnostics } = this.#p;
    if (element.kind === 'function') {
      const declared = name ? `'${name.text}' declared as` : 'this is an';
      diagnostics.abandon(
        at,
        `${declared} array of functions of type ${quoted(element)}`,
        'BPF calls named functions only',
      );
    }
    const open = element.kind === 'array' && element.length === undefined;
    if (element.kind === 'void' || open) diagnostics.error(at, `array has incomplete element type ${quoted(element)}`);
  }

  #length(name: Token | undefined): number {
    const p = this.#p;
    const at = p.token;
    const length = p.constant('the length of an array');
    if (length >= 0n && length <= mostBytes) return Number(length);
    const declared = name ? `'${name.text}' declared as an array with` : 'array has';
    const message = length < 0n ? `${declared} a negative size` : `array is too large (${length} elements)`;
    p.diagnostics.error(at, message);
    return 1;
  }

  /** parameters = ('void' | specifiers declarator (',' …)* (',' '...')?)? */
  #parameterList(returns: CType): { type: CType; parameters: Variable[] } {
    const p = this.#p;
    const outer = p.scope;
    p.scope = new Scope(outer, true);
    this.#parameters++;
    try {
      return this.#listed(returns);
    } finally {
      p.scope = outer;
      this.#parameters--;
    }
  }

  #listed(returns: CType): { type: CType; parameters: Variable[] } {
    const p = this.#p;
    const open = p.expect('(');
    const list: Variable[] = [];
    let variadic = false;
    if (returns.kind === 'function' || returns.kind === 'array') {
      p.diagnostics.abandon(open, `function cannot return ${returns.kind} type ${quoted(returns)}`);
    }
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
      const variable = p.variable(name?.text ?? '', adjusted, name ?? specifiers.at);
      list.push(variable);
      // A later parameter may be as long as an earlier one says.
      if (name) p.scope.declare(name.text, { kind: 'variable', variable });
      if (!p.accept(',')) break;
    }
    const end = p.close(')', open);
    if (list.length > mostElements) {
      p.diagnostics.abandon(end, `${list.length} parameters are more than the ${mostElements} that BTF counts`);
    }
    const parameters = list.map((one) => ({ name: one.name, type: one.type }));
    return { type: { kind: 'function', returns, parameters, variadic }, parameters: list };
  }
}
