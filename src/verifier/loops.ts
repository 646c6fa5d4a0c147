import type { Environment, Explored } from './environment.ts';
import { markAllPrecise, propagatePrecise } from './precision.ts';
import type { State } from './state.ts';

/**
 * Loops that a path may leave off in the middle: where an iteration of a callback, an iterator or a may_goto brings
 * nothing new the path stops at a state that has not come to its end. What will matter behind that state is known only
 * when all paths through the loop have ended, and is then carried round the loop until nothing is new
 * (kernel/bpf/verifier.c: compute_scc, maybe_enter_scc, propagate_backedges).
 */
interface Backedge {
  readonly state: State;
  readonly equal: State;
}

/** The paths that are under way through one loop, as it is reached through one chain of calls. */
export interface Visit {
  entry: State | undefined;
  backedges: Backedge[];
}

const mostRounds = 64;

export class Loops {
  readonly #env: Environment;
  readonly #visits = new Map<string, Visit>();
  /** For each slot the number of the loop that it belongs to; 0 for none. */
  #loopOf: Int32Array | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The number of the loop that a slot belongs to; 0 for none. */
  of(slot: number): number {
    if (this.#env.successors.isForward) return 0;
    this.#loopOf ??= findLoops(this.#env);
    return this.#loopOf[slot] as number;
  }

  /** `(7,2)`: the calls down to the first loop that a state stands in, and the loop. */
  #key(state: State): string | undefined {
    if (this.#env.successors.isForward) return undefined;
    let key = '(';
    for (let frame = 0; frame < state.frames.length; frame++) {
      const slot = state.slotOf(frame);
      const loop = this.of(slot);
      if (loop !== 0) return `${key}${loop})`;
      key += `${slot},`;
    }
    return undefined;
  }

  #visit(state: State): Visit | undefined {
    if (state.visit === null) return undefined;
    if (state.visit) return state.visit;
    const key = this.#key(state);
    return key === undefined ? undefined : this.#visits.get(key);
  }

  /** A state was stored. */
  enter(state: State): void {
    const key = this.#key(state);
    state.visit = null;
    if (key === undefined) return;
    let visit = this.#visits.get(key);
    if (!visit) {
      visit = { entry: undefined, backedges: [] };
      this.#visits.set(key, visit);
    }
    state.visit = visit;
    if (visit.entry) return;
    visit.entry = state;
    if (this.#env.log.full) this.#env.say(`SCC enter ${key}`);
  }

  /** All paths that began at a stored state have ended. */
  leave(state: State): void {
    const env = this.#env;
    const visit = this.#visit(state);
    if (!visit || visit.entry !== state) return;
    if (env.log.full) env.say(`SCC exit ${this.#key(state)}`);
    visit.entry = undefined;
    env.countStates();
    env.backedges -= visit.backedges.length;
    for (let round = 0, changed = visit.backedges.length > 0; changed; round++) {
      changed = false;
      if (round > mostRounds) {
        if (env.log.full) env.log.write('propagate_backedges: too many iterations\n');
        for (const each of visit.backedges) markAllPrecise(env, each.state);
        break;
      }
      for (const each of visit.backedges) if (propagatePrecise(env, each.equal, each.state)) changed = true;
    }
    visit.backedges = [];
  }

  /** Whether it is not known yet what will matter behind a stored state. */
  isOpen(state: State): boolean {
    return (this.#visit(state)?.backedges.length ?? 0) > 0;
  }

  /** The present path stopped at a state that is still under way. */
  close(entry: Explored, state: State): void {
    const copy = state.copy();
    copy.parent = state.parent;
    const key = this.#key(entry.state) as string;
    if (this.#env.log.full) this.#env.say(`SCC backedge ${key}`);
    this.#visits.get(key)?.backedges.push({ state: copy, equal: entry.state });
    this.#env.backedges++;
    this.#env.countStates();
  }
}

/** Strongly connected parts of the control flow of more than one slot, numbered (Tarjan 1972). */
function findLoops(env: Environment): Int32Array {
  const { successors } = env;
  const { count } = env.slots;
  const loopOf = new Int32Array(count);
  const number = new Int32Array(count);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack: number[] = [];
  let next = 1;
  let loops = 0;
  for (const { start } of env.subprograms) {
    if (number[start] !== 0) continue;
    /** The slots on the way here, and how many of their successors were looked at. */
    const walk: number[] = [];
    const looked: number[] = [];
    const push = (slot: number): void => {
      number[slot] = low[slot] = next++;
      stack.push(slot);
      onStack[slot] = 1;
      walk.push(slot);
      looked.push(0);
    };
    push(start);
    for (let slot = walk.at(-1); slot !== undefined; slot = walk.at(-1)) {
      const at = looked[looked.length - 1] as number;
      if (at < 2) {
        looked[looked.length - 1] = at + 1;
        const each = (at === 0 ? successors.next[slot] : successors.jump[slot]) as number;
        if (each < 0) continue;
        if (number[each] === 0) push(each);
        else if (onStack[each]) low[slot] = Math.min(low[slot] as number, number[each] as number);
        continue;
      }
      walk.pop();
      looked.pop();
      const under = walk.at(-1);
      if (under !== undefined) low[under] = Math.min(low[under] as number, low[slot] as number);
      if (low[slot] !== number[slot]) continue;
      const isLoop = stack.at(-1) !== slot || successors.next[slot] === slot || successors.jump[slot] === slot;
      if (isLoop) loops++;
      for (let member = -1; member !== slot; ) {
        member = stack.pop() as number;
        onStack[member] = 0;
        if (isLoop) loopOf[member] = loops;
      }
    }
  }
  return loopOf;
}
