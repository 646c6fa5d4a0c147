/**
 * C's binary operators, for everything that reads a piece of C: how tightly each binds (C11 6.5.5 to 6.5.14), and what
 * it makes of integers.
 */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const tightness = new Map(levels.flatMap((row, level) => row.map((symbol) => [symbol, level + 1] as const)));

/** How somebody reads operands and operators, and what an operator between two operands is to them. */
export interface OperatorReader<Operator, Operand> {
  /** The token that comes next, '' at the end. */
  readonly next: string;
  takeOperator(): Operator;
  operand(): Operand;
  join(operator: Operator, left: Operand, right: Operand): Operand;
}

/** binary = operand { operator operand }, by precedence, from the left. */
export function readBinary<Operator, Operand>(reader: OperatorReader<Operator, Operand>, least = 1): Operand {
  let left = reader.operand();
  for (;;) {
    const level = tightness.get(reader.next) ?? 0;
    if (level < least) return left;
    const operator = reader.takeOperator();
    left = reader.join(operator, left, readBinary(reader, level + 1));
  }
}

/**
 * An operator on integers of any width; whoever wants a width cuts the result. A shift looks at six bits of its count.
 * Dividing by zero gives 0: who may not do so asks before.
 */
export function binaryValue(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0n ? 0n : left / right;
    case '%':
      return right === 0n ? 0n : left % right;
    case '<<':
      return left << (right & 63n);
    case '>>':
      return left >> (right & 63n);
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    default:
      return compare(operator, left, right) ? 1n : 0n;
  }
}

function compare(operator: string, left: bigint, right: bigint): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '&&':
      return left !== 0n && right !== 0n;
    default:
      return left !== 0n || right !== 0n;
  }
}

/** The low `bits` of a value with their bytes in the other order. @param bits a multiple of 8 */
export function swappedBytes(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let i = 0; i < bits; i += 8) result = (result << 8n) | ((value >> BigInt(i)) & 0xffn);
  return result;
}
