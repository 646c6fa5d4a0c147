import { didYouMean } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { memberMacro, memberMacrosIn } from '../types/supplement.ts';
import { findMemberPath, memberNames, printCType, quoted, type StructType } from '../types/types.ts';
import type { Expression } from './ast.ts';
import type { Parsing } from './parsing.ts';
import { absentMember } from './relocated.ts';
import { isWrong } from './typing.ts';

/** Parts of what an expression is: elements of arrays, members of structs (C11 6.5.2.1 and 6.5.2.3). */
export class MemberParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** '[' expression ']', the bracket read already. @param pointedTo it is the operand of `&` */
  subscript(array: Expression, at: Token, pointedTo: boolean): Expression {
    const p = this.#p;
    const index = p.expressions.expression();
    const close = p.close(']', at);
    const [a, b] = [p.typing.decay(array), p.typing.decay(index)];
    if (isWrong(a) || isWrong(b)) return p.typing.wrong(at);
    const wrong = [a, b].every(({ type }) => type.kind !== 'pointer')
      ? 'subscripted value is not an array, pointer, or vector'
      : [a, b].some(({ type }) => type.kind === 'int')
        ? undefined
        : 'array subscript is not an integer';
    if (wrong !== undefined) {
      p.diagnostics.error(at, wrong, { ranges: [p.spans.of(array), p.spans.of(index)] });
      return p.typing.wrong(at);
    }
    this.#checkIndex(array, index, pointedTo);
    const element = p.expressions.deref(p.typing.arithmetic('+', array, index, at), at);
    p.spans.note(element, undefined, close);
    return element;
  }

  /** '.' name; behind a pointer `->` was meant. */
  dot(base: Expression, at: Token): Expression {
    const p = this.#p;
    const { type } = base;
    if (type.kind !== 'pointer' || type.target.kind !== 'struct') return this.memberOf(base, at);
    const message = `member reference type ${quoted(type)} is a pointer; did you mean to use '->'?`;
    p.diagnostics.error(at, message, { ranges: [p.spans.of(base)] });
    return this.memberOf(p.expressions.deref(base, at), at);
  }

  /** '->' name; behind a struct `.` was meant. */
  arrow(base: Expression, at: Token): Expression {
    const p = this.#p;
    const { type } = p.typing.decay(base);
    if (isWrong(base)) return this.memberOf(base, at);
    if (type.kind === 'pointer' && type.target.kind !== 'void') return this.memberOf(p.expressions.deref(base, at), at);
    const ranges = [p.spans.of(base)];
    if (type.kind === 'pointer') {
      const hint = base.kind === 'table' ? 'its methods follow a dot' : 'cast it to a pointer to what is there';
      p.diagnostics.error(at, `member reference base type 'void' is not a structure or union`, { hint, ranges });
    } else {
      const meant = type.kind === 'struct' ? `; did you mean to use '.'?` : '';
      p.diagnostics.error(at, `member reference type ${quoted(type)} is not a pointer${meant}`, { ranges });
      if (type.kind === 'struct') return this.memberOf(base, at);
    }
    return p.typing.wrong(p.name());
  }

  /** An index that is a constant beyond the array; the one behind the last may only be pointed to. */
  #checkIndex(array: Expression, index: Expression, pointedTo: boolean): void {
    const p = this.#p;
    if (array.type.kind !== 'array' || index.kind !== 'number') return;
    const { length } = array.type;
    // Older kernels end structs with arrays of one element that go on.
    if (length === undefined || length < 2 || (index.value >= 0n && index.value < length)) return;
    if (index.value === BigInt(length) && pointedTo) return;
    const where = index.value < 0n ? 'before the beginning' : 'past the end';
    const elements = `${length} element${length === 1 ? '' : 's'}`;
    const message = `array index ${index.value} is ${where} of the array (which contains ${elements})`;
    p.diagnostics.warning(p.spans.first(array), message, { ranges: [p.spans.of(array), p.spans.of(index)] });
  }

  /** The member whose name stands here. @param at the dot or arrow before it */
  memberOf(base: Expression, at: Token): Expression {
    const p = this.#p;
    const name = p.name();
    const { type } = base;
    if (isWrong(base)) return p.typing.wrong(name);
    if (type.kind !== 'struct') {
      p.diagnostics.error(at, `member reference base type ${quoted(type)} is not a structure or union`, {
        ranges: [p.spans.of(base)],
      });
      return p.typing.wrong(name);
    }
    const macro = memberMacro(name.text);
    const member = type.member(name.text) ?? (macro && findMemberPath(type, macro));
    if (member?.absent) return absentMember(p, base, member, name);
    if (member) return { kind: 'member', type: member.type, at: name, base, member };
    if (!type.body) {
      const [message, hint] = this.#undefinedStruct(type);
      p.diagnostics.error(at, message, { hint, ranges: [p.spans.of(base)] });
    } else {
      const whose = p.kernel.made(type) ? ` of kernel ${p.kernel.profile.name}` : '';
      const names = memberNames(type);
      p.diagnostics.error(name, `no member named '${name.text}' in '${printCType(type)}'${whose}`, {
        hint:
          dynamicFieldHint(name.text, names) ??
          didYouMean(name.text, [...names.map(dynamicFieldName), ...memberMacrosIn(names)]),
        ranges: [p.spans.of(base)],
      });
    }
    return p.typing.wrong(name);
  }

  /** Why nothing is known of a struct's inside. */
  #undefinedStruct(type: StructType): [message: string, hint: string | undefined] {
    const { profile } = this.#p.kernel;
    const event = /^tracepoint__(.+)$/.exec(type.tag)?.[1];
    if (event === undefined) {
      const hint = `kernel ${profile.name} does not know it: define it, or name another kernel with --kernel`;
      return [`incomplete definition of type ${quoted(type)}`, hint];
    }
    const name = event.replace('__', ':');
    const near = didYouMean(name, profile.tracepointNames());
    return [`kernel ${profile.name} has no tracepoint '${name}'`, near];
  }
}

/** What BCC calls a tracepoint's field of changing length: `__data_loc char[] filename` is `data_loc_filename`. */
const dynamicFieldPrefix = 'data_loc_';

function dynamicFieldName(member: string): string {
  return member.startsWith(dynamicFieldPrefix) ? member.slice(dynamicFieldPrefix.length) : member;
}

/** How a field of changing length is read, where it is named as the tracepoint's format names it. */
function dynamicFieldHint(name: string, members: readonly string[]): string | undefined {
  if (!members.includes(`${dynamicFieldPrefix}${name}`)) return undefined;
  return `its length changes: TP_DATA_LOC_READ_STR(to, ${name}, size) reads it, by ${dynamicFieldPrefix}${name}`;
}
