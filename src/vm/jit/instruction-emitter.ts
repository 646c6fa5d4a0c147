import { assertNever } from '../../base/index.ts';
import type { Instruction } from '../../isa/index.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { wants } from './analysis.ts';
import {
  emitAlu,
  emitCondition,
  emitEndian,
  emitNegation,
  emitSignExtension,
  emitSwap,
  type Scratch,
} from './arithmetic.ts';
import type { Block } from './blocks.ts';
import type { CallEmitter } from './call-emitter.ts';
import { Demand } from './demand.ts';
import type { MapLookup } from './map-lookup.ts';
import type { MemoryAccess } from './memory-access.ts';
import { emitTrap, type ModuleContext } from './module-context.ts';
import type { RegisterFile } from './register-file.ts';
import { definedBy } from './values.ts';

/** What an instruction is emitted with: the parts of a function's emitter. */
export interface InstructionParts {
  readonly code: Code;
  readonly context: ModuleContext;
  readonly file: RegisterFile;
  readonly memory: MemoryAccess;
  readonly calls: CallEmitter;
  readonly lookup: MapLookup;
  readonly scratch: Scratch;
  /** The analysis': what is wanted of what each instruction defines. */
  readonly wants: Uint8Array;
  /** The local of what is left of the frame's may_goto; -1 where there is none. */
  readonly loops: number;
  /** Emits what ends the frame's run with the r0 in the registers. */
  readonly leave: () => void;
}

/** Emits the instructions within a block, one after the other, and two that belong together as one. */
export class InstructionEmitter {
  readonly #code: Code;
  readonly #context: ModuleContext;
  readonly #file: RegisterFile;
  readonly #memory: MemoryAccess;
  readonly #calls: CallEmitter;
  readonly #lookup: MapLookup;
  readonly #scratch: Scratch;
  readonly #wants: Uint8Array;
  readonly #loops: number;
  readonly #leave: () => void;
  readonly #demand: Demand;
  /** The most that each register may hold at this place of a block, unsigned; infinite where that is not known. */
  readonly #most = new Float64Array(11);
  /** Where `wants` of the block at work on stand, less the index of its first instruction. */
  #wantsAt = 0;

  constructor({ code, context, file, memory, calls, lookup, scratch, wants, loops, leave }: InstructionParts) {
    this.#code = code;
    this.#context = context;
    this.#file = file;
    this.#memory = memory;
    this.#calls = calls;
    this.#lookup = lookup;
    this.#scratch = scratch;
    this.#wants = wants;
    this.#loops = loops;
    this.#leave = leave;
    this.#demand = new Demand(context.verified);
  }

  /** Pushes whether the jump that ends a block is taken. */
  condition(instruction: Instruction): void {
    if (this.#lookup.isTestedBy(instruction)) {
      this.#lookup.pushTest(instruction);
      return;
    }
    if (instruction.kind === 'jump') {
      emitCondition(this.#code, this.#file, instruction);
      return;
    }
    // may_goto: taken when this frame has gone on often enough.
    const code = this.#code;
    code.get(this.#loops);
    code.op(wasm.i32Eqz);
    code.get(this.#loops);
    code.get(this.#loops);
    code.i32(0);
    code.op(wasm.i32Ne);
    code.op(wasm.i32Sub);
    code.set(this.#loops);
  }

  // --- Instructions

  #at(index: number): Instruction {
    return this.#context.program.instructions[index] as Instruction;
  }

  /** What the analysis found to be wanted of an instruction of the block at work on. */
  #want(index: number): number {
    return this.#wants[this.#wantsAt + index] as number;
  }

  /** The first instructions of a block, all or all but the one that ends it. @param wantsAt where its `wants` begin */
  emit(block: Block, count: number, wantsAt: number): void {
    this.#wantsAt = wantsAt - block.first;
    const { values } = this.#file;
    const end = block.first + count;
    this.#most.fill(Infinity);
    this.#memory.begin();
    this.#lookup.begin();
    for (let index = block.first; index < end; index++) {
      const instruction = this.#at(index);
      values.refine(instruction.slot);
      this.#memory.unretired = block.first + block.count - index;
      if (index + 1 < end && this.#pair(instruction, this.#at(index + 1), index + 1)) index++;
      else this.#instruction(instruction, this.#want(index));
      this.#note(instruction);
    }
    if (block.count > 0) values.refine(this.#at(block.first + block.count - 1).slot);
  }

  #note(instruction: Instruction): void {
    this.#lookup.note(instruction);
    const defined = definedBy(instruction);
    if (defined >= 0) this.#most[defined] = mostOf(instruction, this.#most);
  }

  /** Two instructions that are done as one. @param index of the second */
  #pair(first: Instruction, second: Instruction, index: number): boolean {
    return this.#extension(first, second, index) || this.#swappedLoad(first, second, index);
  }

  /** A load of two bytes and `be16`: a field of a packet. */
  #swappedLoad(first: Instruction, second: Instruction, index: number): boolean {
    if (!this.#context.verified || !isPlainLoad(first, this.#context.mayFault) || first.size !== 2) return false;
    if (second.kind !== 'endian' || second.bits !== 16 || second.op === 'le' || second.dst !== first.dst) return false;
    const want = this.#want(index);
    if ((want & wants.live) === 0 || !this.#memory.loadSwapped(first)) return false;
    const file = this.#file;
    file.values.evaluate(first);
    file.values.commit(first.dst);
    file.values.evaluate(second);
    file.define(second.dst, 'i32', want);
    return true;
  }

  /** `<<= 32` and `>>= 32` (or `s>>= 32`), which compilers before ISA v3 and v4 write to extend 32 bits. */
  #extension(first: Instruction, second: Instruction, index: number): boolean {
    if (!isShiftBy32(first, 'lsh') || second.kind !== 'alu' || second.dst !== first.dst) return false;
    const signed = isShiftBy32(second, 'arsh');
    if (!signed && !isShiftBy32(second, 'rsh')) return false;
    const want = this.#want(index);
    const file = this.#file;
    const { dst } = first;
    const narrow = !signed || (want & wants.wide) === 0;
    if ((want & wants.live) !== 0) {
      if (narrow) file.push32(dst);
      else file.push64(dst);
      if (!narrow) this.#code.op(wasm.i64Extend32s);
    }
    file.values.evaluate(first);
    file.values.commit(dst);
    file.values.evaluate(second);
    if ((want & wants.live) !== 0) file.define(dst, narrow ? 'i32' : 'i64', want);
    else file.defineNothing(dst);
    return true;
  }

  #instruction(instruction: Instruction, want: number): void {
    const code = this.#code;
    const file = this.#file;
    const { values } = file;
    values.evaluate(instruction);
    const defined = definedBy(instruction);
    if (defined >= 0 && this.#demand.isPure(instruction) && (file.resultIsKnown || (want & wants.live) === 0)) {
      file.defineNothing(defined);
      return;
    }
    const narrow = file.isNarrow(want);
    switch (instruction.kind) {
      case 'alu':
        file.define(defined, emitAlu(code, file, instruction, narrow), want);
        return;
      case 'neg':
        file.define(defined, emitNegation(code, file, instruction, narrow), want);
        return;
      case 'movsx':
        file.define(defined, emitSignExtension(code, file, instruction, narrow), want);
        return;
      case 'endian':
        file.define(defined, emitEndian(code, file, instruction, this.#scratch, this.#most[defined]! <= 0xffff), want);
        return;
      case 'load':
      case 'loadAcquire':
        file.define(defined, this.#memory.load(instruction, narrow), want);
        return;
      case 'atomic':
        this.#memory.atomic(instruction, defined >= 0);
        if (defined >= 0) file.define(defined, instruction.size === 8 ? 'i64' : 'i32', want);
        return;
      case 'store':
      case 'storeRelease':
        this.#memory.store(instruction, this.#mostStored(instruction));
        return;
      case 'addrSpaceCast':
        emitTrap(code, this.#context, 'bad-instruction', instruction.slot, this.#memory.unretired);
        return;
      case 'loadPacket':
        this.#loadPacket(instruction, want);
        return;
      case 'call':
        this.#calls.call(instruction, want);
        return;
      case 'callx':
        this.#calls.callRegister(instruction, want);
        return;
      case 'loadImm64':
      case 'jump':
      case 'goto':
      case 'mayGoto':
      case 'exit':
        throw new RangeError(`${instruction.kind} at slot ${instruction.slot} stands inside a block`);
      default:
        assertNever(instruction);
    }
  }

  #mostStored({ src }: Extract<Instruction, { kind: 'store' | 'storeRelease' }>): number {
    if (typeof src === 'number') return this.#most[src] as number;
    if (src.kind === 'register') return this.#most[src.register] as number;
    return src.imm >= 0 ? src.imm : Infinity;
  }

  /** LD_ABS and LD_IND: the host finds the bytes, big-endian; where there are none the frame ends with r0 = 0. */
  #loadPacket(instruction: Extract<Instruction, { kind: 'loadPacket' }>, want: number): void {
    const code = this.#code;
    const { size, index, imm, slot } = instruction;
    const file = this.#file;
    const { i32: scratch } = this.#scratch;
    file.push32(6);
    code.i32(imm);
    if (index !== null) {
      file.push32(index);
      code.op(wasm.i32Add);
    }
    code.i32(size);
    code.i32(slot);
    this.#context.callsOut = true;
    code.call(this.#context.imports.packet);
    code.tee(scratch);
    code.i32(0);
    code.op(wasm.i32LeS);
    code.open(wasm.if);
    code.get(scratch);
    code.open(wasm.if);
    emitTrap(code, this.#context, 'bad-instruction', slot, this.#memory.unretired);
    code.end();
    const snapshot = file.snapshot();
    code.i64(0n);
    file.define(0, 'i64', wants.live | wants.wide);
    this.#leave();
    code.end();
    file.restore(snapshot);
    code.get(scratch);
    code.memory(size === 1 ? wasm.i32Load8u : size === 2 ? wasm.i32Load16u : wasm.i32Load);
    if (size > 1) emitSwap(code, size === 2 ? 16 : 32, scratch, true);
    file.values.evaluate(instruction);
    file.define(0, 'i32', want);
  }
}

/** The most that an instruction may give to the register it defines. @param most before it */
function mostOf(instruction: Instruction, most: Float64Array): number {
  switch (instruction.kind) {
    case 'load':
      return instruction.size <= 2 && !instruction.signed ? 2 ** (instruction.size * 8) - 1 : Infinity;
    case 'endian':
      return instruction.bits === 16 ? 0xffff : Infinity;
    case 'alu': {
      const { op, src } = instruction;
      if (op === 'mov' && src.kind === 'register') return most[src.register] as number;
      return (op === 'and' || op === 'mov') && src.kind === 'imm' && src.imm >= 0 ? src.imm : Infinity;
    }
    default:
      return Infinity;
  }
}

/** A load that zero-extends and needs no check. */
function isPlainLoad(
  instruction: Instruction,
  mayFault: Uint8Array | undefined,
): instruction is Extract<Instruction, { kind: 'load' }> {
  return instruction.kind === 'load' && !instruction.signed && mayFault?.[instruction.slot] !== 1;
}

function isShiftBy32(
  instruction: Instruction,
  op: 'lsh' | 'rsh' | 'arsh',
): instruction is Extract<Instruction, { kind: 'alu' }> {
  return (
    instruction.kind === 'alu' &&
    instruction.op === op &&
    instruction.width === 64 &&
    instruction.src.kind === 'imm' &&
    instruction.src.imm === 32
  );
}
