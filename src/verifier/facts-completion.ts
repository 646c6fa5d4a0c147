import type { Environment } from './environment.ts';
import type { FactCollector } from './facts.ts';
import { asScalar, covers } from './prune.ts';
import { type Register, scalarRegister, unknownScalar } from './register.ts';
import { Rejection } from './rejection.ts';
import type { Scalar } from './scalar.ts';
import { type Frame, isSpill, StackSlot, type State } from './state.ts';
import { unionTnum } from './tnum.ts';

/**
 * After the verdict: a path that was stopped may bring numbers that the state where it stopped does not hold. They do
 * not matter to the verdict, but what is said of registers behind that state must be true of them too. So each such
 * state is made wider, and walked on from once more, silently, until every path ends in a state that holds all it
 * brings.
 */
export function completeFacts(env: Environment, facts: FactCollector, step: (env: Environment) => boolean): void {
  if (facts.stopped.length === 0) return;
  const walk = new Completion(env, facts, step);
  env.log.silence();
  env.backtracker.isOff = true;
  try {
    if (!walk.run()) facts.distrust();
  } catch (fault) {
    // What does not matter to the verdict changed it: nothing can be said of numbers.
    if (!(fault instanceof Rejection)) throw fault;
    facts.distrust();
  }
}

/** A large program loads soon rather than with facts about its numbers: each step is compared with many states. */
const mostSteps = 12_000;
/** From the third time on a number that grows is any number. */
const mostWidenings = 2;

class Completion {
  readonly #env: Environment;
  readonly #facts: FactCollector;
  readonly #step: (env: Environment) => boolean;
  /** Instructions that may be walked over. */
  #left: number;
  #jumps = 0;
  #slots = 0;
  /** States that were added here: nobody knows what matters behind them. */
  readonly #added = new Set<State>();

  constructor(env: Environment, facts: FactCollector, step: (env: Environment) => boolean) {
    this.#env = env;
    this.#facts = facts;
    this.#step = step;
    this.#left = Math.min(env.processed * 4 + 20_000, mostSteps);
  }

  /** @returns whether it came to its end */
  run(): boolean {
    const { stopped } = this.#facts;
    for (let pair = stopped.pop(); pair; pair = stopped.pop()) {
      if (covers(this.#env, pair.old, pair.now, 'values')) continue;
      widen(this.#env, pair.old, pair.now);
      this.#goFrom(pair.old);
      if (!this.#walk()) return false;
    }
    return true;
  }

  #goFrom(state: State): void {
    const env = this.#env;
    env.state = state.copy();
    env.state.parent = undefined;
    env.slot = state.slot;
    env.previous = state.lastSlot;
  }

  #walk(): boolean {
    const env = this.#env;
    for (let isFirst = true; ; isFirst = false) {
      if (--this.#left < 0) return false;
      env.begin();
      const ends = !isFirst && env.prunePoint[env.slot] === 1 && this.#ends();
      if (!ends) {
        this.#facts.visit(env);
        env.previous = env.slot;
        env.liveness.begin();
        if (this.#step(env)) continue;
      }
      const next = env.pending.pop();
      if (!next) return true;
      env.state = next.state;
      env.slot = next.slot;
      env.previous = next.previous;
    }
  }

  /** Whether a state here holds all that the path brings; one that would do but for numbers is made wider. */
  #ends(): boolean {
    const env = this.#env;
    const { state, slot } = env;
    const list = env.visited.at(state, slot).filter((entry) => entry.state.slot === slot);
    if (list.some((entry) => covers(env, entry.state, state, 'values'))) return true;
    const near = list.find((entry) => !this.#added.has(entry.state) && covers(env, entry.state, state, 'precise'));
    if (near) {
      widen(env, near.state, state);
      this.#goFrom(near.state);
      env.begin();
      return false;
    }
    if (env.jumps - this.#jumps >= 2 || this.#left + 8 <= this.#slots) {
      this.#jumps = env.jumps;
      this.#slots = this.#left;
      const kept = state.copy();
      this.#added.add(kept);
      env.visited.at(state, slot).push({ state: kept, hits: 0, misses: 0 });
    }
    return false;
  }
}

/** Makes a stored state hold whatever a path brings in numbers that do not matter. */
function widen(env: Environment, old: State, now: State): void {
  const isLast = old.widenings++ >= mostWidenings;
  for (const [number, frame] of old.frames.entries()) {
    const other = now.frames[number] as Frame;
    const live = env.liveRegisters[old.slotOf(number)] as number;
    for (let register = 0; register < 10; register++) {
      if (((live >>> register) & 1) === 0) continue;
      frame.registers[register] = wider(frame.register(register), other.register(register), isLast);
    }
    for (const [index, slot] of frame.slots.entries()) {
      if (!isSpill(slot)) continue;
      const spilled = other.slot(index);
      const brought = asScalar(spilled) ?? spilled.register;
      const widened = wider(slot.register, brought, isLast);
      if (widened !== slot.register) frame.slots[index] = new StackSlot(slot.types, widened);
    }
  }
}

/** Two copies of a number that does not matter need not be copies on the other path. */
function wider(old: Register, now: Register, isLast: boolean): Register {
  if (!old.isScalar || old.precise || !now.isScalar) return old;
  return isLast ? unknownScalar : scalarRegister(joined(old.scalar, now.scalar));
}

function joined(a: Scalar, b: Scalar): Scalar {
  const result = a.draft();
  result.bits = unionTnum(a.bits, b.bits);
  if (b.umin < a.umin) result.umin = b.umin;
  if (b.umax > a.umax) result.umax = b.umax;
  if (b.smin < a.smin) result.smin = b.smin;
  if (b.smax > a.smax) result.smax = b.smax;
  result.umin32 = Math.min(a.umin32, b.umin32);
  result.umax32 = Math.max(a.umax32, b.umax32);
  result.smin32 = Math.min(a.smin32, b.smin32);
  result.smax32 = Math.max(a.smax32, b.smax32);
  return result;
}
