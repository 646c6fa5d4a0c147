import type { Subprogram } from './control-flow.ts';
import type { Environment } from './environment.ts';
import type { Frame, State } from './state.ts';

/**
 * Which stack slots may still be read: found along the control flow, for each chain of calls by itself, from the reads
 * and writes that were seen so far (kernel/bpf/liveness.c). A slot that nobody reads any more is not compared.
 *
 *   live before = (live before any successor, without what is written here) + what is read here
 */

/** Slots of a frame as bits, in two halves: slot i is fp-8*(i+1). */
class Masks {
  readonly mayRead: Uint32Array;
  readonly mustWrite: Uint32Array;
  /** Written on every way from here to the function's end. */
  readonly written: Uint32Array;
  readonly live: Uint32Array;

  constructor(slots: number) {
    this.mayRead = new Uint32Array(slots * 2);
    this.mustWrite = new Uint32Array(slots * 2);
    this.written = new Uint32Array(slots * 2);
    this.live = new Uint32Array(slots * 2);
  }
}

const maxFrames = 8;

/** One function as it is called through one chain of calls. */
export class Instance {
  readonly outer: Instance | undefined;
  /** Where the outer function calls this one. */
  readonly callSite: number;
  readonly program: number;
  readonly start: number;
  readonly count: number;
  readonly depth: number;
  /** For this function's own frame and those of its callers; only those that were touched. */
  readonly frames: (Masks | undefined)[] = new Array(maxFrames).fill(undefined);
  readonly seen: Uint8Array;
  isChanged = false;
  isReduced = false;
  readonly #inner = new Map<number, Instance>();

  constructor(env: Environment, outer: Instance | undefined, callSite: number, program: number) {
    const { start, end } = env.subprograms[program] as { start: number; end: number };
    this.outer = outer;
    this.callSite = callSite;
    this.program = program;
    this.start = start;
    this.count = end - start;
    this.depth = outer ? outer.depth + 1 : 0;
    this.seen = new Uint8Array(this.count);
  }

  inner(env: Environment, callSite: number, program: number): Instance {
    const key = callSite * 256 + program;
    let instance = this.#inner.get(key);
    if (!instance) {
      instance = new Instance(env, this, callSite, program);
      this.#inner.set(key, instance);
    }
    return instance;
  }

  masks(frame: number): Masks {
    let masks = this.frames[frame];
    if (!masks) {
      masks = new Masks(this.count);
      this.frames[frame] = masks;
    }
    return masks;
  }

  isLiveBefore(slot: number, frame: number, index: number): boolean {
    const masks = this.frames[frame];
    if (!masks) return false;
    const word = masks.live[(slot - this.start) * 2 + (index >> 5)] as number;
    return ((word >>> (index & 31)) & 1) !== 0;
  }

  /** `(0,7,12)`: the calls that lead here, and where the function begins. */
  get text(): string {
    const calls: number[] = [this.start];
    for (let each: Instance = this; each.outer; each = each.outer) calls.unshift(each.callSite);
    return `(${calls.join(',')})`;
  }
}

export class StackLiveness {
  readonly #env: Environment;
  readonly #roots = new Map<number, Instance>();
  /** What the present instruction writes, for each frame. */
  readonly #writes = new Uint32Array(maxFrames * 2);
  #hasWritten = false;
  #present: Instance | undefined;
  readonly #orders: (Order | undefined)[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  #instance(state: State, frame: number): Instance {
    const { instance, callSite, program } = state.frames[frame] as Frame;
    if (instance) return instance;
    let found: Instance | undefined;
    if (frame > 0) found = this.#instance(state, frame - 1).inner(this.#env, callSite, program);
    else found = this.#roots.get(program) ?? new Instance(this.#env, undefined, -1, program);
    if (frame === 0) this.#roots.set(program, found);
    (state.frames[frame] as Frame).instance = found;
    return found;
  }

  // --- What an instruction does

  begin(): void {
    if (this.#hasWritten) {
      this.#writes.fill(0);
      this.#hasWritten = false;
    }
    const { state } = this.#env;
    this.#present = this.#instance(state, state.depth);
  }

  /** The frames change: what the instruction writes is not its own. */
  leave(): void {
    this.#present = undefined;
  }

  /** The whole of a slot is written. */
  write(frame: number, index: number): void {
    const at = frame * 2 + (index >> 5);
    this.#hasWritten = true;
    this.#writes[at] = (this.#writes[at] as number) | (1 << (index & 31));
  }

  read(frame: number, index: number): void {
    const { state, slot } = this.#env;
    const instance = this.#present ?? this.#instance(state, state.depth);
    const low = index < 32 ? 1 << index : 0;
    const high = index < 32 ? 0 : 1 << (index - 32);
    this.#markRead(instance, frame, slot, low, high);
  }

  #markRead(instance: Instance, frame: number, slot: number, low: number, high: number): void {
    if ((low | high) === 0) return;
    const { mayRead, live } = instance.masks(frame);
    const at = (slot - instance.start) * 2;
    const [newLow, newHigh] = [(mayRead[at] as number) | low, (mayRead[at + 1] as number) | high];
    if ((newLow & ~(live[at] as number)) !== 0 || (newHigh & ~(live[at + 1] as number)) !== 0)
      instance.isChanged = true;
    mayRead[at] = newLow;
    mayRead[at + 1] = newHigh;
  }

  /** The instruction came to its end. */
  commit(slot: number): void {
    if (this.#present) this.#commit(this.#present, slot);
  }

  #commit(instance: Instance, slot: number): void {
    const at = slot - instance.start;
    const isFirst = instance.seen[at] === 0;
    for (let frame = 0; frame <= instance.depth; frame++) {
      const low = this.#writes[frame * 2] as number;
      const high = this.#writes[frame * 2 + 1] as number;
      if ((low | high) === 0 && (isFirst || !instance.frames[frame])) continue;
      const masks = instance.masks(frame);
      this.#mustWrite(instance, masks, at * 2, low, isFirst);
      this.#mustWrite(instance, masks, at * 2 + 1, high, isFirst);
    }
    instance.seen[at] = 1;
  }

  /** What was not written each time need not be. */
  #mustWrite(instance: Instance, { mustWrite }: Masks, at: number, written: number, isFirst: boolean): void {
    const before = mustWrite[at] as number;
    const now = (isFirst ? written : written & before) >>> 0;
    if (now === before) return;
    mustWrite[at] = now;
    instance.isChanged = true;
    if ((before & ~now) !== 0) instance.isReduced = true;
  }

  // --- The data flow

  /** Brings the chain of the present state up to date. */
  update(): void {
    const { state } = this.#env;
    this.#present = undefined;
    for (let frame = state.depth; frame >= 0; frame--) {
      const instance = this.#instance(state, frame);
      if (!instance.isChanged) continue;
      this.#settle(instance);
      instance.isChanged = false;
      instance.isReduced = false;
    }
  }

  #settle(instance: Instance): void {
    const { log } = this.#env;
    if (instance.isReduced) for (const masks of instance.frames) masks?.written.fill(0);
    const { slots, isStraight } = this.#order(instance.program);
    let rounds = 0;
    for (let changed = true; changed; ) {
      changed = false;
      rounds++;
      for (let frame = 0; frame <= instance.depth; frame++) {
        const masks = instance.frames[frame];
        if (!masks) continue;
        if (log.full) {
          for (const slot of slots) if (this.#flowAloud(instance, masks, frame, slot)) changed = true;
        } else if (this.#flowAll(instance.start, masks, slots) && !isStraight) changed = true;
      }
    }
    if (log.full) this.#env.say(`${instance.text} live stack update done in ${rounds} iterations`);
    if (instance.outer) this.#handOut(instance, instance.outer);
  }

  /** @returns whether something changed */
  #flowAll(start: number, masks: Masks, slots: Int32Array): boolean {
    let changed = false;
    for (let i = 0; i < slots.length; i++) if (this.#flow(start, masks, slots[i] as number)) changed = true;
    return changed;
  }

  #flow(start: number, { live: alive, written: done, mayRead, mustWrite }: Masks, slot: number): boolean {
    const { next, jump } = this.#env.successors;
    const first = next[slot] as number;
    if (first < 0) return false;
    const second = jump[slot] as number;
    let changed = false;
    for (let half = 0; half < 2; half++) {
      const one = (first - start) * 2 + half;
      const other = second < 0 ? one : (second - start) * 2 + half;
      const at = (slot - start) * 2 + half;
      const must = mustWrite[at] as number;
      const after = (alive[one] as number) | (alive[other] as number);
      const live = ((after & ~must) | (mayRead[at] as number)) >>> 0;
      const written = (((done[one] as number) & (done[other] as number)) | must) >>> 0;
      if (live === alive[at] && written === done[at]) continue;
      alive[at] = live;
      done[at] = written;
      changed = true;
    }
    return changed;
  }

  #flowAloud(instance: Instance, masks: Masks, frame: number, slot: number): boolean {
    const at = (slot - instance.start) * 2;
    const { live, written } = masks;
    const before = [live[at]!, written[at]!, live[at + 1]!, written[at + 1]!];
    const changed = this.#flow(instance.start, masks, slot);
    if (changed) this.#sayFlow(instance, masks, frame, slot, before);
    return changed;
  }

  /** What a function reads and writes of its callers' frames, its call does. */
  #handOut(instance: Instance, outer: Instance): void {
    this.#writes.fill(0);
    this.#hasWritten = true;
    for (let frame = 0; frame < instance.depth; frame++) {
      const masks = instance.frames[frame];
      if (!masks) continue;
      this.#writes[frame * 2] = masks.written[0] as number;
      this.#writes[frame * 2 + 1] = masks.written[1] as number;
      this.#markRead(outer, frame, instance.callSite, masks.live[0] as number, masks.live[1] as number);
    }
    this.#commit(outer, instance.callSite);
  }

  #order(program: number): Order {
    let order = this.#orders[program];
    if (!order) {
      const { successors, subprograms, log } = this.#env;
      const { start, end } = subprograms[program] as Subprogram;
      order = successors.isForward && !log.full ? backwards(start, end) : postorder(this.#env, start);
      this.#orders[program] = order;
    }
    return order;
  }

  #sayFlow(instance: Instance, masks: Masks, frame: number, slot: number, before: readonly number[]): void {
    const at = (slot - instance.start) * 2;
    const touched =
      masks.mayRead[at] ||
      masks.mayRead[at + 1] ||
      masks.mustWrite[at] ||
      masks.mustWrite[at + 1] ||
      slot === instance.start;
    if (!touched && this.#env.prunePoint[slot] !== 1) return;
    this.#sayChange(instance, 'live', frame, slot, [before[0]!, before[2]!], [masks.live[at]!, masks.live[at + 1]!]);
    this.#sayChange(
      instance,
      'written',
      frame,
      slot,
      [before[1]!, before[3]!],
      [masks.written[at]!, masks.written[at + 1]!],
    );
  }

  #sayChange(
    instance: Instance,
    word: string,
    frame: number,
    slot: number,
    before: readonly [number, number],
    now: readonly [number, number],
  ): void {
    const more = slotList(now[0] & ~before[0], now[1] & ~before[1]);
    const less = slotList(before[0] & ~now[0], before[1] & ~now[1]);
    if (more === '' && less === '') return;
    const added = more === '' ? '' : `+${word} ${more} `;
    const removed = less === '' ? '' : `-${word} ${less}`;
    this.#env.say(`${instance.text} frame ${frame} insn ${slot} ${added}${removed}`);
  }

  // --- Questions

  /** Whether a slot of a frame may be read from where a state stands. */
  isAlive(state: State, frame: number, index: number): boolean {
    const innermost = this.#instance(state, state.depth);
    if (innermost.isLiveBefore(state.slot, frame, index)) return true;
    for (let each = frame; each < state.depth; each++) {
      const callSite = (state.frames[each + 1] as Frame).callSite;
      const at = this.#env.callsCallback[callSite] === 1 ? callSite : callSite + 1;
      if (this.#instance(state, each).isLiveBefore(at, frame, index)) return true;
    }
    return false;
  }
}

/** `-8,-24`: the slots of a mask by their offsets. */
export function slotList(low: number, high: number): string {
  const offsets: number[] = [];
  for (let index = 0; index < 64; index++) {
    if ((((index < 32 ? low : high) >>> (index & 31)) & 1) !== 0) offsets.push(-8 * (index + 1));
  }
  return offsets.join(',');
}

/** A function's slots in the order in which a walk from its start leaves them. */
interface Order {
  readonly slots: Int32Array;
  /** No slot stands before one that follows it: one round brings all up to date. */
  readonly isStraight: boolean;
}

/** Where nothing goes back. */
function backwards(start: number, end: number): Order {
  const slots = new Int32Array(end - start);
  for (let i = 0; i < slots.length; i++) slots[i] = end - 1 - i;
  return { slots, isStraight: true };
}

function postorder({ successors, slots }: Environment, start: number): Order {
  const order: number[] = [];
  const found = new Uint8Array(slots.count);
  const left = new Uint8Array(slots.count);
  let isStraight = true;
  const stack = [start];
  found[start] = 1;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (left[top] === 1) {
      order.push(top);
      stack.pop();
      continue;
    }
    for (const next of [successors.next[top], successors.jump[top]] as number[]) {
      if (next < 0 || found[next] === 1) continue;
      found[next] = 1;
      stack.push(next);
    }
    left[top] = 1;
  }
  const place = new Int32Array(slots.count);
  for (const [i, slot] of order.entries()) place[slot] = i;
  for (const [i, slot] of order.entries()) {
    const first = successors.next[slot] as number;
    const second = successors.jump[slot] as number;
    if ((first >= 0 && (place[first] as number) >= i) || (second >= 0 && (place[second] as number) >= i)) {
      isStraight = false;
    }
  }
  return { slots: Int32Array.from(order), isStraight };
}
