import { binaryValue } from '../../base/index.ts';
import type { Expression, Statement, Variable } from '../syntax/ast.ts';
import { sizeOf } from '../types/types.ts';
import type { Lowering } from './lowering.ts';

/** Loops: as they are, or unrolled where `#pragma unroll` asks for it or their count is small and known. */
type Loop = Extract<Statement, { kind: 'loop' }>;

/** More values than this come only of a loop that was unrolled too far. */
const mostValues = 100_000;

export class LoopLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  lower(s: Loop): void {
    if (s.initial)
      for (const one of s.initial.kind === 'block' ? s.initial.body : [s.initial]) this.#l.statements.lower(one);
    const times = s.unroll < 0 ? tripCount(s, -s.unroll) : s.unroll;
    const steps = s.unroll === 0 ? pointerSteps(s) : 0;
    if (times > 0) this.#unrolled(s, times, false);
    else if (steps > 0) this.#unrolled(s, steps, true);
    else this.#rolled(s);
  }

  #rolled(s: Loop): void {
    const { builder, expressions, frame } = this.#l;
    const exit = builder.block();
    builder.loops++;
    const header = builder.block();
    const body = builder.block();
    const step = builder.block();
    builder.loops--;
    builder.goto(s.testLast ? body : header);
    if (!s.testLast) {
      builder.current = header;
      if (s.test) expressions.branch(s.test, body, exit);
      else builder.goto(body);
      builder.seal(body);
    }
    builder.loops++;
    builder.current = body;
    frame.loops.push({ breakTo: exit, continueTo: step });
    this.#l.statements.part(s.body);
    frame.loops.pop();
    builder.goto(step);
    builder.seal(step);
    builder.current = step;
    if (s.step) expressions.effect(s.step);
    if (s.testLast) {
      if (s.test) expressions.branch(s.test, body, exit);
      else builder.goto(body);
      builder.seal(body);
      builder.seal(header);
    } else {
      builder.goto(header);
      builder.seal(header);
    }
    builder.loops--;
    builder.seal(exit);
    builder.current = exit;
  }

  /**
   * The body again and again, while the condition is not known to be false.
   * @param rolledBehind what is left after that many times is a loop
   */
  #unrolled(s: Loop, times: number, rolledBehind: boolean): void {
    const { builder, expressions, frame, diagnostics } = this.#l;
    const exit = builder.block();
    for (let i = 0; ; i++) {
      if (rolledBehind && (i > times || builder.count > mostValues)) {
        this.#rolled(s);
        break;
      }
      if (s.test && (!s.testLast || i > 0)) {
        const body = builder.block();
        expressions.branch(s.test, body, exit);
        builder.seal(body);
        builder.current = body;
      }
      if (builder.dead) break;
      if (!rolledBehind && (i >= times || builder.count > mostValues)) {
        diagnostics.error(s.at, 'this loop cannot be unrolled: its end is not known', 'give it a constant bound');
        break;
      }
      const step = builder.block();
      frame.loops.push({ breakTo: exit, continueTo: step });
      builder.inScope(() => this.#l.statements.lower(s.body));
      frame.loops.pop();
      builder.goto(step);
      builder.seal(step);
      builder.current = step;
      if (builder.dead) break;
      if (s.step) expressions.effect(s.step);
    }
    builder.goto(exit);
    builder.seal(exit);
    builder.current = exit;
  }
}

/** How often a loop that counts by a constant runs, when that is at most `most` and can be seen; else 0. */
function tripCount({ initial, test, step, testLast }: Loop, most: number): number {
  const first = initial?.kind === 'block' && initial.body.length === 1 ? initial.body[0] : undefined;
  if (testLast || first?.kind !== 'declare' || test?.kind !== 'compare' || step?.kind !== 'update') return 0;
  const start = first.variable.initial?.entries[0]?.value;
  const counts = (e: Expression): boolean =>
    e.kind === 'cast' ? counts(e.base) : e.kind === 'variable' && e.variable === first.variable;
  const { left, right, op } = test;
  const known = start?.kind === 'number' && right.kind === 'number' && step.right.kind === 'number';
  if (!known || !counts(left) || !counts(step.left) || (step.op !== '+' && step.op !== '-')) return 0;
  const by = step.op === '+' ? step.right.value : -step.right.value;

  const goesOn = (value: bigint): boolean => binaryValue(op, value, right.value) !== 0n;
  let times = 0;
  for (let value = start.value; goesOn(value) && times <= most; value += by) times++;
  return times > most ? 0 : times;
}

/** Most steps of a pointer that are unrolled unasked. */
const mostSteps = 32;

/**
 * How often `for (p = a; p < a + n; p++)` runs, when that can be seen and is not often; else 0. The verifier does not
 * compare pointers to the stack or to a map's value, so such a loop has no end for it.
 */
function pointerSteps({ initial, test, step, testLast }: Loop): number {
  const first = initial?.kind === 'block' && initial.body.length === 1 ? initial.body[0] : undefined;
  if (testLast || first?.kind !== 'declare' || test?.kind !== 'compare' || step?.kind !== 'update') return 0;
  const { type, initial: value } = first.variable;
  if (type.kind !== 'pointer' || step.op !== '+' || step.right.kind !== 'number') return 0;
  const start = value?.entries[0] && withinObject(value.entries[0].value);
  const end = withinObject(test.right);
  const counter = withoutCasts(test.left);
  if (!start || !end || start.object !== end.object || counter.kind !== 'variable') return 0;
  if (counter.variable !== first.variable || (test.op !== '<' && test.op !== '!=')) return 0;
  const steps = (end.offset - start.offset) / (sizeOf(type.target) * Number(step.right.value));
  return steps > 0 && steps <= mostSteps ? Math.ceil(steps) : 0;
}

function withoutCasts(e: Expression): Expression {
  return e.kind === 'cast' ? withoutCasts(e.base) : e;
}

/** The variable that an address lies in, and how many bytes behind its start. */
function withinObject(address: Expression): { readonly object: Variable; readonly offset: number } | undefined {
  const e = withoutCasts(address);
  if (e.kind === 'variable') return e.type.kind === 'pointer' ? undefined : { object: e.variable, offset: 0 };
  if (e.kind === 'address') return withinObject(e.base);
  if (e.kind === 'member') {
    const outer = withinObject(e.base);
    return outer && { ...outer, offset: outer.offset + e.member.offset };
  }
  if (e.kind !== 'binary' || e.right.kind !== 'number' || e.type.kind !== 'pointer') return undefined;
  const base = withinObject(e.left);
  const by = Number(e.right.value) * sizeOf(e.type.target);
  return base && { ...base, offset: base.offset + (e.op === '-' ? -by : by) };
}
