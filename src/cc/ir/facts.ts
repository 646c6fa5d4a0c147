import type { JumpOperation } from '../../isa/index.ts';
import { signedOf } from './fold.ts';
import { type Block, inverse, type Value } from './ir.ts';

/**
 * What branches tell about values: behind `if (x == 5)` x is 5, and the same question has the same answer. Facts hold
 * in the blocks that the branch's side dominates; who walks the dominator tree takes them back on the way out.
 */
export class BranchFacts {
  readonly #constants = new Map<Value, Value[]>();
  readonly #answers = new Map<string, boolean[]>();

  /** Takes in what the only way into a block tells. @returns how to take it back */
  enter(block: Block): (() => void) | undefined {
    const [pred, second] = block.preds;
    const end = pred?.end;
    if (!end || second || end.kind !== 'branch' || end.yes === end.no) return undefined;
    const { left, right, width } = end;
    const taken = end.yes === block;
    const answers = push(this.#answers, questionOf(end.condition, left, right, width), taken);
    const equal = end.condition === (taken ? 'eq' : 'ne') && left.width === width;
    const known = equal && right.op === 'const' && isImmediate(right) ? right : undefined;
    const constants = known && push(this.#constants, left, known);
    return () => {
      answers.pop();
      constants?.pop();
    };
  }

  /** The constant that a value is known to be, as an operand of `user`. */
  constantOf(value: Value, user: Value | undefined): Value {
    const known = this.#constants.get(value)?.at(-1);
    if (!known) return value;
    // A pointer that is NULL stays what it is, so that the verifier can say so where it is followed.
    const followed = value.width === 64 && known.constant === 0n && user !== undefined && user.op !== 'phi';
    return followed ? value : known;
  }

  /** Whether a branch is known to be taken. */
  answer(condition: JumpOperation, left: Value, right: Value, width: 32 | 64): boolean | undefined {
    const known = this.#answers.get(questionOf(condition, left, right, width))?.at(-1);
    const opposite = inverse[condition];
    if (known !== undefined || !opposite) return known;
    const other = this.#answers.get(questionOf(opposite, left, right, width))?.at(-1);
    return other === undefined ? undefined : !other;
  }
}

function push<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): Item[] {
  let list = map.get(key);
  if (!list) {
    list = [];
    map.set(key, list);
  }
  list.push(item);
  return list;
}

function questionOf(condition: JumpOperation, left: Value, right: Value, width: 32 | 64): string {
  return `${condition}${width}:${nameOf(left)}:${nameOf(right)}`;
}

function nameOf(value: Value): string {
  return value.op === 'const' ? `c${value.constant}` : `${value.id}`;
}

/** It costs no instruction of its own. */
function isImmediate(value: Value): boolean {
  const signed = signedOf(value.constant, value.width);
  return signed === signedOf(signed, 32);
}
