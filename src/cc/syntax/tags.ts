import type { BtfEnumerator } from '../../btf/index.ts';
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
import { noAttributes, parseAttributes } from './attributes.ts';
import type { Parsing } from './parsing.ts';
import { spelled } from './type-words.ts';

/**
 * Structs, unions and enums (C11 6.7.2.1 and 6.7.2.2): those that the text defines, and those that it names and the
 * kernel, a tracepoint's format or the supplement knows.
 */
export class TagParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** struct = ('struct' | 'union') attribute* tag? ('{' member* '}')? attribute* */
  struct(): CType {
    const p = this.#p;
    const union = p.next().text === 'union';
    const attributes = noAttributes();
    parseAttributes(p, attributes);
    const tag = p.token.kind === 'name' ? p.next() : undefined;
    if (!p.is('{')) {
      if (!tag) p.expect('{');
      return this.tagged(union, (tag as Token).text);
    }
    const own = tag && p.scope.ownTag(tag.text);
    const reusable = own?.kind === 'struct' && own.body === undefined && own.union === union;
    const type = reusable ? own : new StructType(union, tag?.text ?? '');
    if (tag && own && !reusable) p.diagnostics.error(tag, `'${tag.text}' is defined twice`);
    if (tag) p.scope.declareTag(tag.text, type);
    p.expect('{');
    const members = p.nested(() => this.#members());
    p.expect('}');
    parseAttributes(p, attributes);
    type.define(layOutStruct(union, members, attributes));
    type.packet = attributes.packet;
    p.structs.push(type);
    return type;
  }

  /** A struct or union by its tag: of the text, of the kernel, or one that stands in for it. */
  tagged(union: boolean, tag: string): CType {
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
    try {
      type.define(layOutStruct(false, this.#members(), noAttributes()));
    } finally {
      p.tokens = outer.tokens;
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
    while (!p.is('}')) {
      if (p.accept(';') || p.declarations.staticAssert()) continue;
      const specifiers = p.declarations.specifiers();
      if (p.accept(';')) {
        if (specifiers.type.kind === 'struct') members.push({ name: '', type: specifiers.type });
        continue;
      }
      do {
        const { name, type, attributes } = p.is(':')
          ? { name: undefined, type: specifiers.type, attributes: specifiers.attributes }
          : p.declarations.declarator(specifiers);
        const width = p.accept(':') ? Number(p.constant('the width of a bit-field')) : undefined;
        parseAttributes(p, attributes);
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
  enum(): CType {
    const p = this.#p;
    p.next();
    parseAttributes(p, noAttributes());
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
      parseAttributes(p, noAttributes());
      if (p.accept('=')) value = p.constant('the value of an enumerator');
      values.push({ name: name.text, value });
      const wide = value > 0x7fffffffn || value < -0x80000000n;
      p.scope.declare(name.text, { kind: 'enumerator', value, type: wide ? types.long : types.int });
      value++;
      if (!p.accept(',')) break;
    }
    p.expect('}');
    parseAttributes(p, noAttributes());
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
}
