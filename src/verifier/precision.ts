import type { Environment } from './environment.ts';
import type { HistoryEntry, Place } from './history.ts';
import { slotList } from './liveness.ts';
import type { Register } from './register.ts';
import { type Frame, frameText, isSpill, StackSlot, type State } from './state.ts';

/**
 * Which numbers matter: where a check relies on the value of a register, the instructions that made it are gone
 * through backwards, and in each stored state on the way the registers and stack slots that it came from are marked
 * precise. Only marked numbers are compared when a path is stopped (kernel/bpf/backtrack: __mark_chain_precision).
 */
const maxFrames = 8;
const framePointer = 10;
const argumentMask = 0x3e;

/** Registers and slots of each frame that are being followed. */
export class Backtracker {
  frame = 0;
  /** Nothing is to be followed any more. */
  isOff = false;
  readonly registers = new Uint32Array(maxFrames);
  /** Slots of a frame as two halves of a mask. */
  readonly slots = new Uint32Array(maxFrames * 2);

  get isEmpty(): boolean {
    for (let frame = 0; frame <= this.frame; frame++) {
      if (this.registers[frame] !== 0 || this.slots[frame * 2] !== 0 || this.slots[frame * 2 + 1] !== 0) return false;
    }
    return true;
  }

  reset(): void {
    this.registers.fill(0);
    this.slots.fill(0);
  }

  get mask(): number {
    return this.registers[this.frame] as number;
  }

  get hasSlots(): boolean {
    return this.slots[this.frame * 2] !== 0 || this.slots[this.frame * 2 + 1] !== 0;
  }

  has(register: number): boolean {
    return ((this.mask >>> register) & 1) !== 0;
  }

  set(register: number, frame = this.frame): void {
    this.registers[frame] = (this.registers[frame] as number) | (1 << register);
  }

  clear(register: number, frame = this.frame): void {
    this.registers[frame] = (this.registers[frame] as number) & ~(1 << register);
  }

  hasSlot(frame: number, index: number): boolean {
    return (((this.slots[frame * 2 + (index >> 5)] as number) >>> (index & 31)) & 1) !== 0;
  }

  setSlot(frame: number, index: number): void {
    const at = frame * 2 + (index >> 5);
    this.slots[at] = (this.slots[at] as number) | (1 << (index & 31));
  }

  clearSlot(frame: number, index: number): void {
    const at = frame * 2 + (index >> 5);
    this.slots[at] = (this.slots[at] as number) & ~(1 << (index & 31));
  }

  hasPlace({ frame, isRegister, index }: Place): boolean {
    return isRegister ? (((this.registers[frame] as number) >>> index) & 1) !== 0 : this.hasSlot(frame, index);
  }

  setPlace({ frame, isRegister, index }: Place): void {
    if (isRegister) this.set(index, frame);
    else this.setSlot(frame, index);
  }

  registersText(frame = this.frame): string {
    const names: string[] = [];
    for (let register = 0; register < 11; register++) {
      if ((((this.registers[frame] as number) >>> register) & 1) !== 0) names.push(`r${register}`);
    }
    return names.join(',');
  }

  slotsText(frame = this.frame): string {
    return slotList(this.slots[frame * 2] as number, this.slots[frame * 2 + 1] as number);
  }
}

/** A check relies on a register of the present frame. */
export function markPrecise(env: Environment, register: number): void {
  env.backtracker.frame = env.state.depth;
  env.backtracker.set(register);
  markChain(env, env.state);
}

/** A check relies on a number that was spilled. */
export function markSlotPrecise(env: Environment, frame: number, index: number): void {
  env.backtracker.setSlot(frame, index);
  markChain(env, env.state);
}

/** Follows what the backtracker holds from where a state stands. @returns whether a mark is new */
function markChain(env: Environment, starting: State): boolean {
  const { backtracker } = env;
  backtracker.frame = starting.depth;
  if (backtracker.isOff) backtracker.reset();
  if (backtracker.isEmpty) return false;
  const { full } = env.log;
  let changed = false;
  let first = starting.firstSlot;
  let last = starting.slot;
  let after = -1;
  let skips = true;
  for (let state: State | undefined = starting; ; ) {
    let entry: HistoryEntry | undefined = state.history;
    if (full)
      env.say(`mark_precise: frame${backtracker.frame}: last_idx ${last} first_idx ${first} subseq_idx ${after} `);
    if (last < 0) return changed;
    for (let slot = last; slot >= 0; ) {
      const own = entry?.slot === slot ? entry : undefined;
      if (!skips && !stepBack(env, slot, after, own)) {
        markAllPrecise(env, starting);
        backtracker.reset();
        return true;
      }
      skips = false;
      if (backtracker.isEmpty) return changed;
      after = slot;
      const isBeginning: boolean = slot === state.firstSlot && (!entry || (entry.count === 1 && entry.slot === slot));
      if (isBeginning) break;
      if (own) {
        slot = own.previous;
        entry = own.before;
      } else slot--;
    }
    state = state.parent;
    if (!state) break;
    if (markState(env, state)) changed = true;
    if (backtracker.isEmpty) return changed;
    after = first;
    last = state.lastSlot;
    first = state.firstSlot;
  }
  // What is left came from where nothing is tracked.
  if (!backtracker.isEmpty) {
    markAllPrecise(env, starting);
    backtracker.reset();
    return true;
  }
  return changed;
}

/** Marks what is followed in a stored state; what is marked already needs no more following. */
function markState(env: Environment, state: State): boolean {
  const { backtracker, log } = env;
  let changed = false;
  for (let number = backtracker.frame; number >= 0; number--) {
    const frame = state.frames[number] as Frame;
    const hasRegisters = backtracker.registers[number] !== 0;
    for (let register = 0; hasRegisters && register < framePointer + 1; register++) {
      if ((((backtracker.registers[number] as number) >>> register) & 1) === 0) continue;
      const held = frame.register(register);
      if (!held.isScalar || held.precise) backtracker.clear(register, number);
      else {
        frame.registers[register] = precise(held);
        changed = true;
      }
    }
    const hasSlots = backtracker.slots[number * 2] !== 0 || backtracker.slots[number * 2 + 1] !== 0;
    for (let index = 0; hasSlots && index < 64; index++) {
      if (!backtracker.hasSlot(number, index)) continue;
      const slot = frame.slot(index);
      if (!isSpill(slot) || !slot.register.isScalar || slot.register.precise) backtracker.clearSlot(number, index);
      else {
        frame.slots[index] = new StackSlot(slot.types, precise(slot.register));
        changed = true;
      }
    }
    if (!log.full) continue;
    const followed = `regs=${backtracker.registersText(number)} stack=${backtracker.slotsText(number)}`;
    env.say(`mark_precise: frame${number}: parent state ${followed}: ${frameText(state, number, 0x7ff, undefined)}`);
  }
  return changed;
}

function precise(register: Register): Register {
  const marked = register.draft();
  marked.precise = true;
  return marked;
}

/** Where nothing can be followed any more every number of the path matters. */
export function markAllPrecise(env: Environment, from: State): void {
  const { full } = env.log;
  for (let state = from.parent; state; state = state.parent) {
    for (const [number, frame] of state.frames.entries()) {
      for (let register = 0; register < framePointer; register++) {
        const held = frame.register(register);
        if (!held.isScalar || held.precise) continue;
        frame.registers[register] = precise(held);
        if (full) env.say(`force_precise: frame${number}: forcing r${register} to be precise`);
      }
      for (const [index, slot] of frame.slots.entries()) {
        if (!isSpill(slot) || !slot.register.isScalar || slot.register.precise) continue;
        frame.slots[index] = new StackSlot(slot.types, precise(slot.register));
        if (full) env.say(`force_precise: frame${number}: forcing fp${-8 * (index + 1)} to be precise`);
      }
    }
  }
}

/** A state that goes on from here: whether its numbers matter is found out anew. */
export function forgetPrecise(state: State): void {
  for (const frame of state.frames) {
    for (let register = 0; register < framePointer; register++) {
      const held = frame.register(register);
      if (held.precise) frame.registers[register] = imprecise(held);
    }
    for (let index = 0; index < frame.slots.length; index++) {
      const slot = frame.slots[index] as StackSlot;
      if (isSpill(slot) && slot.register.precise) {
        frame.slots[index] = new StackSlot(slot.types, imprecise(slot.register));
      }
    }
  }
}

function imprecise(register: Register): Register {
  const plain = register.draft();
  plain.precise = false;
  return plain;
}

/** What mattered behind a stored state matters for the path that is stopped at it. @returns whether a mark is new */
export function propagatePrecise(env: Environment, old: State, now: State): boolean {
  const { backtracker, log } = env;
  for (let number = old.depth; number >= 0; number--) {
    const frame = old.frames[number] as Frame;
    const names: string[] = [];
    for (let register = 0; register < framePointer; register++) {
      const held = frame.register(register);
      if (!held.isScalar || !held.precise) continue;
      backtracker.set(register, number);
      names.push(`r${register}`);
    }
    for (const [index, slot] of frame.slots.entries()) {
      if (!isSpill(slot) || !slot.register.isScalar || !slot.register.precise) continue;
      backtracker.setSlot(number, index);
      names.push(`fp${-8 * (index + 1)}`);
    }
    if (log.full && names.length > 0) env.say(`frame ${number}: propagating ${names.join(',')}`);
  }
  return markChain(env, now);
}

/** Goes back over one instruction. @returns false where it cannot be told what a number came from */
function stepBack(env: Environment, slot: number, after: number, entry: HistoryEntry | undefined): boolean {
  const { backtracker, slots, log } = env;
  const opcode = slots.opcode[slot] as number;
  if (opcode === 0) return true;
  if (log.full) {
    const followed = `regs=${backtracker.registersText()} stack=${backtracker.slotsText()}`;
    env.say(`mark_precise: frame${backtracker.frame}: ${followed} before ${slot}: ${env.instructionText(slot)}`);
  }
  syncLinked(backtracker, entry);
  const known = stepBackOver(env, slot, after, entry, opcode);
  if (known === 'keep') return true;
  if (known) syncLinked(backtracker, entry);
  return known;
}

/** Numbers that changed together matter together. */
function syncLinked(backtracker: Backtracker, entry: HistoryEntry | undefined): void {
  const linked = entry?.linked;
  if (!linked?.some((place) => backtracker.hasPlace(place))) return;
  for (const place of linked) backtracker.setPlace(place);
}

function stepBackOver(
  env: Environment,
  slot: number,
  after: number,
  entry: HistoryEntry | undefined,
  opcode: number,
): boolean | 'keep' {
  const { backtracker, slots } = env;
  const dst = slots.dst[slot] as number;
  const src = slots.src[slot] as number;
  switch (opcode & 7) {
    case 4:
    case 7:
      return backOverArithmetic(backtracker, opcode, dst, src);
    case 1:
      return backOverLoad(backtracker, dst, entry);
    case 2:
    case 3: {
      const isAcquire = (opcode & 7) === 3 && (opcode & 0xe0) === 0xc0 && slots.imm[slot] === 0x100;
      if (isAcquire) return backOverLoad(backtracker, dst, entry);
      return backOverStore(backtracker, opcode, dst, src, entry);
    }
    case 0:
      if (!backtracker.has(dst)) return 'keep';
      backtracker.clear(dst);
      return opcode === 0x18;
    default:
      return backOverJump(env, slot, after, entry, opcode);
  }
}

function backOverArithmetic(backtracker: Backtracker, opcode: number, dst: number, src: number): boolean | 'keep' {
  if (!backtracker.has(dst)) return 'keep';
  const operation = opcode & 0xf0;
  if (operation === 0x80 || operation === 0xd0) return 'keep';
  if (operation === 0xb0) backtracker.clear(dst);
  if ((opcode & 8) !== 0 && src !== framePointer) backtracker.set(src);
  return true;
}

/** Only the stack gives back what a number was. */
function backOverLoad(backtracker: Backtracker, dst: number, entry: HistoryEntry | undefined): boolean | 'keep' {
  if (!backtracker.has(dst)) return 'keep';
  backtracker.clear(dst);
  if (!entry?.stack) return 'keep';
  backtracker.setSlot(entry.stack.frame, entry.stack.index);
  return true;
}

function backOverStore(
  backtracker: Backtracker,
  opcode: number,
  dst: number,
  src: number,
  entry: HistoryEntry | undefined,
): boolean | 'keep' {
  // A number that memory was reached through: a difference of pointers.
  if (backtracker.has(dst)) return false;
  if (!entry?.stack) return 'keep';
  const { frame, index } = entry.stack;
  if (!backtracker.hasSlot(frame, index)) return 'keep';
  backtracker.clearSlot(frame, index);
  if ((opcode & 7) === 3) backtracker.set(src);
  return true;
}

function backOverJump(
  env: Environment,
  slot: number,
  after: number,
  entry: HistoryEntry | undefined,
  opcode: number,
): boolean | 'keep' {
  const { backtracker, slots } = env;
  const operation = opcode & 0xf0;
  if (operation === 0x80) return backOverCall(env, slot, after);
  if (operation === 0x90) return backIntoCallee(env, after);
  if ((opcode & 8) === 0) return true;
  const dst = slots.dst[slot] as number;
  const src = slots.src[slot] as number;
  if (!backtracker.has(dst) && !backtracker.has(src)) return 'keep';
  if (!entry?.sourceIsStack) backtracker.set(src);
  if (!entry?.targetIsStack) backtracker.set(dst);
  return true;
}

function backOverCall(env: Environment, slot: number, after: number): boolean | 'keep' {
  const { backtracker, slots } = env;
  if (slots.isLocalCall(slot)) {
    // Only arguments can still be followed: they are the caller's.
    if ((backtracker.mask & ~argumentMask) !== 0 || backtracker.hasSlots || backtracker.frame === 0) return false;
    const { frame, mask } = backtracker;
    backtracker.registers[frame - 1] = (backtracker.registers[frame - 1] as number) | mask;
    backtracker.registers[frame] = 0;
    backtracker.frame--;
    return 'keep';
  }
  if (env.callsCallback[slot] === 1 && slot !== after - 1) {
    if ((backtracker.mask & ~argumentMask) !== 0 || backtracker.hasSlots || backtracker.frame === 0) return false;
    backtracker.registers[backtracker.frame] = 0;
    backtracker.frame--;
    return 'keep';
  }
  backtracker.clear(0);
  return (backtracker.mask & argumentMask) === 0;
}

/** Backwards a function is entered at its exit. */
function backIntoCallee(env: Environment, after: number): boolean | 'keep' {
  const { backtracker, slots } = env;
  if (after >= 0 && env.callsCallback[after] === 1) {
    backtracker.registers[backtracker.frame] = backtracker.mask & ~argumentMask;
  }
  if ((backtracker.mask & argumentMask) !== 0) return false;
  const isResult = after >= 1 && slots.isLocalCall(after - 1) && backtracker.has(0);
  backtracker.clear(0);
  if (backtracker.frame === maxFrames - 1) return false;
  backtracker.frame++;
  if (isResult) backtracker.set(0);
  return 'keep';
}
