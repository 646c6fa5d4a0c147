import type { Instruction, JumpOperation } from '../../isa/index.ts';
import type { Values } from './values.ts';

const comparisons: Readonly<
  Record<JumpOperation, (unsigned: readonly [bigint, bigint], signed: readonly [bigint, bigint]) => boolean>
> = {
  eq: ([a, b]) => a === b,
  ne: ([a, b]) => a !== b,
  gt: ([a, b]) => a > b,
  ge: ([a, b]) => a >= b,
  lt: ([a, b]) => a < b,
  le: ([a, b]) => a <= b,
  sgt: (_, [a, b]) => a > b,
  sge: (_, [a, b]) => a >= b,
  slt: (_, [a, b]) => a < b,
  sle: (_, [a, b]) => a <= b,
  set: ([a, b]) => (a & b) !== 0n,
};

/** Whether a jump is taken, where what it compares is known; else undefined. */
export function decide(instruction: Instruction, values: Values): boolean | undefined {
  if (instruction.kind !== 'jump') return undefined;
  const { op, width, dst, src } = instruction;
  const left = values.constant(dst);
  const right = src.kind === 'imm' ? BigInt(src.imm) : values.constant(src.register);
  if (left === undefined || right === undefined) return undefined;
  const unsigned = [BigInt.asUintN(width, left), BigInt.asUintN(width, right)] as const;
  const signed = [BigInt.asIntN(width, left), BigInt.asIntN(width, right)] as const;
  return comparisons[op](unsigned, signed);
}
