import {
  type AluOperation,
  factRegisters,
  type Instruction,
  type Operand,
  registerFacts,
  slotsOf,
} from '../../isa/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import { codeSpace } from '../engine.ts';

/**
 * What is known of the registers at a place of the program: an abstract value for each of r0–r10. Finding values is a
 * forward data flow; a value only ever gets less exact, at most four times, so that it takes linear time.
 */
export const known = {
  /** The place was not reached yet. */
  nothing: 0,
  /** Any 64 bits. */
  any: 1,
  /** The high half is 0. */
  low: 2,
  /** A pointer of the kernel's space: the high half is known, the low half is not. */
  pointer: 3,
  /** As pointer, or 0. */
  orNull: 4,
  /** The constant in `low` and `high`. */
  constant: 5,
  /** The frame's end plus `low`. */
  stack: 6,
} as const;

/** Registers that values are kept for: r10 is one of them, always the frame's end. */
export const registers = 11;
const framePointer = 10;
const kernelHigh = kernelSpace | 0;
/** How far from the frame's end a pointer is still followed. */
const farthest = 4096;
/** No verified pointer is moved farther (BPF_MAX_VAR_OFF, include/linux/bpf_verifier.h). */
const farthestMove = 1 << 29;

const pure: Partial<Record<AluOperation, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
};

/** The values at one place, changed in place from instruction to instruction. */
export class Values {
  readonly kind = new Uint8Array(registers);
  readonly low = new Int32Array(registers);
  readonly high = new Int32Array(registers);
  /** What `evaluate` found. */
  resultKind = 0;
  resultLow = 0;
  resultHigh = 0;
  readonly #verified: boolean;
  readonly #facts: Uint8Array | undefined;

  /** @param facts ten bytes a slot, as ProgramFacts has them */
  constructor(verified: boolean, facts?: Uint8Array) {
    this.#verified = verified;
    this.#facts = facts;
  }

  /** At the first instruction of a program: r1 is the context, r2 a u32, all else 0. */
  beginProgram(): void {
    this.#clear();
    this.#set(1, known.pointer, 0, 0);
    this.#set(2, known.low, 0, 0);
  }

  /** At the first instruction of a function: r1–r5 are arguments, all else is 0. */
  beginFunction(): void {
    this.#clear();
    for (let register = 1; register <= 5; register++) this.#set(register, known.any, 0, 0);
  }

  /** In the middle of a program that came from another chunk. */
  beginChunk(): void {
    for (let register = 0; register < framePointer; register++) this.#set(register, known.any, 0, 0);
    this.#set(framePointer, known.stack, 0, 0);
  }

  #clear(): void {
    for (let register = 0; register < framePointer; register++) this.#set(register, known.constant, 0, 0);
    this.#set(framePointer, known.stack, 0, 0);
  }

  #set(register: number, kind: number, low: number, high: number): void {
    this.kind[register] = kind;
    this.low[register] = low;
    this.high[register] = high;
  }

  copy(other: Values): void {
    this.kind.set(other.kind);
    this.low.set(other.low);
    this.high.set(other.high);
  }

  /** Takes in what the verifier knows at a slot. */
  refine(slot: number): void {
    if (!this.#facts) return;
    for (let register = 0; register < framePointer; register++) {
      if (this.kind[register] !== known.any) continue;
      this.kind[register] = kindOfFact(this.#facts[slot * factRegisters + register]);
    }
  }

  /** After the instruction that was evaluated: the register that it defines has the result. */
  commit(register: number): void {
    if (register >= 0) this.#set(register, this.resultKind, this.resultLow, this.resultHigh);
  }

  /** After a call: r1–r5 are nobody's in a verified program. */
  commitCall(): void {
    if (this.#verified) for (let register = 1; register <= 5; register++) this.#set(register, known.any, 0, 0);
    this.commit(0);
  }

  /** Whether the high half of a register is known, given its low half. */
  knowsHigh(register: number): boolean {
    return this.kind[register]! >= known.low;
  }

  /** Whether a register is below 2^32. */
  isLow(register: number): boolean {
    return isLow(this.kind[register] as number, this.high[register] as number);
  }

  isConstant(register: number): boolean {
    return this.kind[register] === known.constant;
  }

  /** The constant that a register holds, unsigned; undefined when it holds none. */
  constant(register: number): bigint | undefined {
    return this.isConstant(register) ? whole(this.high[register]!, this.low[register]!) : undefined;
  }

  /** Finds the value that an instruction gives to the register it defines; the values stay as they are. */
  evaluate(instruction: Instruction): void {
    this.#compute(instruction);
    if (this.#facts && this.resultKind === known.any) this.#refineResult(instruction, this.#facts);
  }

  /** What is known of the register where control goes on is known of it here: nothing comes between. */
  #refineResult(instruction: Instruction, facts: Uint8Array): void {
    const register = definedBy(instruction);
    if (register < 0) return;
    this.resultKind = kindOfFact(facts[(instruction.slot + slotsOf(instruction)) * factRegisters + register]);
  }

  #compute(instruction: Instruction): void {
    this.#result(known.any);
    switch (instruction.kind) {
      case 'alu':
        if (instruction.width === 32) this.#alu32(instruction);
        else this.#alu64(instruction.op, instruction.dst, instruction.src);
        return;
      case 'neg':
      case 'movsx':
        if (instruction.width === 32) this.#result(known.low);
        return;
      case 'endian':
        if (instruction.bits !== 64) this.#result(known.low);
        return;
      case 'load':
        if (!instruction.signed && instruction.size < 8) this.#result(known.low);
        return;
      case 'loadAcquire':
      case 'atomic':
        if (instruction.size < 8) this.#result(known.low);
        return;
      case 'loadPacket':
        this.#result(known.low);
        return;
      case 'loadImm64':
        if (instruction.pseudo === 'func')
          this.#result(known.constant, instruction.slot + 1 + instruction.imm, codeSpace);
        else this.#result(known.constant, instruction.imm, instruction.nextImm);
        return;
      default:
        return;
    }
  }

  /** A call that is known to answer with a pointer or NULL; before `commit`. */
  answersPointer(): void {
    this.#result(this.#verified ? known.orNull : known.any);
  }

  #result(kind: number, low = 0, high = 0): void {
    this.resultKind = kind;
    this.resultLow = low | 0;
    this.resultHigh = high | 0;
  }

  #alu32({ op, dst, src }: Extract<Instruction, { kind: 'alu' }>): void {
    this.#result(known.low);
    const source = src.kind === 'imm' ? src.imm : this.isConstant(src.register) ? this.low[src.register]! : undefined;
    if (source === undefined) return;
    if (op === 'mov') this.#result(known.constant, source, 0);
    else if (this.isConstant(dst)) {
      const fold = pure[op];
      if (fold)
        this.#result(known.constant, Number(BigInt.asIntN(32, fold(BigInt(this.low[dst]!), BigInt(source)))), 0);
    }
  }

  #alu64(op: AluOperation, dst: number, src: Operand): void {
    if (op === 'mov') {
      if (src.kind === 'imm') this.#result(known.constant, src.imm, src.imm >> 31);
      else this.#result(this.kind[src.register]!, this.low[src.register]!, this.high[src.register]!);
      return;
    }
    const constant = src.kind === 'imm' || this.isConstant(src.register);
    const low = src.kind === 'imm' ? src.imm : (this.low[src.register] as number);
    const high = src.kind === 'imm' ? src.imm >> 31 : (this.high[src.register] as number);
    const fold = pure[op];
    if (constant && fold && this.isConstant(dst)) {
      const value = BigInt.asUintN(64, fold(whole(this.high[dst]!, this.low[dst]!), whole(high, low)));
      this.#result(known.constant, Number(value & 0xffffffffn), Number(value >> 32n));
      return;
    }
    if (op === 'add' || op === 'sub') this.#moved(op, dst, constant, low, high);
    else if (this.#staysLow(op, dst, src, constant, low, high)) this.#result(known.low);
  }

  /** Pointers and what is added to them. */
  #moved(op: 'add' | 'sub', dst: number, constant: boolean, low: number, high: number): void {
    const to = this.kind[dst];
    if (to === known.stack && constant && high === low >> 31) {
      const moved = this.low[dst]! + (op === 'add' ? low : -low);
      if (Math.abs(moved) <= farthest) this.#result(known.stack, moved);
      else if (this.#verified && Math.abs(moved) <= farthestMove) this.#result(known.pointer);
      return;
    }
    // A pointer moved by what may be any u32 may leave its space; what the verifier knows of it comes with its facts.
    const isNear = constant && high === low >> 31 && Math.abs(low) <= farthestMove;
    if (this.#verified && isNear && isPointer(to!, this.high[dst]!)) this.#result(known.pointer);
  }

  #staysLow(op: AluOperation, dst: number, src: Operand, constant: boolean, low: number, high: number): boolean {
    const sourceIsLow = constant ? high === 0 : src.kind === 'register' && this.isLow(src.register);
    switch (op) {
      case 'and':
        return sourceIsLow || this.isLow(dst);
      case 'or':
      case 'xor':
      case 'div':
        return sourceIsLow && this.isLow(dst);
      case 'mod':
        return this.isLow(dst) || (constant && high === 0 && low !== 0);
      case 'rsh':
        return this.isLow(dst) || (constant && (low & 63) >= 32);
      default:
        return false;
    }
  }
}

function kindOfFact(fact: number | undefined): number {
  switch (fact) {
    case registerFacts.below2to32:
      return known.low;
    case registerFacts.pointer:
      return known.pointer;
    case registerFacts.pointerOrNull:
      return known.orNull;
    default:
      return known.any;
  }
}

function whole(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function isLow(kind: number, high: number): boolean {
  return kind === known.low || (kind === known.constant && high === 0);
}

function isPointer(kind: number, high: number): boolean {
  return kind === known.pointer || kind === known.stack || (kind === known.constant && high === kernelHigh);
}

/** The values at the entries of blocks, met from all the places that lead there. */
export class BlockValues {
  readonly #kind: Uint8Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #verified: boolean;

  constructor(blocks: number, verified: boolean) {
    this.#kind = new Uint8Array(blocks * registers);
    this.#low = new Int32Array(blocks * registers);
    this.#high = new Int32Array(blocks * registers);
    this.#verified = verified;
  }

  isReached(block: number): boolean {
    return this.#kind[block * registers + framePointer] !== known.nothing;
  }

  kind(block: number, register: number): number {
    return this.#kind[block * registers + register] as number;
  }

  read(block: number, values: Values): void {
    const at = block * registers;
    values.kind.set(this.#kind.subarray(at, at + registers));
    values.low.set(this.#low.subarray(at, at + registers));
    values.high.set(this.#high.subarray(at, at + registers));
  }

  /** Meets what is known at an entry with what comes along another edge. @returns whether it got less exact */
  meet(block: number, values: Values): boolean {
    let changed = false;
    for (let register = 0; register < registers; register++) {
      const at = block * registers + register;
      const kind = values.kind[register] as number;
      const low = values.low[register] as number;
      const high = values.high[register] as number;
      const old = this.#kind[at] as number;
      if (old === known.nothing) {
        this.#kind[at] = kind;
        this.#low[at] = low;
        this.#high[at] = high;
        changed = true;
        continue;
      }
      if (old === kind && (old < known.constant || (low === this.#low[at] && high === this.#high[at]))) continue;
      const met = this.#meetKinds(old, this.#low[at]!, this.#high[at]!, kind, low, high);
      if (met === old) continue;
      this.#kind[at] = met;
      this.#low[at] = 0;
      this.#high[at] = 0;
      changed = true;
    }
    return changed;
  }

  #meetKinds(a: number, aLow: number, aHigh: number, b: number, bLow: number, bHigh: number): number {
    if (isLow(a, aHigh) && isLow(b, bHigh)) {
      return known.low;
    }
    const aPointer = isPointer(a, aHigh);
    const bPointer = isPointer(b, bHigh);
    if (aPointer && bPointer) return known.pointer;
    if (!this.#verified) return known.any;
    const aNull = a === known.constant && (aLow | aHigh) === 0;
    const bNull = b === known.constant && (bLow | bHigh) === 0;
    const aMaybe = aPointer || aNull || a === known.orNull;
    const bMaybe = bPointer || bNull || b === known.orNull;
    return aMaybe && bMaybe ? known.orNull : known.any;
  }
}

/** The register that an instruction defines, or -1. */
export function definedBy(instruction: Instruction): number {
  switch (instruction.kind) {
    case 'alu':
    case 'neg':
    case 'movsx':
    case 'endian':
    case 'load':
    case 'loadAcquire':
    case 'loadImm64':
      return instruction.dst;
    case 'atomic':
      if (instruction.op === 'cmpxchg') return 0;
      return instruction.op === 'xchg' || instruction.op.startsWith('fetch') ? instruction.src : -1;
    case 'loadPacket':
    case 'call':
    case 'callx':
      return 0;
    default:
      return -1;
  }
}
