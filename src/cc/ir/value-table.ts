import type { Value } from './ir.ts';

/**
 * Values found by what they compute, the latest first, of which the last ones can be forgotten again. Chains of entries
 * hang on buckets by a hash of the operation and its operands; keys made of text took three times as long.
 */
export class ValueTable {
  count = 0;
  readonly #buckets: Int32Array;
  readonly #next: Int32Array;
  readonly #bucketOf: Int32Array;
  readonly #values: Value[] = [];
  readonly #kinds: Int32Array;

  /** @param most values that it may have to hold */
  constructor(most: number) {
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(most + 16))).fill(-1);
    this.#next = new Int32Array(most);
    this.#bucketOf = new Int32Array(most);
    this.#kinds = new Int32Array(most);
  }

  /**
   * A value that is known to compute the same; undefined where there was none, and this one is it from now on.
   * @param kind values of different kinds are not the same
   */
  findOrAdd(value: Value, kind: number): Value | undefined {
    const bucket = hashOf(value) & (this.#buckets.length - 1);
    for (let at = this.#buckets[bucket] as number; at >= 0; at = this.#next[at] as number) {
      const known = this.#values[at] as Value;
      if (this.#kinds[at] === kind && computesSame(known, value)) return known;
    }
    this.#next[this.count] = this.#buckets[bucket] as number;
    this.#bucketOf[this.count] = bucket;
    this.#values[this.count] = value;
    this.#kinds[this.count] = kind;
    this.#buckets[bucket] = this.count++;
    return undefined;
  }

  /** Forgets all values but the first `count`. */
  forget(count: number): void {
    while (this.count > count) {
      this.count--;
      this.#buckets[this.#bucketOf[this.count] as number] = this.#next[this.count] as number;
    }
  }
}

function hashOf({ op, width, args, imm, offset, size, slot, table }: Value): number {
  let hash = slot ? slot.number * 17 : table ? textHash(table.name) : 0;
  hash += op.charCodeAt(0) * 31 + op.charCodeAt(op.length - 1) + width + imm * 7 + offset * 13 + size;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as Value;
    hash = Math.imul(hash, 0x9e3779b1) + (arg.op === 'const' ? Number(arg.constant) : arg.id);
  }
  return hash ^ (hash >>> 15);
}

function textHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i);
  return hash;
}

function computesSame(a: Value, b: Value): boolean {
  if (a.op !== b.op || a.width !== b.width || a.imm !== b.imm || a.offset !== b.offset || a.size !== b.size)
    return false;
  if (a.condition !== b.condition || a.slot !== b.slot || a.section !== b.section || a.callee !== b.callee)
    return false;
  if (a.table?.name !== b.table?.name || a.args.length !== b.args.length) return false;
  for (let i = 0; i < a.args.length; i++) {
    if (!isSame(a.args[i] as Value, b.args[i] as Value)) return false;
  }
  return true;
}

/** Constants are equal by what they are, at any width. */
function isSame(a: Value, b: Value): boolean {
  return a === b || (a.op === 'const' && b.op === 'const' && a.constant === b.constant);
}
