import { simplifyFlow, splitCriticalEdges } from './flow.ts';
import { type IrFunction, isPure, resolve, type Value } from './ir.ts';
import { forwardStores, removeDeadStores } from './memory-passes.ts';
import { numberValues } from './numbering.ts';
import { expandProbeReads } from './probe-reads.ts';
import type { ProvenanceOptions } from './provenance.ts';
import { threadJumps } from './threading.ts';

/** The passes over SSA, in their order. */
export function optimise(f: IrFunction, origin: ProvenanceOptions): void {
  const passes = new Passes(f, origin);
  passes.run(simplifyFlow);
  passes.run(numberValues);
  passes.run(forwardStores);
  removeUnused(f);
  passes.run(expandProbeReads);
  for (let round = 0; round < 2; round++) {
    passes.run(forwardStores);
    passes.run(numberValues);
    passes.run(simplifyFlow);
    if (passes.run(threadJumps)) passes.run(simplifyFlow);
  }
  passes.run(removeDeadStores);
  passes.run(removeUnused);
  passes.run(simplifyFlow);
  splitCriticalEdges(f);
}

/** A pass tells whether it changed anything. */
type Pass = (f: IrFunction, origin: ProvenanceOptions) => boolean;

/** Runs passes over a function: one that found nothing only when something has changed since. */
class Passes {
  readonly #f: IrFunction;
  readonly #origin: ProvenanceOptions;
  #changes = 0;
  /** How many changes there had been when a pass found nothing. */
  readonly #idleAt = new Map<Pass, number>();

  constructor(f: IrFunction, origin: ProvenanceOptions) {
    this.#f = f;
    this.#origin = origin;
  }

  run(pass: Pass): boolean {
    if (this.#idleAt.get(pass) === this.#changes) return false;
    const changed = pass(this.#f, this.#origin);
    if (changed) this.#changes++;
    else this.#idleAt.set(pass, this.#changes);
    return changed;
  }
}

/**
 * Keeps what has effects and what that needs; an atomic operation whose result nobody wants fetches none.
 * @returns whether something went away
 */
function removeUnused(f: IrFunction): boolean {
  markUsed(f);
  let changed = false;
  for (const { values, phis } of f.blocks) {
    const all = values.length + phis.length;
    keep(values, (value) => value.uses > 0 || hasEffects(value));
    keep(phis, ({ uses }) => uses > 0);
    if (values.length + phis.length < all) changed = true;
    for (const value of values) if (value.op === 'atomic' && value.uses === 0) withoutFetch(value);
  }
  return changed;
}

/** Sets `uses` of values that effects and ends of blocks need, directly or not, to 1, and that of all others to 0. */
function markUsed(f: IrFunction): void {
  const pending: Value[] = [];
  const need = (operand: Value): void => {
    const value = resolve(operand);
    if (value.uses > 0) return;
    value.uses = 1;
    if (value.args.length > 0) pending.push(value);
  };
  for (const { phis, values } of f.blocks) {
    for (const phi of phis) phi.uses = 0;
    for (const value of values) {
      value.uses = 0;
      if (hasEffects(value)) pending.push(value);
    }
  }
  for (const { end } of f.blocks) {
    if (end?.kind === 'return') need(end.value);
    if (end?.kind !== 'branch') continue;
    need(end.left);
    need(end.right);
  }
  for (let value = pending.pop(); value; value = pending.pop()) {
    for (let i = 0; i < value.args.length; i++) need(value.args[i] as Value);
  }
}

function hasEffects(value: Value): boolean {
  return !isPure(value) && (value.op !== 'load' || value.volatile);
}

/** Takes out of a list what does not pass a test. */
function keep(list: Value[], test: (value: Value) => boolean): void {
  let kept = 0;
  for (let i = 0; i < list.length; i++) {
    const value = list[i] as Value;
    if (test(value)) list[kept++] = value;
  }
  if (kept < list.length) list.length = kept;
}

function withoutFetch(value: Value): void {
  const plain = { fetchAdd: 'add', fetchOr: 'or', fetchAnd: 'and', fetchXor: 'xor' } as const;
  if (Object.hasOwn(plain, value.atomic)) value.atomic = plain[value.atomic as keyof typeof plain];
}
