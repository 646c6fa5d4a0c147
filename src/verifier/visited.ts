import type { Environment, Explored } from './environment.ts';
import { entryAfter } from './history.ts';
import { depthsDiffer, iteratorIsActive } from './iterators.ts';
import { forgetPrecise, propagatePrecise } from './precision.ts';
import { covers, mayLoop } from './prune.ts';
import { uninitialised } from './register.ts';
import { type Frame, frameText, invalidSlot, type State } from './state.ts';

/**
 * States that were walked on from, by the slot they stood at: whether the present path may stop at one of them, and
 * whether the present state is worth being kept (kernel/bpf/verifier.c: is_state_visited).
 */
export class Visited {
  readonly #env: Environment;
  /** The kernel's hash table, by slot and caller; newest first. */
  readonly #lists: (Explored[] | undefined)[] = [];
  /** States that are evicted while paths from them are under way: they still take memory. */
  readonly #evicted = new Set<State>();
  #kept = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  #bucket(state: State, slot: number): Explored[] {
    const { callSite } = state.frame;
    const key = ((slot ^ callSite) >>> 0) % this.#env.slots.count;
    let list = this.#lists[key];
    if (!list) {
      list = [];
      this.#lists[key] = list;
    }
    return list;
  }

  get size(): number {
    return this.#kept + this.#evicted.size;
  }

  /** Whether the present path may stop here; keeps its state when it is worth it. */
  stops(): boolean {
    const env = this.#env;
    const { state, slot } = env;
    const forced = env.storesAll || env.forceCheckpoint[slot] === 1 || (state.history?.count ?? 0) > 40;
    const sinceJumps = env.jumps - env.markJumps;
    const sinceProcessed = env.processed - env.markProcessed;
    let adds = forced || (sinceJumps >= 2 && sinceProcessed >= 8);
    const list = this.#bucket(state, slot);
    this.#clean(list, state, slot);
    const count = list.length;
    for (let index = 0; index < list.length; index++) {
      const entry = list[index] as Explored;
      if (entry.state.slot !== slot) continue;
      if (entry.state.branches > 0) {
        if (this.#comesRound(entry, state, slot)) return this.#hit(entry, state, slot, true);
        if (!forced && sinceJumps < 20 && sinceProcessed < 100) adds = false;
      } else {
        const open = env.loops.isOpen(entry.state);
        if (covers(env, entry.state, state, open ? 'within' : 'precise')) return this.#hit(entry, state, slot, open);
      }
      if (adds) entry.misses++;
      const patience = env.forceCheckpoint[slot] === 1 && entry.state.branches > 0 ? 64 : 3;
      if (entry.misses > entry.hits * patience + patience) {
        list.splice(index--, 1);
        this.#kept--;
        if (entry.state.branches > 0) {
          this.#evicted.add(entry.state);
        }
      }
    }
    if (count > env.maxStatesPerSlot) env.maxStatesPerSlot = count;
    if (adds) this.#keep(list, state, slot);
    return false;
  }

  /** Dead registers and slots of states whose paths have all ended are taken out, once. */
  #clean(list: readonly Explored[], state: State, slot: number): void {
    const env = this.#env;
    for (let each = 0; each < list.length; each++) {
      const { state: old } = list[each] as Explored;
      if (old.isCleaned || old.branches > 0 || old.slot !== slot || !sameCallSites(old, state)) continue;
      if (env.loops.isOpen(old)) continue;
      old.isCleaned = true;
      for (const [number, frame] of old.frames.entries()) {
        const live = env.liveRegisters[old.slotOf(number)] as number;
        for (let register = 0; register < 10; register++) {
          if (((live >>> register) & 1) === 0) frame.registers[register] = uninitialised;
        }
        for (let index = 0; index < frame.slots.length; index++) {
          if (frame.slots[index] !== invalidSlot && !env.liveness.isAlive(old, number, index))
            frame.slots[index] = invalidSlot;
        }
      }
    }
  }

  /** A state that is under way: the path may have come round to it. */
  #comesRound({ state: old }: Explored, state: State, slot: number): boolean {
    const env = this.#env;
    const isMayGoto = env.slots.opcode[slot] === 0xe5;
    if (isMayGoto && old.mayGotoDepth !== state.mayGotoDepth && covers(env, old, state, 'within')) return true;
    if (env.iterates[slot] === 1) return covers(env, old, state, 'within') && iteratorIsActive(env);
    if (env.callsCallback[slot] === 1) return covers(env, old, state, 'within');
    const { callback } = old.frame;
    // Another entry of an asynchronous callback may look as one before it.
    if (callback?.isAsync && callback.entry !== state.frame.callback?.entry) return false;
    const isLoop =
      mayLoop(old, state) &&
      covers(env, old, state, 'same') &&
      old.mayGotoDepth === state.mayGotoDepth &&
      old.callbackUnroll === state.callbackUnroll &&
      !depthsDiffer(old, state);
    if (isLoop) this.#refuseLoop(old);
    return false;
  }

  #refuseLoop(old: State): never {
    const env = this.#env;
    env.sayLine(env.slot, '; ');
    env.say(`infinite loop detected at insn ${env.slot}`);
    env.log.write('cur state:');
    env.sayFrame(env.state.depth);
    env.log.write('old state:');
    return env.fail('EINVAL', frameText(old, env.state.depth, 0x7ff, undefined));
  }

  #hit(entry: Explored, state: State, slot: number, isOpen: boolean): true {
    const env = this.#env;
    entry.hits++;
    if (env.jumpPoint[slot] === 1) state.history = entryAfter(state.history, slot, env.previous);
    propagatePrecise(env, entry.state, state);
    if (isOpen) env.loops.close(entry, state);
    env.facts?.stop(entry.state, state);
    return true;
  }

  #keep(list: Explored[], state: State, slot: number): void {
    const env = this.#env;
    env.totalStates++;
    this.#kept++;
    env.countStates();
    env.markJumps = env.jumps;
    env.markProcessed = env.processed;
    forgetPrecise(state);
    const kept = state.copy();
    kept.branches = 1;
    env.loops.enter(kept);
    list.unshift({ state: kept, hits: 0, misses: 0 });
    state.parent = kept;
    state.firstSlot = slot;
    state.dfsDepth = kept.dfsDepth + 1;
    state.history = undefined;
  }

  /** States of any kind that stood at a slot when the path had the same caller. */
  at(state: State, slot: number): Explored[] {
    return this.#bucket(state, slot);
  }

  /** The path from a state has ended, and with it those states that it was the last of. */
  end(state: State): void {
    for (let each: State | undefined = state; each; each = each.parent) {
      if (--each.branches > 0) return;
      this.#env.loops.leave(each);
      this.#evicted.delete(each);
    }
  }

  /** The state of the present loop's last round at a slot. */
  lastRound(state: State, slot: number): State | undefined {
    const found = this.#bucket(state, slot).find(
      ({ state: old }) =>
        old.slot === slot && old.branches > 0 && sameCallSites(old, state) && old.dfsDepth < state.dfsDepth,
    );
    return found?.state;
  }
}

function sameCallSites(a: State, b: State): boolean {
  if (a.frames.length !== b.frames.length) return false;
  for (let index = 0; index < a.frames.length; index++) {
    if ((a.frames[index] as Frame).callSite !== (b.frames[index] as Frame).callSite) return false;
  }
  return true;
}
