import type { Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import type { KernelTypes } from '../types/kernel-types.ts';
import { aliased, type CType, types } from '../types/types.ts';
import type { FunctionObject, TableObject, Variable } from './ast.ts';
import type { CallParser } from './calls.ts';
import type { DeclarationParser } from './declarations.ts';
import type { ExpressionParser } from './expressions.ts';
import type { InitializerParser } from './initializers.ts';
import type { LoopParser } from './loops.ts';
import type { PrimaryParser } from './primaries.ts';
import { Scope } from './scope.ts';
import type { StatementParser } from './statements.ts';
import type { TagParser } from './tags.ts';
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
  readonly typing: Typing;
  readonly bccDialect: boolean;
  scope = new Scope();
  at = 0;
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

  readonly functions: FunctionObject[] = [];
  readonly tables: TableObject[] = [];
  readonly globals: Variable[] = [];
  readonly structs: CType[] = [];
  /** The macros of the text and of the headers, for hints. */
  macroNames: () => Iterable<string> = () => [];
  /** Labels and gotos of the function that is being read. */
  labels = new Map<string, Token>();
  gotos: Token[] = [];
  /** The function whose body is being read. */
  current: FunctionObject | undefined;
  license: string | undefined;

  constructor(tokens: readonly Token[], diagnostics: Diagnostics, kernel: KernelTypes, bccDialect: boolean) {
    this.tokens = tokens;
    this.diagnostics = diagnostics;
    this.kernel = kernel;
    this.typing = new Typing(diagnostics);
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

  expect(text: string): Token {
    if (this.is(text)) return this.next();
    const before = this.tokens[this.at - 1];
    const { token } = this;
    // A missing semicolon is best shown where it should stand.
    const at = text === ';' && before && token.first ? before : token;
    const found = token.kind === 'end' ? 'the end of the text' : `'${token.text}'`;
    return this.diagnostics.abandon(
      at,
      at === before ? `expected '${text}' after this` : `expected '${text}', not ${found}`,
    );
  }

  name(what: string): Token {
    if (this.token.kind === 'name') return this.next();
    const found = this.token.kind === 'end' ? 'the end of the text' : `'${this.token.text}'`;
    return this.diagnostics.abandon(this.token, `expected ${what}, not ${found}`);
  }

  /** Runs one rule deeper; a text that nests without end is an error, not a stack overflow. */
  nested<T>(rule: () => T): T {
    if (++this.depth > 200) this.diagnostics.abandon(this.token, 'this nests more than 200 deep');
    try {
      return rule();
    } finally {
      this.depth--;
    }
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

  /** A constant integer, `what` for the message when it is none. */
  constant(what: string): bigint {
    const value = this.expressions.conditional();
    if (value.kind === 'number') return value.value;
    this.diagnostics.error(value.at, `${what} must be a constant`);
    return 1n;
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

  /** Skips to behind the end of the declaration that went wrong. */
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
    __int128_t: types.int128,
    __uint128_t: types.uint128,
  }).map(([name, type]) => [name, aliased(type, name)]),
);

export const typedefNames: readonly string[] = Object.keys(typedefs);
