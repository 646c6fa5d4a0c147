import type { JumpOperation } from '../../isa/index.ts';
import { signedOf } from './fold.ts';
import { type Block, inverse, type Value } from './ir.ts';

/**
 * What branches tell about values: behind `if (x == 5)` x is 5, and the same question has the same answer. Facts hold
 * in the blocks that the branch's side dominates; who walks the dominator tree takes them back on the way out.
 */
export class BranchFacts {
  readonly #constants = new Map<Value, Value[]>();
  readonly #answers = new Map<Value | bigint, Answer[]>();
  /** What each block that was entered told, to be taken back. */
  readonly #entered: (Told | undefined)[] = [];

  /** Takes in what the only way into a block tells, until it is left. */
  enter(block: Block): void {
    this.#entered.push(this.#told(block));
  }

  #told(block: Block): Told | undefined {
    const [pred, second] = block.preds;
    const end = pred?.end;
    if (!end || second || end.kind !== 'branch' || end.yes === end.no) return undefined;
    const { condition, left, right, width } = end;
    const taken = end.yes === block;
    const answers = push(this.#answers, keyOf(left), { condition, width, right: keyOf(right), taken });
    const equal = condition === (taken ? 'eq' : 'ne') && left.width === width;
    const known = equal && right.op === 'const' && isImmediate(right) ? right : undefined;
    return { answers, constants: known && push(this.#constants, left, known) };
  }

  /** Forgets what the block told that was entered last. */
  leave(): void {
    const told = this.#entered.pop();
    told?.answers.pop();
    told?.constants?.pop();
  }

  /** The constant that a value is known to be, as an operand of `user`. */
  constantOf(value: Value, user: Value | undefined): Value {
    const known = this.#constants.get(value)?.at(-1);
    if (!known) return value;
    // A pointer that is NULL stays what it is, so that the verifier can say so where it is followed.
    const followed = value.width === 64 && known.constant === 0n && user !== undefined && user.op !== 'phi';
    return followed ? value : known;
  }

  /** How many tests of a value are known to have been passed. */
  testsOf(value: Value): number {
    return this.#answers.get(value)?.length ?? 0;
  }

  /** Whether a branch is known to be taken. */
  answer(condition: JumpOperation, left: Value, right: Value, width: 32 | 64): boolean | undefined {
    const answers = this.#answers.get(keyOf(left));
    if (!answers || answers.length === 0) return undefined;
    const known = find(answers, condition, keyOf(right), width);
    const opposite = inverse[condition];
    if (known || !opposite) return known?.taken;
    const other = find(answers, opposite, keyOf(right), width);
    return other && !other.taken;
  }
}

/** What a branch on a value answered. */
interface Answer {
  readonly condition: JumpOperation;
  readonly width: 32 | 64;
  readonly right: Value | bigint;
  readonly taken: boolean;
}

interface Told {
  readonly answers: Answer[];
  readonly constants: Value[] | undefined;
}

/** Answers about one value that are looked through: a switch of thousands of cases asks as many times. */
const mostAsked = 64;

function find(
  answers: readonly Answer[],
  condition: JumpOperation,
  right: Value | bigint,
  width: 32 | 64,
): Answer | undefined {
  const end = Math.max(0, answers.length - mostAsked);
  for (let i = answers.length - 1; i >= end; i--) {
    const one = answers[i] as Answer;
    if (one.condition === condition && one.right === right && one.width === width) return one;
  }
  return undefined;
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

/** Constants are known by what they are. */
function keyOf(value: Value): Value | bigint {
  return value.op === 'const' ? value.constant : value;
}

/** It costs no instruction of its own. */
function isImmediate(value: Value): boolean {
  const signed = signedOf(value.constant, value.width);
  return signed === signedOf(signed, 32);
}
