import type { Value } from '../ir/ir.ts';
import type { Expression } from '../syntax/ast.ts';
import { alignOf, printCType, sizeOf } from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import type { MemoryPlace } from './places.ts';

/** Struct values: each is a place in memory. */
export class AggregateLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  /** The place of a struct value. */
  place(e: Expression): MemoryPlace {
    const { builder, expressions, places, calls, diagnostics } = this.#l;
    switch (e.kind) {
      case 'variable':
      case 'member':
      case 'deref':
      case 'literal':
        return places.memoryPlace(e);
      case 'assign': {
        const place = places.memoryPlace(e.left);
        places.assignAggregate(place, e.right);
        return place;
      }
      case 'comma':
        expressions.effect(e.left);
        return this.place(e.right);
      case 'cast':
        return { ...this.place(e.base), type: e.type };
      case 'call': {
        const slot = builder.slot('', sizeOf(e.type), alignOf(e.type));
        const place = places.memory(builder.stack(slot), e.type);
        calls.call(e, places.pointer(place));
        return place;
      }
      case 'statements': {
        const value = this.#l.statements.valueOf(e.body);
        return places.memory(value ?? builder.constant(0n, 64), e.type);
      }
      case 'conditional': {
        const slot = builder.slot('', sizeOf(e.type), alignOf(e.type));
        const place = places.memory(builder.stack(slot), e.type);
        const copy = (from: Expression) => (): Value => {
          places.copy(place, this.place(from), sizeOf(e.type));
          return builder.constant(0n, 32);
        };
        expressions.choose((yes, no) => expressions.branch(e.test, yes, no), copy(e.yes ?? e.test), copy(e.no), 32, {});
        return place;
      }
      default:
        diagnostics.error(e.at, `a '${printCType(e.type)}' is not made this way`);
        return places.memory(builder.constant(0n, 64), e.type);
    }
  }
}
