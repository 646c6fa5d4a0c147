import type { Size } from '../../isa/index.ts';
import type { Value } from '../ir/ir.ts';
import type { Expression } from '../syntax/ast.ts';
import type { AtomicOperation } from '../syntax/builtins.ts';
import { sizeOf } from '../types/types.ts';
import { targetOf } from './calls.ts';
import type { Lowering } from './lowering.ts';

/** gcc's `__sync_` and `__atomic_` builtins as BPF's atomic instructions; each of them is a full barrier already. */
const instructions = { add: 'fetchAdd', sub: 'fetchAdd', or: 'fetchOr', and: 'fetchAnd', xor: 'fetchXor' } as const;

export class AtomicLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  lower({ name, args }: Extract<Expression, { kind: 'builtin' }>): Value {
    const { builder, expressions } = this.#l;
    const target = targetOf(args[0] as Expression);
    const size = sizeOf(target) as Size;
    const width = size === 8 ? 64 : 32;
    const address = expressions.value(args[0] as Expression);
    if (name === '__atomic_load_n') {
      return expressions.extend(builder.load(address, 0, size, { volatile: true }), target);
    }
    if (name === '__atomic_compare_exchange_n') return this.#compareExchange(address, args, size);
    const operand = expressions.value(args[1] as Expression);
    if (name === '__atomic_store_n') {
      builder.store(address, 0, size, operand);
      return operand;
    }
    if (/compare_and_swap/.test(name)) {
      const fresh = expressions.value(args[2] as Expression);
      const old = builder.emit('atomic', width, [address, fresh, operand], { atomic: 'cmpxchg', size });
      return name.includes('bool') ? builder.compare('eq', old, operand) : old;
    }
    if (/exchange|test_and_set|__sync_swap/.test(name)) {
      return builder.emit('atomic', width, [address, operand], { atomic: 'xchg', size });
    }
    return this.#fetch(name, address, operand, size);
  }

  /** What was there before, or, of `op_and_fetch` and `op_fetch`, what is there now. */
  #fetch(name: string, address: Value, operand: Value, size: Size): Value {
    const { builder } = this.#l;
    const { width } = operand;
    const op = /_(add|sub|or|and|xor)(?:_and_fetch|_fetch)?$/.exec(name)?.[1] as AtomicOperation;
    const by = op === 'sub' ? builder.binary('sub', builder.constant(0n, width), operand) : operand;
    const old = builder.emit('atomic', width, [address, by], { atomic: instructions[op], size });
    return name.endsWith('fetch') ? builder.binary(op, old, operand) : old;
  }

  /** Whether it was as expected; when not, what it was goes to where the expected value is. */
  #compareExchange(address: Value, args: readonly Expression[], size: Size): Value {
    const { builder, expressions } = this.#l;
    const expected = expressions.value(args[1] as Expression);
    const wanted = builder.load(expected, 0, size);
    const fresh = expressions.value(args[2] as Expression);
    const old = builder.emit('atomic', fresh.width, [address, fresh, wanted], { atomic: 'cmpxchg', size });
    builder.store(expected, 0, size, old);
    return builder.compare('eq', old, wanted);
  }
}
