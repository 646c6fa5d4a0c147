import { addressOf } from '../ir/decide.ts';
import type { Expression, Statement, Variable } from '../syntax/ast.ts';
import { leaning } from '../syntax/parts.ts';
import { mostSteps, tripCount } from '../syntax/trip-count.ts';
import { Weights } from '../syntax/weight.ts';
import { sizeOf } from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import { comparedTarget, testOfPointers } from './pointers.ts';

/** Loops: as they are, or unrolled where `#pragma unroll` asks for it or their count is small and known. */
type Loop = Extract<Statement, { kind: 'loop' }>;

/** More values and blocks than this come only of a loop that was unrolled too far. */
const mostValues = 100_000;

export class LoopLowering {
  readonly #l: Lowering;
  readonly #weights = new Weights();
  readonly #unrolledWeights = new Weights(true);

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  lower(s: Loop): void {
    if (s.initial)
      for (const one of s.initial.kind === 'block' ? s.initial.body : [s.initial]) this.#l.statements.lower(one);
    if (s.entered) {
      this.#rolled(s);
      return;
    }
    const few = s.unroll < 0 ? tripCount(s, -s.unroll) : this.#fewSteps(s.test) || this.#fewRounds(s);
    if (s.unroll > 0 && this.#countsInMemory(s)) this.#rolled(s);
    else if (s.unroll > 0) this.#unrolled(s, s.unroll, false);
    else if (few > 0) this.#unrolled(s, few, true);
    else this.#rolled(s);
  }

  /** Whether nobody will know when the loop ends, as clang does not: what its test looks at lies in memory. */
  #countsInMemory(s: Loop): boolean {
    const counters = s.test ? variablesOf(s.test) : [];
    if (counters.length === 0 || counters.some((one) => this.#l.places.inRegister(one))) return false;
    const hint = `take the address of a copy: 'typeof(${counters[0]?.name}) copy = ${counters[0]?.name};'`;
    this.#l.diagnostics.warning(s.at, 'this loop is not unrolled: its counter lies in memory', hint);
    return true;
  }

  /**
   * How often a small loop of a known count runs, else 0. Its counter is then a constant in each round, so an array in
   * the context, which the verifier reads at constant places only, can be gone through.
   */
  #fewRounds(s: Loop): number {
    const times = tripCount(s, mostSteps);
    if (times === 0 || times * (this.#weights.of(s.body) + 1) > smallLoop) return 0;
    return times * (this.#unrolledWeights.of(s.body) + 1) <= smallLoops ? times : 0;
  }

  /** How often a loop over pointers runs at most, when that is known and not often; else 0. */
  #fewSteps(test: Expression | undefined): number {
    return this.#steps(test) <= mostSteps ? mostSteps : 0;
  }

  /**
   * How many elements lie between the pointers that the test compares; infinitely many where that is not known. The
   * verifier does not compare pointers to the stack or to a map's value, so a loop over them has no end for it.
   */
  #steps(test: Expression | undefined): number {
    const compared = test && testOfPointers(test);
    const target = compared && comparedTarget(compared.left);
    if (!target) return Infinity;
    const { expressions } = this.#l;
    const [a, b] = [addressOf(expressions.value(compared.left)), addressOf(expressions.value(compared.right))];
    if (a.object !== b.object) return Infinity;
    return Math.abs(Number(b.offset - a.offset)) / Math.max(1, sizeOf(target));
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

  /** The labels of a round are reached from within it alone; the next has its own. */
  #closeLabels(labels: readonly string[]): void {
    const { builder, frame } = this.#l;
    for (const name of labels) {
      const block = frame.labels.get(name);
      if (block) builder.seal(block);
      frame.labels.delete(name);
    }
  }

  /**
   * The body again and again, while the condition is not known to be false.
   * @param rolledBehind what is left after that many times, or when nobody knows how many are left, is a loop
   */
  #unrolled(s: Loop, times: number, rolledBehind: boolean): void {
    const { builder, expressions, frame, diagnostics } = this.#l;
    const exit = builder.block();
    for (let i = 0; ; i++) {
      if (rolledBehind) {
        const lost = s.test && testOfPointers(s.test) && this.#steps(s.test) === Infinity;
        if (i > times || builder.count > mostValues || lost) {
          this.#rolled(s);
          break;
        }
      }
      if (s.test && (!s.testLast || i > 0)) {
        const body = builder.block();
        expressions.branch(s.test, body, exit);
        builder.seal(body);
        builder.current = body;
      }
      if (builder.dead) break;
      if (!rolledBehind && builder.count > mostValues) {
        diagnostics.abandon(
          s.at,
          'this loop cannot be unrolled: it becomes too much code',
          'unroll fewer loops in loops',
        );
      }
      if (!rolledBehind && i >= times) {
        diagnostics.error(s.at, 'this loop cannot be unrolled: its end is not known', 'give it a constant bound');
        break;
      }
      const step = builder.block();
      frame.loops.push({ breakTo: exit, continueTo: step });
      builder.inScope(() => this.#l.statements.lower(s.body));
      frame.loops.pop();
      this.#closeLabels(s.labels);
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

/** The variables that a condition compares. */
function variablesOf(e: Expression): Variable[] {
  switch (e.kind) {
    case 'variable':
      return [e.variable];
    case 'cast':
    case 'not':
      return variablesOf(e.base);
    case 'compare':
    case 'update':
      return [...variablesOf(e.left), ...variablesOf(e.right)];
    case 'logical':
    case 'binary':
      return leaning(e).flatMap(({ left, right }, i) => [...(i === 0 ? variablesOf(left) : []), ...variablesOf(right)]);
    default:
      return [];
  }
}

/** A loop that comes to no more instructions than these is unrolled unasked, as clang does. */
const smallLoop = 150;
/** The same with the loops in it, which are unrolled too. */
const smallLoops = 2000;
