import type { Token } from '../preprocess/token.ts';
import type { CType, Member } from '../types/types.ts';

/**
 * The tree that the parser makes, already typed: each expression has its C type, conversions stand in it as casts.
 * Names are resolved to the objects here.
 */
export interface Variable {
  readonly name: string;
  type: CType;
  readonly at: Token;
  /** Its address is taken, or it is volatile: it lives in memory. */
  inMemory: boolean;
  readonly global: boolean;
  readonly constant: boolean;
  /** It is only declared: nothing of this text is it. */
  extern?: boolean;
  initial: Initializer | undefined;
  used: boolean;
  /** Something in the text assigns to it, or to a part of it. */
  assigned: boolean;
  /** Bytes that it is aligned to at least. */
  align: number;
}

export interface FunctionObject {
  readonly name: string;
  readonly at: Token;
  returns: CType;
  parameters: Variable[];
  variadic: boolean;
  body: Statement | undefined;
  static: boolean;
  noinline: boolean;
  /** Of the project's own headers: no program by itself. */
  readonly builtin: boolean;
  section: string | undefined;
}

export interface TableObject {
  readonly name: string;
  readonly at: Token;
  /** As BPF_TABLE names it, `hash`, `histogram`. */
  readonly kind: string;
  readonly mapType: string;
  readonly key: CType | undefined;
  readonly leaf: CType | undefined;
  readonly entries: number;
  readonly flags: number;
  readonly extern: boolean;
  /** Of a pinned table: where. */
  readonly pinPath?: string;
  /** Of a table of tables: the one that those it holds are like. */
  readonly inner?: string;
  /** Maps or programs that its slots hold at the start. */
  holds?: readonly { readonly slot: number; readonly name: string }[];
  /** What the programs write into it as records. */
  readonly events: CType[];
}

/** What goes where in an object: a flat list in the order of offsets of its leaves. */
export interface Initializer {
  /** The byte behind the last that it says something of: beyond its type where a flexible array ends that. */
  readonly end: number;
  readonly entries: readonly InitializerEntry[];
}

export interface InitializerEntry {
  readonly offset: number;
  readonly type: CType;
  readonly bits: Member['bits'];
  readonly value: Expression;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Expression = {
  readonly type: CType;
  readonly at: Token;
} /** A constant; where it is a constant variable's, that has an address. */ & (
  | { readonly kind: 'number'; readonly value: bigint; readonly variable?: Variable }
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'table'; readonly table: TableObject }
  | { readonly kind: 'function'; readonly function: FunctionObject }
  | { readonly kind: 'member'; readonly base: Expression; readonly member: Member }
  | { readonly kind: 'deref'; readonly base: Expression }
  | { readonly kind: 'address'; readonly base: Expression }
  | { readonly kind: 'negate' | 'complement' | 'not'; readonly base: Expression }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'compare'; readonly op: ComparisonOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'logical'; readonly op: '&&' | '||'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'assign'; readonly left: Expression; readonly right: Expression }
  /** `left op= right`, computed in `operand`'s type; `post` gives the old value. */
  | {
      readonly kind: 'update';
      readonly op: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly operand: CType;
      readonly post: boolean;
    }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      /** Absent for GNU's `a ?: b`. */
      readonly yes: Expression | undefined;
      readonly no: Expression;
    }
  | { readonly kind: 'comma'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'cast'; readonly base: Expression }
  | { readonly kind: 'call'; readonly function: FunctionObject; readonly args: readonly Expression[] }
  | { readonly kind: 'helper'; readonly name: string; readonly id: number; readonly args: readonly Expression[] }
  | {
      readonly kind: 'method';
      readonly table: TableObject;
      readonly method: string;
      readonly args: readonly Expression[];
    }
  | { readonly kind: 'builtin'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'statements'; readonly body: Statement }
  | { readonly kind: 'literal'; readonly variable: Variable }
);

export type Statement = { readonly at: Token } & (
  | { readonly kind: 'empty' }
  | { readonly kind: 'expression'; readonly value: Expression }
  | { readonly kind: 'block'; readonly body: readonly Statement[]; readonly end: Token }
  | { readonly kind: 'declare'; readonly variable: Variable }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly yes: Statement;
      readonly no: Statement | undefined;
    }
  | {
      readonly kind: 'loop';
      readonly initial: Statement | undefined;
      readonly test: Expression | undefined;
      readonly step: Expression | undefined;
      readonly body: Statement;
      /** do … while */
      readonly testLast: boolean;
      /**
       * How often `#pragma unroll` lets it be unrolled; 0 when it was not asked for, below 0 when that many times are
       * only allowed.
       */
      readonly unroll: number;
      /** Labels that stand in it: each round has its own. */
      readonly labels: readonly string[];
      /** A goto or a case from outside leads into it: it stays one loop. */
      entered: boolean;
    }
  | {
      readonly kind: 'switch';
      readonly value: Expression;
      readonly cases: readonly SwitchCase[];
      readonly body: Statement;
    }
  | { readonly kind: 'case'; readonly label: SwitchCase; readonly body: Statement }
  | { readonly kind: 'label'; readonly name: string; readonly body: Statement }
  | { readonly kind: 'goto'; readonly label: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' }
  | { readonly kind: 'return'; readonly value: Expression | undefined }
  /** Inline assembly: operands are tied to expressions; an empty text only hides a value from the optimiser. */
  | {
      readonly kind: 'asm';
      readonly text: string;
      readonly textAt: Token;
      readonly outputs: readonly AsmOperand[];
      readonly inputs: readonly AsmOperand[];
      readonly clobbers: readonly Token[];
    }
);

export interface SwitchCase {
  /** Undefined for `default`; from low to high, both included. */
  readonly low: bigint | undefined;
  readonly high: bigint | undefined;
}

export interface AsmOperand {
  /** `[name]` in front of it. */
  readonly name: string | undefined;
  readonly at: Token;
  readonly constraint: string;
  readonly value: Expression;
}

export interface TranslationUnit {
  readonly functions: readonly FunctionObject[];
  readonly tables: readonly TableObject[];
  readonly globals: readonly Variable[];
  readonly structs: readonly CType[];
  readonly license: string | undefined;
}
