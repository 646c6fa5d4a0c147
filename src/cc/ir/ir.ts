import type { InstructionBody, JumpOperation, Register, Size } from '../../isa/index.ts';
import type { HelperName } from '../../uapi/index.ts';
import type { Token } from '../preprocess/token.ts';
import type { TableObject } from '../syntax/ast.ts';

/**
 * The intermediate form: basic blocks of values in SSA. A value is 32 or 64 bits wide; a 32-bit one always has zeros
 * above, as BPF's 32-bit instructions leave them, so `zext` costs nothing. Locals whose address is taken are stack
 * slots; addresses in them are values of their own that no register holds for long.
 */
export type Operation =
  | 'const'
  /** The context that the program is called with, or an argument of a function (`imm` is its number). */
  | 'parameter'
  /** An address in a stack slot: `slot` and `offset`. */
  | 'stack'
  /** A map: `table`. */
  | 'map'
  /** An address in the object's data: `section` and `offset`. */
  | 'data'
  /** The address of a function of the program, `callee`: for a helper that calls it back. */
  | 'function'
  | Arithmetic
  | 'zext'
  | 'sext'
  | 'trunc'
  /** Byte order reversed within the low `imm` bits, zeros above. */
  | 'swap'
  /** 0 or 1 by `condition`; its width is that of what is compared. */
  | 'compare'
  | 'load'
  | 'store'
  | 'helper'
  | 'call'
  | 'atomic'
  | 'phi'
  /** A copy that the optimiser may not look through. */
  | 'opaque'
  /** Inline assembly, `assembly`; with one output it is the result. */
  | 'asm'
  /** One of several outputs of the assembly right before it: `imm` is its number. */
  | 'asmResult'
  | 'packet';

const arithmetics = ['add', 'sub', 'mul', 'div', 'mod', 'and', 'or', 'xor', 'lsh', 'rsh', 'arsh'] as const;
export type Arithmetic = (typeof arithmetics)[number];
const allArithmetics: ReadonlySet<string> = new Set(arithmetics);

export function isArithmetic(op: Operation): op is Arithmetic {
  return allArithmetics.has(op);
}

/** Memory that a load may be made from: directly, or through a probe read of the kernel's or a process's. */
export type Access = 'unknown' | 'direct' | 'kernel' | 'user';

export class Value {
  readonly id: number;
  readonly op: Operation;
  readonly width: 32 | 64;
  args: Value[];
  readonly at: Token;
  /** Of a constant, wrapped to the unsigned range of the width. */
  constant = 0n;
  imm = 0;
  offset = 0;
  size: Size = 8;
  condition: JumpOperation = 'eq';
  access: Access = 'unknown';
  volatile = false;
  slot: Slot | undefined;
  table: TableObject | undefined;
  section: string | undefined;
  helper: HelperName | undefined;
  callee: string | undefined;
  /** Of an atomic operation: isa's name. */
  atomic: 'add' | 'or' | 'and' | 'xor' | 'fetchAdd' | 'fetchOr' | 'fetchAnd' | 'fetchXor' | 'xchg' | 'cmpxchg' = 'add';
  assembly: Assembly | undefined;
  block: Block | undefined;
  /** What stands in its place since it was found to be the same. */
  same: Value | undefined;
  /** How many operands name it (`countUses`), or 1 where anything needs it: whoever asks counts first. */
  uses = 0;
  /** The virtual register that holds it, once instructions are selected; -1: none. */
  register = -1;

  constructor(id: number, op: Operation, width: 32 | 64, args: Value[], at: Token) {
    this.id = id;
    this.op = op;
    this.width = width;
    this.args = args;
    this.at = at;
  }
}

/** Instructions as they are written, on registers that stand for operands. */
export interface Assembly {
  readonly bodies: readonly InstructionBody[];
  readonly outputs: readonly Register[];
  /** Of each argument. */
  readonly inputs: readonly Register[];
  /** Its operands must be in these very registers, of r0 to r5; it may change all of those. */
  readonly pinned: boolean;
}

/** Bytes of the stack frame that a variable or temporary takes while its scope lives. */
export interface Slot {
  /** Tells it from most others of the function. */
  readonly number: number;
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly scope: FrameScope;
  /** Bytes below the frame pointer of its start; set when the frame is laid out. */
  place: number;
}

/** Scopes that stand beside each other share their bytes. */
export interface FrameScope {
  readonly slots: Slot[];
  readonly inner: FrameScope[];
  /** What is lowered now stands in it. */
  open: boolean;
}

export type Terminator =
  | { readonly kind: 'goto'; to: Block }
  | {
      readonly kind: 'branch';
      readonly condition: JumpOperation;
      readonly width: 32 | 64;
      left: Value;
      right: Value;
      yes: Block;
      no: Block;
      readonly at: Token;
    }
  | { readonly kind: 'return'; value: Value; readonly at: Token }
  | { readonly kind: 'unreachable' };

export class Block {
  /** Its place in the function's list of blocks, for passes that look at them by number: each sets it first. */
  place = 0;
  readonly phis: Value[] = [];
  values: Value[] = [];
  preds: Block[] = [];
  end: Terminator | undefined;
  /** All its predecessors are known. */
  sealed = false;
  /** Nested loops around it. */
  loops = 0;
}

export interface IrFunction {
  readonly name: string;
  readonly entry: Block;
  blocks: Block[];
  readonly frame: FrameScope;
  /** How many arguments it takes. */
  readonly parameters: number;
}

/** Sets the blocks' places. */
export function numberBlocks(blocks: readonly Block[]): void {
  for (let i = 0; i < blocks.length; i++) (blocks[i] as Block).place = i;
}

export function successors(block: Block): Block[] {
  const { end } = block;
  if (end?.kind === 'goto') return [end.to];
  if (end?.kind === 'branch') return end.yes === end.no ? [end.yes] : [end.yes, end.no];
  return [];
}

/** The i-th of a block's successors, if there are so many. */
export function successor({ end }: Block, i: number): Block | undefined {
  if (end?.kind === 'goto') return i === 0 ? end.to : undefined;
  if (end?.kind !== 'branch') return undefined;
  if (i === 0) return end.yes;
  return i === 1 && end.no !== end.yes ? end.no : undefined;
}

/** Whether control goes from a block to another. */
export function goesTo({ end }: Block, to: Block): boolean {
  if (end?.kind === 'goto') return end.to === to;
  return end?.kind === 'branch' && (end.yes === to || end.no === to);
}

/** The value that stands for another since they were found to be the same. */
export function resolve(value: Value): Value {
  let at = value;
  while (at.same) at = at.same;
  if (value.same && value.same !== at) value.same = at;
  return at;
}

export function resolveArguments({ args }: Value): void {
  for (let i = 0; i < args.length; i++) args[i] = resolve(args[i] as Value);
}

/** Calls `visit` with each operand of a function's values, phis and ends, resolved. */
export function forEachOperand(f: IrFunction, visit: (operand: Value) => void): void {
  for (const { phis, values, end } of f.blocks) {
    for (const { args } of phis) for (let i = 0; i < args.length; i++) visit(resolve(args[i] as Value));
    for (const { args } of values) for (let i = 0; i < args.length; i++) visit(resolve(args[i] as Value));
    if (end?.kind === 'return') visit(resolve(end.value));
    if (end?.kind !== 'branch') continue;
    visit(resolve(end.left));
    visit(resolve(end.right));
  }
}

/** Sets how often each value of a function is used. */
export function countUses(f: IrFunction): void {
  for (const { phis, values } of f.blocks) {
    for (const phi of phis) phi.uses = 0;
    for (const value of values) value.uses = 0;
  }
  forEachOperand(f, (operand) => {
    operand.uses++;
  });
}

/** Operations without effects whose result depends on their arguments alone. */
export function isPure(value: Value): boolean {
  switch (value.op) {
    case 'load':
    case 'store':
    case 'helper':
    case 'call':
    case 'atomic':
    case 'asm':
    case 'asmResult':
    case 'packet':
      return false;
    default:
      return true;
  }
}

export const inverse: Readonly<Partial<Record<JumpOperation, JumpOperation>>> = {
  eq: 'ne',
  ne: 'eq',
  gt: 'le',
  le: 'gt',
  ge: 'lt',
  lt: 'ge',
  sgt: 'sle',
  sle: 'sgt',
  sge: 'slt',
  slt: 'sge',
};

export const swapped: Readonly<Record<JumpOperation, JumpOperation>> = {
  eq: 'eq',
  ne: 'ne',
  gt: 'lt',
  lt: 'gt',
  ge: 'le',
  le: 'ge',
  sgt: 'slt',
  slt: 'sgt',
  sge: 'sle',
  sle: 'sge',
  set: 'set',
};
