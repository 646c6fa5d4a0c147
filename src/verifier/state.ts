import type { Step } from './explain/trail.ts';
import type { HistoryEntry } from './history.ts';
import type { Instance } from './liveness.ts';
import type { Visit } from './loops.ts';
import { type IteratorState, type Register, registerText, uninitialised } from './register.ts';

/**
 * The abstract state of one path: frames with registers and stack slots, references and locks held, and where it came
 * from. A copy shares registers and slots, which never change once they stand in a state.
 */
export const slotKinds = { invalid: 0, spill: 1, misc: 2, zero: 3, dynptr: 4, iterator: 5, irq: 6 } as const;
const slotLetters = '?rm0dif';

/** Eight bytes of stack: what each holds, a nibble a byte (byte 0 lowest in memory), and the register spilled there. */
export class StackSlot {
  readonly types: number;
  readonly register: Register;

  constructor(types: number, register: Register) {
    this.types = types;
    this.register = register;
  }

  /** Kind of byte 0–7, counted from the slot's low address. */
  type(byte: number): number {
    return (this.types >>> (byte * 4)) & 15;
  }
}

export function sameTypes(kind: number): number {
  return (kind * 0x11111111) | 0;
}

export function withType(types: number, byte: number, kind: number): number {
  return (types & ~(15 << (byte * 4))) | (kind << (byte * 4));
}

export const invalidSlot = new StackSlot(0, uninitialised);

export class Frame {
  registers: Register[];
  /** Slot i covers fp-8*(i+1) to fp-8*i-1. */
  slots: StackSlot[];
  /** The call that entered this frame; -1 for the main program. */
  readonly callSite: number;
  readonly number: number;
  readonly program: number;
  /** Set in a frame that a helper calls back into. */
  callback:
    | {
        readonly helper: string;
        readonly min: number;
        readonly max: number;
        /** It runs later, on a stack of its own; the how-manieth such on this path. */
        readonly isAsync?: true;
        readonly entry?: number;
      }
    | undefined = undefined;
  callbackDepth = 0;
  /** Where reads and writes of this chain of calls are noted; found when it is first asked for. */
  instance: Instance | undefined = undefined;

  constructor(
    callSite: number,
    number: number,
    program: number,
    registers: Register[] = new Array(11).fill(uninitialised),
    slots: StackSlot[] = [],
  ) {
    this.registers = registers;
    this.slots = slots;
    this.callSite = callSite;
    this.number = number;
    this.program = program;
  }

  copy(): Frame {
    const { callSite, number, program } = this;
    const copy = new Frame(callSite, number, program, this.registers.slice(), this.slots.slice());
    copy.callback = this.callback;
    copy.callbackDepth = this.callbackDepth;
    copy.instance = this.instance;
    return copy;
  }

  register(number: number): Register {
    return this.registers[number] as Register;
  }

  slot(index: number): StackSlot {
    return this.slots[index] ?? invalidSlot;
  }

  /** Makes sure that the slots down to `fp + offset` exist. */
  grow(offset: number): void {
    const wanted = (-offset + 7) >> 3;
    while (this.slots.length < wanted) this.slots.push(invalidSlot);
  }
}

export interface Reference {
  readonly id: number;
  readonly slot: number;
  /** Interrupts that were saved, on the stack; a reference to an object when absent. */
  readonly kind?: 'irq';
}

export class State {
  frames: Frame[] = [];
  references: Reference[] = [];
  nextReference = 0;
  lock:
    | { readonly id: number; readonly mapUid: number; readonly slot: number; readonly owner: object | undefined }
    | undefined = undefined;
  rcuLocks = 0;
  preemptLocks = 0;
  /** The state that was stored when this one went on from there. */
  parent: State | undefined = undefined;
  /** Paths that began here and have not ended. */
  branches = 0;
  /** The slot where this state began, the one before the present, and the present one. */
  firstSlot = 0;
  lastSlot = -1;
  slot = 0;
  /** Since `firstSlot`. */
  history: HistoryEntry | undefined = undefined;
  /** What is dead was taken out of this stored state. */
  isCleaned = false;
  /** How often this stored state was made wider for the facts' sake. */
  widenings = 0;
  mayGotoDepth = 0;
  dfsDepth = 0;
  /** Entry of a callback, re-entered by its helper. */
  callbackUnroll = 0;
  inSleepable = false;
  /** The last step, when the walk is made again to explain its end. */
  trail: Step | undefined = undefined;
  /** The loop that this stored state stands in; null for none, undefined when that was not asked for yet. */
  visit: Visit | null | undefined = undefined;

  get frame(): Frame {
    return this.frames[this.frames.length - 1] as Frame;
  }

  /** The slot at which a frame stands: the present one, or its call. */
  slotOf(frame: number): number {
    return frame === this.frames.length - 1 ? this.slot : (this.frames[frame + 1] as Frame).callSite;
  }

  get depth(): number {
    return this.frames.length - 1;
  }

  copy(): State {
    const copy = new State();
    copy.frames = this.frames.map((frame) => frame.copy());
    copy.references = this.references;
    copy.lock = this.lock;
    copy.rcuLocks = this.rcuLocks;
    copy.preemptLocks = this.preemptLocks;
    copy.parent = this.parent;
    copy.firstSlot = this.firstSlot;
    copy.lastSlot = this.lastSlot;
    copy.slot = this.slot;
    copy.history = this.history;
    copy.mayGotoDepth = this.mayGotoDepth;
    copy.dfsDepth = this.dfsDepth;
    copy.callbackUnroll = this.callbackUnroll;
    copy.trail = this.trail;
    copy.inSleepable = this.inSleepable;
    return copy;
  }

  /** Calls `change` on every register and spilled register; what it returns takes its place. */
  mapRegisters(change: (register: Register) => Register): void {
    for (const frame of this.frames) {
      for (let number = 0; number < 11; number++) {
        const before = frame.registers[number] as Register;
        if (before.kind === 'uninitialised') continue;
        const after = change(before);
        if (after !== before) frame.registers[number] = after;
      }
      for (let index = 0; index < frame.slots.length; index++) {
        const slot = frame.slots[index] as StackSlot;
        if (slot.type(7) !== slotKinds.spill) continue;
        const after = change(slot.register);
        if (after !== slot.register) frame.slots[index] = new StackSlot(slot.types, after);
      }
    }
  }
}

/** A frame as the log shows it. `wanted` tells which registers and slots; all when absent. */
export function frameText(
  state: State,
  frameNumber: number,
  wantedRegisters: number,
  wantedSlots: bigint | undefined,
): string {
  const frame = state.frames[frameNumber] as Frame;
  let text = frame.number ? ` frame${frame.number}:` : '';
  for (let number = 0; number < 11; number++) {
    const register = frame.register(number);
    if (register.kind === 'uninitialised' || ((wantedRegisters >>> number) & 1) === 0) continue;
    text += ` R${number}=${registerText(register, frame.number)}`;
  }
  for (const [index, slot] of frame.slots.entries()) {
    if (wantedSlots !== undefined && ((wantedSlots >> BigInt(index)) & 1n) === 0n) continue;
    if (slot.types === 0) continue;
    const object = objectText(slot);
    if (object !== undefined) {
      if (object !== '') text += ` fp${(-index - 1) * 8}=${object}`;
      continue;
    }
    text += ` fp${(-index - 1) * 8}=${slotText(slot, frame.number)}`;
  }
  if (state.references.length > 0) text += ` refs=${state.references.map(({ id }) => id).join(',')}`;
  if (frame.callback) text += frame.callback.isAsync ? ' async_cb' : ' cb';
  return text;
}

/** What a dynptr's or iterator's slots show: the whole in the first, nothing in the others. */
function objectText({ types, register }: StackSlot): string | undefined {
  if (types === sameTypes(slotKinds.dynptr)) {
    if (!register.isFirstSlot) return '';
    const facts = [`id=${register.id}`];
    if (register.referenceId) facts.push(`ref_id=${register.referenceId}`);
    if (register.dynptrId) facts.push(`dynptr_id=${register.dynptrId}`);
    return `dynptr_${register.dynptr}(${facts.join(',')})`;
  }
  if (types !== sameTypes(slotKinds.iterator)) return undefined;
  if (!register.referenceId) return '';
  const { name, state, depth } = register.iterator as IteratorState;
  return `iter_${name}(ref_id=${register.referenceId},state=${state},depth=${depth})`;
}

function slotText(slot: StackSlot, inFrame: number): string {
  let letters = '';
  for (let byte = 0; byte < 8; byte++) {
    if (slot.type(7) === slotKinds.spill && slot.type(byte) === slotKinds.spill) break;
    letters += slotLetters[slot.type(byte)];
  }
  return slot.type(7) === slotKinds.spill ? letters + registerText(slot.register, inFrame) : letters;
}

export function isSpill(slot: StackSlot): boolean {
  return slot.type(7) === slotKinds.spill;
}
