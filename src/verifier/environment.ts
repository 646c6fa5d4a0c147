import type { ErrnoName } from '../base/index.ts';
import type { TypeId } from '../btf/index.ts';
import { decode, formatInstruction, opcodeTable } from '../isa/index.ts';
import { helperById, isGplCompatible } from '../uapi/index.ts';
import type { AttachTarget } from './attach-target.ts';
import type { Subprogram } from './control-flow.ts';
import type { Trail } from './explain/trail.ts';
import type { FactCollector } from './facts.ts';
import { entryAfter, type HistoryEntry } from './history.ts';
import { StackLiveness } from './liveness.ts';
import { alignment, type Log } from './log.ts';
import { Loops } from './loops.ts';
import { Backtracker, markPrecise } from './precision.ts';
import { type LineInfo, type MapShape, type ProgramText, Slots } from './program.ts';
import { Pairs } from './prune.ts';
import { type RecordField, recordFields } from './record-fields.ts';
import { pointer, type Register } from './register.ts';
import { Rejection } from './rejection.ts';
import { type Frame, frameText, invalidSlot, type State } from './state.ts';
import { Successors } from './successors.ts';
import { Visited } from './visited.ts';

/** A path that waits: the state at a jump's other side, and where the log stood when it was put aside. */
export interface Pending {
  readonly state: State;
  readonly slot: number;
  readonly previous: number;
  readonly logEnd: number;
}

/** A state that was walked on from, for comparison with later ones at its slot. */
export interface Explored {
  readonly state: State;
  hits: number;
  misses: number;
}

const maxPending = 8192;

/** Everything that one verification knows: the program, what is found about its slots, and the path being walked. */
export class Environment {
  readonly program: ProgramText;
  readonly slots: Slots;
  readonly log: Log;
  readonly strictAlignment: boolean;
  readonly mapAt = new Map<number, MapShape>();
  readonly mapAddress = new Map<MapShape, bigint>();
  /** What 64-bit immediates that name kernel symbols give. */
  readonly symbolAt = new Map<number, Register>();
  /** Whether the license opens what is kept for GPL-compatible programs. */
  readonly isGpl: boolean;
  readonly prunePoint: Uint8Array;
  readonly jumpPoint: Uint8Array;
  readonly forceCheckpoint: Uint8Array;
  readonly callsCallback: Uint8Array;
  /** Calls of an iterator's next function. */
  readonly iterates: Uint8Array;
  readonly liveRegisters: Uint16Array;
  readonly seen: Uint8Array;
  readonly pointerKind: (string | undefined)[] = [];
  readonly asyncCallbacks = new Set<number>();
  readonly visited: Visited;
  readonly loops: Loops;
  readonly liveness: StackLiveness;
  readonly backtracker = new Backtracker();
  /** For comparisons of states, one at a time. */
  readonly pairs = new Pairs();
  subprograms: Subprogram[] = [];
  /** What a program with a typed context attaches to. */
  target: AttachTarget | undefined;
  /** A call of no kernel function at all is reached: refused when everything else is in order. */
  hasEmptyCall = false;
  state!: State;
  slot = 0;
  previous = 0;
  nextId = 0;
  processed = 0;
  jumps = 0;
  markJumps = 0;
  markProcessed = 0;
  totalStates = 0;
  peakStates = 0;
  maxStatesPerSlot = 0;
  /** A state is stored wherever one may be. */
  storesAll = false;
  /** States kept for loops that are still under way. */
  backedges = 0;
  /** Absent when nobody asked for facts. */
  facts: FactCollector | undefined = undefined;
  /** Present when the walk is made again to explain its end. */
  trail: Trail | undefined = undefined;
  readonly pending: Pending[] = [];
  #scratchedRegisters = 0x7ff;
  #scratchedSlots: bigint | undefined;
  readonly #texts: (string | undefined)[] = [];
  #lineStart = 0;
  #lineEnd = 0;
  #entry: HistoryEntry | undefined;
  #cameFrom = -1;
  readonly #records = new Map<TypeId, readonly RecordField[]>();
  #lastLine: LineInfo | undefined;
  #successors: Successors | undefined;

  constructor(program: ProgramText, log: Log, strictAlignment: boolean) {
    this.program = program;
    this.slots = new Slots(program.code);
    this.log = log;
    this.strictAlignment = strictAlignment;
    this.isGpl = isGplCompatible(program.license ?? 'GPL');
    const { count } = this.slots;
    this.prunePoint = new Uint8Array(count + 1);
    this.jumpPoint = new Uint8Array(count + 1);
    this.forceCheckpoint = new Uint8Array(count + 1);
    this.callsCallback = new Uint8Array(count + 1);
    this.iterates = new Uint8Array(count + 1);
    this.liveRegisters = new Uint16Array(count + 1);
    this.seen = new Uint8Array(count + 1);
    this.visited = new Visited(this);
    this.loops = new Loops(this);
    this.liveness = new StackLiveness(this);
    for (const shape of program.maps?.values() ?? []) {
      this.mapAddress.set(shape, 0xffff_8881_0000_0000n + BigInt(this.mapAddress.size) * 0x400n);
    }
  }

  get successors(): Successors {
    this.#successors ??= new Successors(this.slots);
    return this.#successors;
  }

  /** The path stands before its next instruction. */
  begin(): void {
    this.#entry = undefined;
    this.#cameFrom = this.previous;
    this.state.lastSlot = this.previous;
    this.state.slot = this.slot;
  }

  /** The present instruction's entry in the history of the path; made when it is first asked for. */
  history(): HistoryEntry {
    if (this.backtracker.isOff) return entryAfter(undefined, this.slot, this.#cameFrom);
    if (!this.#entry) {
      this.#entry = entryAfter(this.state.history, this.slot, this.#cameFrom);
      this.state.history = this.#entry;
    }
    return this.#entry;
  }

  countStates(): void {
    this.peakStates = Math.max(this.peakStates, this.visited.size + this.backedges);
  }

  say(line: string): void {
    this.trail?.said.push(line);
    this.log.write(`${line}\n`);
  }

  /** @param end what stands behind the message in the log: one of the kernel's has no line end */
  fail(errno: ErrnoName, message: string, end = '\n'): never {
    this.log.write(`${message}${end}`);
    throw new Rejection(errno, message);
  }

  isOpcode(opcode: number): boolean {
    return opcodeTable[opcode] !== undefined;
  }

  get frame(): Frame {
    return this.state.frame;
  }

  register(number: number): Register {
    return this.state.frame.registers[number] as Register;
  }

  setRegister(number: number, register: Register): void {
    this.state.frame.registers[number] = register;
    this.#scratchedRegisters |= 1 << number;
  }

  scratchRegister(number: number): void {
    this.#scratchedRegisters |= 1 << number;
  }

  scratchSlot(index: number): void {
    if (this.#scratchedSlots !== undefined) this.#scratchedSlots |= 1n << BigInt(index);
  }

  scratchAll(): void {
    this.#scratchedRegisters = 0x7ff;
    this.#scratchedSlots = undefined;
  }

  freshId(): number {
    return ++this.nextId;
  }

  subprogramAt(slot: number): number {
    return this.subprograms.findIndex(({ start }) => start === slot);
  }

  instructionText(slot: number): string {
    this.#texts[slot] ??= this.#textOf(slot);
    return this.#texts[slot] as string;
  }

  #textOf(slot: number): string {
    const size = this.slots.isWide(slot) ? 16 : 8;
    const opcode = (this.slots.opcode[slot] as number).toString(16).padStart(2, '0');
    const shape = this.mapAt.get(slot);
    if (shape) {
      const address = (this.mapAddress.get(shape) as bigint) + (this.slots.src[slot] === 1 ? 0n : 0x100n);
      return `(${opcode}) r${this.slots.dst[slot]} = 0x${address.toString(16)}`;
    }
    const [instruction] = decodeOr(this.program.code.subarray(slot * 8, slot * 8 + size));
    if (!instruction) return `(${opcode})`;
    return `(${opcode}) ${formatInstruction(instruction, { style: 'verifier', helperName })}`;
  }

  /** `bpf_map_lookup_elem`, of the helper that a slot calls. */
  helperText(slot: number): string {
    const id = this.slots.imm[slot] as number;
    return helperName(id) ?? `helper ${id}`;
  }

  /**
   * Prints the source line that a slot comes from, unless it was the last one printed: `; int x = 1; @ prog.c:10`
   * (kernel/bpf/log.c: verbose_linfo).
   */
  sayLine(slot: number, prefix: string): void {
    const { lines } = this.program;
    if (!lines || this.log.level === 0) return;
    const line = lineAt(lines, slot);
    const last = this.#lastLine;
    if (!line || (last && last.file === line.file && last.line === line.line)) return;
    this.log.write(prefix);
    this.log.writeSource(line.text.trimStart());
    this.log.writeSource(` @ ${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}\n`);
    this.#lastLine = line;
  }

  /** Prints an instruction before it is judged. */
  sayInstruction(): void {
    if (this.#scratchedRegisters !== 0 || this.#scratchedSlots !== 0n) this.sayState();
    this.sayLine(this.slot, '; ');
    this.#lineStart = this.log.end;
    this.say(`${this.slot}: ${this.instructionText(this.slot)}`);
    this.#lineStart = this.log.end - this.#lineStart - 1;
    this.#lineEnd = this.log.end;
  }

  /** Prints what changed, behind the instruction when nothing stands between. */
  sayState(): void {
    if (this.#lineEnd !== 0 && this.#lineEnd === this.log.end) {
      this.log.reset(this.#lineEnd - 1);
      this.log.write(`${' '.repeat(alignment(this.#lineStart + 1))};`);
    } else {
      this.log.write(`${this.slot}:`);
    }
    this.say(frameText(this.state, this.state.depth, this.#scratchedRegisters, this.#scratchedSlots));
    this.#scratchedRegisters = 0;
    this.#scratchedSlots = 0n;
  }

  sayFrame(number: number): void {
    this.say(frameText(this.state, number, 0x7ff, undefined));
  }

  /** Puts a copy of the present state aside for later. */
  push(slot: number, previous: number): State {
    const state = this.state.copy();
    state.branches = 1;
    if (state.parent) state.parent.branches++;
    if (this.pending.length >= maxPending)
      this.fail('EFAULT', `The sequence of ${maxPending + 1} jumps is too complex.`);
    this.pending.push({ state, slot, previous, logEnd: this.log.end });
    return state;
  }

  /** Puts a path aside that does not go on from the present one. */
  pushState(state: State, slot: number, previous: number): void {
    if (this.pending.length >= maxPending)
      this.fail('E2BIG', `The sequence of ${maxPending + 1} jumps is too complex for async cb.`);
    this.pending.push({ state, slot, previous, logEnd: this.log.end });
  }

  /** A new reference, which the program must hand back. */
  acquire(kind?: 'irq'): number {
    const id = this.freshId();
    this.state.references = [...this.state.references, kind ? { id, slot: this.slot, kind } : { id, slot: this.slot }];
    return id;
  }

  /** What the verdict rests on: the register's exact value, not only its range. */
  needsExact(number: number): void {
    if (this.register(number).isScalar) markPrecise(this, number);
  }

  /** Where RCU keeps objects alive: a section, a lock, or a program that never sleeps. */
  get inRcuSection(): boolean {
    const { state, program } = this;
    const sleeps = program.sleepable === true || state.inSleepable;
    return state.rcuLocks > 0 || state.lock !== undefined || state.preemptLocks > 0 || !sleeps;
  }

  /** A pointer to a struct of the kernel's. */
  kernelPointer(struct: string, flags = 0): Register {
    return this.nameKernelType(pointer('btf', flags), struct);
  }

  nameKernelType(register: Register, struct: string): Register {
    const { kernel } = this.program;
    register.btfName = struct;
    register.btf = kernel;
    register.btfId = kernel?.find('struct', struct) ?? 0;
    return register;
  }

  /** The fields of the kernel's in what a register points to: a map's value, or an object of the program's own type. */
  recordOf(register: Register): readonly RecordField[] | undefined {
    if (register.kind === 'mapValue') return register.shape?.fields;
    const { btf } = this.program;
    if (register.kind !== 'btf' || !btf || register.btf !== btf) return undefined;
    let fields = this.#records.get(register.btfId);
    if (!fields) {
      fields = recordFields(btf, register.btfId);
      this.#records.set(register.btfId, fields);
    }
    return fields;
  }

  /** Makes sure that a frame's stack reaches down to an offset, and remembers how deep its function's stack goes. */
  growTo(frameNumber: number, offset: number): Frame | undefined {
    const frame = this.state.frames[frameNumber];
    const subprogram = frame && this.subprograms[frame.program];
    if (subprogram && -offset > subprogram.stackDepth) subprogram.stackDepth = -offset;
    frame?.grow(offset);
    return frame;
  }

  spillAt(frame: Frame, index: number): Register {
    return (frame.slots[index] ?? invalidSlot).register;
  }
}

function helperName(id: number): string | undefined {
  const info = helperById(id);
  return info && `bpf_${info.name}`;
}

/** The last entry that begins at or before a slot. */
export function lineAt(lines: readonly LineInfo[], slot: number): LineInfo | undefined {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as LineInfo).slot <= slot) low = middle + 1;
    else high = middle;
  }
  return lines[low - 1];
}

function decodeOr(code: Uint8Array): ReturnType<typeof decode>['instructions'] {
  try {
    return decode(code).instructions;
  } catch {
    // What is judged may be no instruction; the message that refuses it follows in the log.
    return [];
  }
}
