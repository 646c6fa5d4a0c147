import { limits } from '../../uapi/index.ts';
import { Abandoned, type DiagnosticNote, type Diagnostics } from '../diagnostics.ts';
import { askedBy, behind, isUnterminated, positionOf, type Token } from '../preprocess/token.ts';
import type { KernelTypes } from '../types/kernel-types.ts';
import { aliased, type CType, pointerTo, quoted, sameType, sizeOf, types } from '../types/types.ts';
import type { FunctionObject, TableObject, Variable } from './ast.ts';
import type { CallParser } from './calls.ts';
import type { DeclarationParser } from './declarations.ts';
import type { ExpressionParser } from './expressions.ts';
import type { InitializerParser } from './initializers.ts';
import type { LoopParser } from './loops.ts';
import type { MemberParser } from './members.ts';
import type { PrimaryParser } from './primaries.ts';
import { Regions } from './regions.ts';
import { type Named, placeOf, Scope } from './scope.ts';
import { Spans } from './spans.ts';
import type { StatementParser } from './statements.ts';
import type { TagParser } from './tags.ts';
import { keywords } from './type-words.ts';
import { Typing } from './typing.ts';

/**
 * What the parts of the parser share: the tokens and where they stand, the scope, the kernel's types. Each part is a
 * class of its own file with a method for each rule of the grammar.
 */
export class Parsing {
  tokens: readonly Token[];
  /** Another one while something is only tried. */
  diagnostics: Diagnostics;
  readonly kernel: KernelTypes;
  readonly spans = new Spans();
  readonly typing: Typing;
  readonly bccDialect: boolean;
  regions = new Regions();
  /** The file's. */
  readonly outermost = new Scope();
  scope = this.outermost;
  at = 0;
  /** A struct's semicolon is missing, which was told: what follows begins anew. */
  cut = false;
  /** The first map of each struct that libbpf's texts declare maps with. */
  readonly mapStructs = new Map<CType, string>();
  /** What CO-RE is asked about is being read: what the kernel lacks is an answer. */
  asking = false;
  /** How deep expressions, types and statements lie within each other. */
  depth = 0;

  declare declarations: DeclarationParser;
  declare expressions: ExpressionParser;
  declare tags: TagParser;
  declare primaries: PrimaryParser;
  declare calls: CallParser;
  declare initializers: InitializerParser;
  declare statements: StatementParser;
  declare loops: LoopParser;
  declare members: MemberParser;

  readonly functions: FunctionObject[] = [];
  readonly tables: TableObject[] = [];
  readonly globals: Variable[] = [];
  readonly structs: CType[] = [];
  /** The macros of the text and of the headers, for hints. */
  macroNames: () => Iterable<string> = () => [];
  /** Labels and gotos of the function that is being read. */
  labels = new Map<string, Token>();
  gotos: { readonly at: Token; readonly label: string }[] = [];
  /** The function whose body is being read. */
  current: FunctionObject | undefined;
  license: string | undefined;

  constructor(tokens: readonly Token[], diagnostics: Diagnostics, kernel: KernelTypes, bccDialect: boolean) {
    this.tokens = this.regions.take(tokens);
    this.diagnostics = diagnostics;
    this.kernel = kernel;
    this.typing = new Typing(diagnostics, this.spans);
    this.bccDialect = bccDialect;
  }

  get token(): Token {
    return this.tokens[this.at] as Token;
  }

  peek(distance = 1): Token {
    return this.tokens[Math.min(this.at + distance, this.tokens.length - 1)] as Token;
  }

  next(): Token {
    const token = this.token;
    if (token.kind !== 'end') this.at++;
    return token;
  }

  is(text: string): boolean {
    const { token } = this;
    return token.text === text && token.kind !== 'string' && token.kind !== 'char';
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  /** @param where `after 'if'`, `in initializer` */
  expect(text: string, where?: string): Token {
    if (this.is(text)) return this.next();
    this.#forgive();
    return this.diagnostics.abandon(this.token, `expected '${text}'${where === undefined ? '' : ` ${where}`}`);
  }

  /** The bracket that closes another. */
  close(text: string, open: Token): Token {
    if (this.is(text)) return this.next();
    this.#forgive();
    const place = askedBy(open);
    const notes = [{ message: `to match this '${open.text}'`, at: positionOf(place), length: place.text.length }];
    this.diagnostics.error(this.token, `expected '${text}'`, { notes });
    throw new Abandoned(text);
  }

  /**
   * A semicolon; a missing one is told at the place where it should stand, and reading goes on: with the next line, or
   * where this statement ends.
   * @param after what it ends, `after return statement`
   */
  semicolon(after: string): void {
    if (this.accept(';')) return;
    const before = this.tokens[this.at - 1] ?? this.token;
    if (this.diagnostics.failed && isUnterminated(before)) return;
    // Of a macro's body the place is the use of the macro.
    this.diagnostics.error(before.from ? before : behind(before), `expected ';' ${after}`);
    if (!this.token.first) this.recoverStatement(this.at);
  }

  /** A literal without an end took the rest of its line with it: what is missing there was told enough of. */
  #forgive(): void {
    const before = this.tokens[this.at - 1];
    if (before && this.diagnostics.failed && isUnterminated(before)) throw new Abandoned(before.text);
  }

  /** An identifier. @param what as clang calls it, when it is not just that */
  name(what = 'identifier'): Token {
    if (this.token.kind === 'name' && !keywords.has(this.token.text)) return this.next();
    return this.diagnostics.abandon(this.token, `expected ${what}`);
  }

  /**
   * Goes one rule deeper, which its end takes back; a text that nests without end is an error, not a stack overflow.
   * Who goes on behind a rule that was abandoned sets `depth` back.
   */
  deeper(): void {
    if (++this.depth > 200) this.diagnostics.abandon(this.token, 'this nests more than 200 deep');
  }

  nested<T>(rule: () => T): T {
    this.deeper();
    const result = rule();
    this.depth--;
    return result;
  }

  withScope<T>(rule: () => T): T {
    const outer = this.scope;
    this.scope = new Scope(outer);
    try {
      return rule();
    } finally {
      this.scope = outer;
    }
  }

  /** Gives a name its meaning in the scope at hand; false, and told, where it has another there. */
  declareOnce(name: Token, meaning: Named): boolean {
    if (this.scope.own(name.text)) {
      this.redefined(name, meaning);
      return false;
    }
    this.scope.declare(name.text, meaning);
    return true;
  }

  /** Tells that a name has a meaning in the scope at hand already. */
  redefined(name: Token, meaning: Named): void {
    const earlier = this.scope.own(name.text);
    if (!earlier) return;
    const kind = meaning.kind === 'enumerator' && earlier.kind === 'enumerator' ? 'enumerator ' : '';
    const message = `redefinition of ${kind}'${name.text}'${difference(earlier, meaning)}`;
    this.diagnostics.error(name, message, { notes: [definedBefore(placeOf(earlier))] });
  }

  variable(name: string, type: CType, at: Token, options: { global?: boolean; constant?: boolean } = {}): Variable {
    const { global = false, constant = false } = options;
    return {
      name,
      type,
      at,
      inMemory: false,
      global,
      constant,
      initial: undefined,
      used: false,
      assigned: false,
      align: 1,
    };
  }

  /** What lies on the stack is to find room there. */
  checkStack(at: Token, what: string, type: CType): void {
    const size = sizeOf(type);
    if (size <= limits.stack) return;
    const message = `${what} takes ${size} bytes, and a program's stack holds ${limits.stack}`;
    this.diagnostics.error(at, message, 'keep it in a BPF_PERCPU_ARRAY of one entry');
  }

  /** A constant integer, `what` for the message when it is none. */
  constant(what: string): bigint {
    const value = this.expressions.conditional();
    if (value.kind === 'number') return value.value;
    const [first] = this.spans.of(value);
    this.diagnostics.error(first, 'expression is not an integer constant expression', `${what} must be a constant`);
    return 1n;
  }

  /** Whether the type that a name stands for is const or volatile. */
  qualifiersNamed(name: string): { readonly constant: boolean; readonly volatile: boolean } {
    const found = this.scope.find(name);
    const { constant = false, volatile = false } = found?.kind === 'typedef' ? found : {};
    return { constant, volatile };
  }

  /** The type that a name stands for, when it does. */
  typeNamed(name: string): CType | undefined {
    const found = this.scope.find(name);
    if (found) return found.kind === 'typedef' ? found.type : undefined;
    return Object.hasOwn(typedefs, name) ? typedefs[name] : this.kernel.typedef(name);
  }

  /**
   * Skips to behind the statement that went wrong: its semicolon or closing brace, or before the brace of the block
   * around it. Where tokens look like a new statement, that one is read.
   * @param start where the statement began
   */
  recoverStatement(start: number): void {
    let depth = 0;
    // Braces of the statement that were read before the fault are still open.
    for (let i = start; i < this.at; i++) {
      const { text } = this.tokens[i] as Token;
      depth += text === '{' ? 1 : text === '}' ? -1 : 0;
    }
    for (; this.token.kind !== 'end'; this.at++) {
      const { text, first } = this.token;
      if (depth <= 0 && (text === '}' || (first && this.at > start && statementWords.has(text)))) return;
      if (text === '{') depth++;
      else if (text === '}' && --depth <= 0) {
        this.at++;
        return;
      } else if (text === ';' && depth <= 0) {
        this.at++;
        return;
      }
    }
  }

  /** Skips to behind the end of the declaration that went wrong; one at least of its tokens. */
  recover(): void {
    let depth = 0;
    while (this.token.kind !== 'end') {
      const { text } = this.next();
      if (text === '{') depth++;
      else if (text === '}') {
        depth--;
        if (depth <= 0) {
          this.accept(';');
          return;
        }
      } else if (text === ';' && depth <= 0) return;
    }
  }
}

/** Words that nothing but a statement begins with. */
const statementWords: ReadonlySet<string> = new Set([
  'if',
  'for',
  'while',
  'do',
  'switch',
  'return',
  'goto',
  'case',
  'default',
]);

/** Names that every tool uses, whether or not the profile's BTF holds them. */
const typedefs: Readonly<Record<string, CType>> = Object.fromEntries(
  Object.entries({
    u8: types.uchar,
    u16: types.ushort,
    u32: types.uint,
    u64: types.ullong,
    s8: types.schar,
    s16: types.short,
    s32: types.int,
    s64: types.llong,
    __u8: types.uchar,
    __u16: types.ushort,
    __u32: types.uint,
    __u64: types.ullong,
    __s8: types.schar,
    __s16: types.short,
    __s32: types.int,
    __s64: types.llong,
    uint8_t: types.uchar,
    uint16_t: types.ushort,
    uint32_t: types.uint,
    uint64_t: types.ulong,
    int8_t: types.schar,
    int16_t: types.short,
    int32_t: types.int,
    int64_t: types.long,
    u_int8_t: types.uchar,
    u_int16_t: types.ushort,
    u_int32_t: types.uint,
    u_int64_t: types.ulong,
    uintptr_t: types.ulong,
    intptr_t: types.long,
    size_t: types.ulong,
    ssize_t: types.long,
    ptrdiff_t: types.long,
    off_t: types.long,
    loff_t: types.llong,
    bool: types.bool,
    uint: types.uint,
    ulong: types.ulong,
    ushort: types.ushort,
    unchar: types.uchar,
    __be16: types.ushort,
    __be32: types.uint,
    __be64: types.ullong,
    __le16: types.ushort,
    __le32: types.uint,
    __le64: types.ullong,
    __sum16: types.ushort,
    __wsum: types.uint,
    pid_t: types.int,
    uid_t: types.uint,
    gid_t: types.uint,
    dev_t: types.uint,
    mode_t: types.uint,
    umode_t: types.ushort,
    sector_t: types.ulong,
    gfp_t: types.uint,
    __builtin_va_list: pointerTo(types.void),
    __int128_t: types.int128,
    __uint128_t: types.uint128,
  }).map(([name, type]) => [name, aliased(type, name)]),
);

/** How a second meaning differs from the first. */
function difference(earlier: Named, meaning: Named): string {
  if (earlier.kind !== meaning.kind) return ' as different kind of symbol';
  if (earlier.kind !== 'variable' || meaning.kind !== 'variable') return '';
  const [was, is] = [earlier.variable.type, meaning.variable.type];
  return sameType(was, is) ? '' : ` with a different type: ${quoted(is)} vs ${quoted(was)}`;
}

/** The note that names an earlier definition. */
export function definedBefore(earlier: Token, message = 'previous definition is here'): DiagnosticNote {
  const at = askedBy(earlier);
  return { message, at: positionOf(at), length: at.text.length };
}

export const typedefNames: readonly string[] = Object.keys(typedefs);
