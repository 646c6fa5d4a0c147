import { integerOf, type OperatorReader, quotedBytes, readBinary } from '../base/index.ts';
import { constantValue, type Expression, type Label } from './expression.ts';
import { type Piece, splitFormat } from './printf.ts';

/**
 * The format line of a tracepoint taken apart: the format string as pieces, and its arguments as expressions over the
 * record's fields. The language is C's expressions plus the kernel's __print_ and __get_ calls
 * (include/trace/stages/stage3_trace_output.h). What it cannot read (statement expressions, calls of unknown
 * functions) makes the whole line unreadable, as for other readers of tracefs.
 */
export interface PrintProgram {
  readonly pieces: readonly Piece[];
  readonly args: readonly Expression[];
  /** Why the line cannot be read; pieces and args are then empty. */
  readonly fault?: string;
}

export type Constants = Readonly<Record<string, number>>;

/** Takes a format line apart. It never throws: what it cannot read it says in `fault`. */
export function parsePrintFormat(print: string, constants: Constants): PrintProgram {
  try {
    const parser = new Parser(tokenize(print), constants);
    const format = parser.stringLiteral();
    const args: Expression[] = [];
    while (parser.take(',')) args.push(parser.expression());
    if (!parser.atEnd) throw new Unreadable(`'${parser.next}' was not expected`);
    return { pieces: splitFormat(format), args };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { pieces: [], args: [], fault: error.message };
  }
}

/** How the parser leaves a line that it cannot read; it does not get out of this file. */
class Unreadable extends Error {}

const token =
  /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'|0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*|[A-Za-z_]\w*|->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:,(){}[\].=;])/y;

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new Unreadable(`unknown character at ${at + 1}`);
    tokens.push(match[1] as string);
  }
  return tokens;
}

class Parser implements OperatorReader<string, Expression> {
  readonly #tokens: readonly string[];
  readonly #constants: Constants;
  #at = 0;

  constructor(tokens: readonly string[], constants: Constants) {
    this.#tokens = tokens;
    this.#constants = constants;
  }

  get next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  take(text: string): boolean {
    if (this.next !== text || this.atEnd) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.take(text)) throw new Unreadable(`'${text}' expected before '${this.next}'`);
  }

  /** Whether a string literal comes next, in parentheses or without. */
  get #atString(): boolean {
    let at = this.#at;
    while (this.#tokens[at] === '(') at++;
    return this.#tokens[at]?.startsWith('"') ?? false;
  }

  /** string = '"…"' { '"…"' } | '(' string ')' */
  stringLiteral(): string {
    if (this.take('(')) {
      const inner = this.stringLiteral();
      this.#expect(')');
      return inner;
    }
    if (!this.next.startsWith('"')) throw new Unreadable(`a string expected before '${this.next}'`);
    let text = '';
    while (this.next.startsWith('"')) text += unquoted(this.#tokens[this.#at++] as string);
    return text;
  }

  /** expression = binary [ '?' expression ':' expression ] */
  expression(): Expression {
    const condition = readBinary(this);
    if (!this.take('?')) return condition;
    const then = this.expression();
    this.#expect(':');
    return { kind: 'conditional', condition, then, otherwise: this.expression() };
  }

  takeOperator(): string {
    return this.#tokens[this.#at++] as string;
  }

  join(operator: string, left: Expression, right: Expression): Expression {
    return { kind: 'binary', operator, left, right };
  }

  /** unary = ('-' | '~' | '!' | '+' | '&') unary | '(' type ')' unary | 'sizeof' '(' type ')' | postfix */
  operand(): Expression {
    for (const operator of ['-', '~', '!'] as const)
      if (this.take(operator)) return { kind: 'unary', operator, operand: this.operand() };
    if (this.take('+') || this.take('&')) return this.operand();
    if (this.next === '(' && isTypeWord(this.#tokens[this.#at + 1] ?? '')) {
      this.#at++;
      const type = this.#typeName();
      return { kind: 'cast', ...type, operand: this.operand() };
    }
    if (this.take('sizeof')) {
      this.#expect('(');
      return { kind: 'number', value: BigInt(this.#typeName().bits / 8) };
    }
    return this.#postfix();
  }

  /** The words of a type up to its ')'. */
  #typeName(): { bits: number; signed: boolean } {
    const words: string[] = [];
    while (!this.atEnd && this.next !== ')') {
      if (this.next === '(' || this.next === '{') throw new Unreadable('a type that is not a plain one');
      words.push(this.#tokens[this.#at++] as string);
    }
    this.#expect(')');
    return typeFacts(words);
  }

  /** postfix = primary { '[' expression ']' } */
  #postfix(): Expression {
    let expression = this.#primary();
    while (this.take('[')) {
      expression = { kind: 'index', array: expression, index: this.expression() };
      this.#expect(']');
    }
    return expression;
  }

  /** primary = number | character | string | '(' expression ')' | 'REC' '->' name | name | call */
  #primary(): Expression {
    const text = this.next;
    if (text.startsWith('"')) return { kind: 'string', value: this.stringLiteral() };
    this.#at++;
    if (text.startsWith("'")) return { kind: 'number', value: BigInt(quotedBytes(text)[0] ?? 0) };
    if (/^\d/.test(text)) return { kind: 'number', value: integer(text) };
    if (text === '(') {
      const inner = this.expression();
      this.#expect(')');
      return inner;
    }
    if (text === 'REC') {
      this.#expect('->');
      return { kind: 'field', name: this.#name() };
    }
    if (!/^[A-Za-z_]/.test(text)) throw new Unreadable(`'${text}' was not expected`);
    if (this.take('(')) return this.#call(text);
    const value = Object.hasOwn(this.#constants, text) ? this.#constants[text] : undefined;
    if (value === undefined) throw new Unreadable(`unknown name '${text}'`);
    return { kind: 'number', value: BigInt(value) };
  }

  #name(): string {
    const text = this.#tokens[this.#at++] ?? '';
    if (!/^\w+$/.test(text)) throw new Unreadable(`a name expected before '${text}'`);
    return text;
  }

  /** call = name '(' arguments ')': the calls that the kernel defines for format lines */
  #call(name: string): Expression {
    const result = this.#callBody(name);
    this.#expect(')');
    return result;
  }

  #callBody(name: string): Expression {
    switch (name) {
      case '__get_str':
      case '__get_rel_str':
      case '__get_dynamic_array':
      case '__get_rel_dynamic_array':
      case '__get_bitmask':
      case '__get_cpumask':
        return { kind: 'dynamic', name: this.#name() };
      case '__get_dynamic_array_len':
      case '__get_rel_dynamic_array_len':
        return { kind: 'length', name: this.#name() };
      case '__print_symbolic': {
        const value = this.expression();
        return { kind: 'symbolic', value, labels: this.#labels() };
      }
      case '__print_flags': {
        const value = this.expression();
        this.#expect(',');
        const separator = this.stringLiteral();
        return { kind: 'flags', value, separator, labels: this.#labels() };
      }
      case '__print_hex':
      case '__print_hex_str': {
        const bytes = this.expression();
        this.#expect(',');
        return { kind: 'hex', bytes, length: this.expression(), separator: name === '__print_hex' ? ' ' : '' };
      }
      case '__print_array': {
        const bytes = this.expression();
        this.#expect(',');
        const count = this.expression();
        this.#expect(',');
        return { kind: 'elements', bytes, count, size: this.expression() };
      }
      case '__builtin_expect': {
        const value = this.expression();
        this.#expect(',');
        this.expression();
        return value;
      }
      default:
        throw new Unreadable(`unknown function '${name}'`);
    }
  }

  /** labels = { ',' '{' expression ',' ( string | null ) '}' }; one with NULL for its text only ends the list */
  #labels(): Label[] {
    const labels: Label[] = [];
    while (this.take(',')) {
      this.#expect('{');
      const value = constantValue(this.expression());
      this.#expect(',');
      if (value === undefined) throw new Unreadable('a label that is not constant');
      if (this.#atString) labels.push({ value, text: this.stringLiteral() });
      else this.expression();
      this.#expect('}');
    }
    return labels;
  }
}

function unquoted(literal: string): string {
  return Buffer.from(quotedBytes(literal)).toString();
}

function integer(text: string): bigint {
  const literal = integerOf(text);
  if (!literal) throw new Unreadable(`'${text}' is no integer`);
  return literal.value;
}

const typeWord =
  /^(unsigned|signed|int|long|short|char|void|const|volatile|struct|union|enum|bool|uint|ulong|__?[us](8|16|32|64)|[us](8|16|32|64)|\w+_t)$/;

function isTypeWord(text: string): boolean {
  return typeWord.test(text);
}

/** Width and sign of a type by its words; types of unknown width count as 64 bits, which leaves a value alone. */
function typeFacts(words: readonly string[]): { bits: number; signed: boolean } {
  if (words.includes('*')) return { bits: 64, signed: false };
  const sized = words
    .map((word) => /^_{0,2}([us])(?:int)?(8|16|32|64)$|^(u?)int(8|16|32|64)_t$/.exec(word))
    .find(Boolean);
  if (sized) return { bits: Number(sized[2] ?? sized[4]), signed: sized[1] === 's' || sized[3] === '' };
  const unsigned = words.includes('unsigned') || words.includes('uint') || words.includes('bool');
  const known: Readonly<Record<string, number>> = { char: 8, bool: 8, short: 16, long: 64, umode_t: 16, dev_t: 32 };
  for (const word of words) if (known[word] !== undefined) return { bits: known[word], signed: !unsigned };
  if (words.some((word) => ['int', 'uint', 'unsigned', 'gfp_t', 'pid_t', 'enum'].includes(word)))
    return { bits: 32, signed: !unsigned && !words.includes('gfp_t') };
  return { bits: 64, signed: true };
}
