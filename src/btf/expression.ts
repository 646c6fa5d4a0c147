import { binaryValue } from '../base/index.ts';

/**
 * Expressions of format lines, and what C makes of their integers. Values are bigint and as wide as they come: a cast or
 * the conversion that prints them cuts them.
 */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: '-' | '~' | '!'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'conditional';
      readonly condition: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    }
  | { readonly kind: 'cast'; readonly bits: number; readonly signed: boolean; readonly operand: Expression }
  | { readonly kind: 'index'; readonly array: Expression; readonly index: Expression }
  | { readonly kind: 'symbolic'; readonly value: Expression; readonly labels: readonly Label[] }
  | {
      readonly kind: 'flags';
      readonly value: Expression;
      readonly separator: string;
      readonly labels: readonly Label[];
    }
  /** __get_str, __get_dynamic_array, __get_bitmask, __get_cpumask: the data behind a dynamic field. */
  | { readonly kind: 'dynamic'; readonly name: string }
  | { readonly kind: 'length'; readonly name: string }
  /** __print_hex and __print_hex_str. */
  | { readonly kind: 'hex'; readonly bytes: Expression; readonly length: Expression; readonly separator: string }
  | { readonly kind: 'elements'; readonly bytes: Expression; readonly count: Expression; readonly size: Expression };

/** A value with its name, of __print_symbolic; a mask with its name, of __print_flags. */
export interface Label {
  readonly value: bigint;
  readonly text: string;
}

/** The value of an expression without fields, or undefined. */
export function constantValue(expression: Expression): bigint | undefined {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'unary': {
      const operand = constantValue(expression.operand);
      return operand === undefined ? undefined : unaryValue(expression.operator, operand);
    }
    case 'binary': {
      const left = constantValue(expression.left);
      const right = constantValue(expression.right);
      return left === undefined || right === undefined ? undefined : binaryValue(expression.operator, left, right);
    }
    case 'cast': {
      const operand = constantValue(expression.operand);
      return operand === undefined ? undefined : castValue(expression, operand);
    }
    default:
      return undefined;
  }
}

export function castValue(type: { readonly bits: number; readonly signed: boolean }, value: bigint): bigint {
  return type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
}

export function unaryValue(operator: '-' | '~' | '!', value: bigint): bigint {
  return operator === '-' ? -value : operator === '~' ? ~value : value === 0n ? 1n : 0n;
}
