import { assertNever } from '../../base/index.ts';
import type { Instruction } from '../../isa/index.ts';
import { maxLoops } from '../engine.ts';
import { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { type Analysis, analyse, type Beginning, beginValues, wants } from './analysis.ts';
import {
  emitAlu,
  emitCondition,
  emitEndian,
  emitNegation,
  emitSignExtension,
  emitSwap,
  type Scratch,
} from './arithmetic.ts';
import { type Block, successorsOf } from './blocks.ts';
import { CallEmitter } from './call-emitter.ts';
import { Demand } from './demand.ts';
import { MemoryAccess } from './memory-access.ts';
import { cells, emitTrap, type ModuleContext } from './module-context.ts';
import { RegisterFile } from './register-file.ts';
import { promoteSlots, type SlotMap } from './slots.ts';
import { type Structure, structure } from './structure.ts';
import { copyTails } from './tails.ts';
import { unrollLoops } from './unroll.ts';
import { definedBy } from './values.ts';

/**
 * What a function is:
 * - run: (context, r2) → low half of r0, the whole of which goes to the global `answer`;
 * - batch: (contexts, their end, results less twice the contexts), the body within the loop over them;
 * - function: (r1…r5, frame) → r0;
 * - chunk: (label, frame) → label of the next chunk's entry, or -1 when r0 is final. Registers are in globals between.
 */
export type Shape = 'run' | 'batch' | 'function' | 'chunk';

const parameters = { run: 2, batch: 3, function: 6, chunk: 2 } as const satisfies Record<Shape, number>;
const frameParameter = { run: -1, batch: -1, function: 5, chunk: 1 } as const satisfies Record<Shape, number>;
const beginnings = {
  run: 'program',
  batch: 'program',
  function: 'function',
  chunk: 'chunk',
} as const satisfies Record<Shape, Beginning>;

/** Emits one function: its blocks in structured order, instruction by instruction. */
export class FunctionEmitter {
  readonly code: Code;
  readonly #context: ModuleContext;
  readonly #shape: Shape;
  readonly #blocks: readonly Block[];
  readonly #structure: Structure;
  readonly #analysis: Analysis;
  readonly #demand: Demand;
  readonly #file: RegisterFile;
  readonly #memory: MemoryAccess;
  readonly #calls: CallEmitter;
  readonly #scratch: Scratch;
  /** What is left of the frame's may_goto; -1 where there is none. */
  readonly #loops: number;
  readonly #labels = new Map<number, number>();
  readonly #loopMarks = new Map<number, number>();
  readonly #blockMarks = new Map<number, number>();
  /** Registers that are known to be below 2^16 at this place of a block, as a mask. */
  #halves = 0;
  /** Where `wants` of the block at work on stand, less the index of its first instruction. */
  #wantsAt = 0;
  /** In a batch: the block that a context's run leaves to be done. */
  #done = -1;
  /** In a batch: the place of the context that is at work. */
  #cursor = -1;

  constructor(context: ModuleContext, blocks: readonly Block[], shape: Shape) {
    this.#context = context;
    this.#shape = shape;
    const { verified, facts, mayFault, inlineCalls } = context;
    const { instructions } = context.program;
    const beginning = beginnings[shape];
    const given = { instructions, blocks, beginning, verified, facts, mayFault, inlineCalls };
    // Where no access is checked code is small enough to be copied.
    const input = verified && shape !== 'chunk' ? { ...given, blocks: copyTails(unrollLoops(given)) } : given;
    this.#blocks = input.blocks;
    const switches = new Set(input.blocks.flatMap(({ end }, node) => (end.kind === 'switch' ? [node] : [])));
    this.#structure = structure(
      input.blocks.map(({ end }) => successorsOf(end)),
      switches,
    );
    this.#analysis = analyse(input);
    const slots: SlotMap = verified
      ? promoteSlots(instructions, input.blocks, this.#analysis, inlineCalls, facts)
      : new Map();
    this.#demand = new Demand(verified);
    const code = new Code(parameters[shape]);
    this.code = code;
    this.#file = new RegisterFile(code, beginValues(input), frameParameter[shape], context.stackTop);
    this.#scratch = { i32: code.local('i32'), i64: code.local('i64') };
    this.#memory = new MemoryAccess(code, context, this.#file, this.#scratch, slots);
    const leave = (): void => this.#leave();
    this.#calls = new CallEmitter(code, context, this.#file, this.#memory, this.#scratch, leave);
    this.#loops =
      shape === 'chunk' || input.blocks.some((block) => this.#last(block)?.kind === 'mayGoto') ? code.local('i32') : -1;
  }

  /** Emits the whole body. */
  emit(): Code {
    switch (this.#shape) {
      case 'run':
        this.#begin(0, 1);
        this.#walk();
        break;
      case 'function':
        for (let register = 1; register <= 5; register++) this.#file.bind(register, register - 1);
        this.#resetLoops();
        this.#flow(0);
        this.#walk();
        break;
      case 'chunk':
        this.#beginChunk();
        this.#walk();
        break;
      case 'batch':
        this.#batch();
        return this.code;
      default:
        assertNever(this.#shape);
    }
    this.code.op(wasm.unreachable);
    return this.code;
  }

  // --- The shapes

  /** r1 is the kernel pointer to the context in one local, r2 the low half in another (or 0). */
  #begin(context: number, r2: number): void {
    const { values } = this.#file;
    values.beginProgram();
    this.#file.bindNarrow(1, context);
    if (r2 >= 0) this.#file.bindNarrow(2, r2);
    this.#resetLoops();
    this.#memory.clear();
    this.#flow(0);
  }

  #beginChunk(): void {
    const { code } = this;
    const globals = this.#context.chunkGlobals();
    globals.registers.forEach((global, register) => {
      const local = code.local('i64');
      code.globalGet(global);
      code.set(local);
      this.#file.bind(register, local);
    });
    code.globalGet(globals.loops);
    code.set(this.#loops);
    this.#flow(0);
  }

  #resetLoops(): void {
    if (this.#loops < 0) return;
    this.code.i32(maxLoops);
    this.code.set(this.#loops);
  }

  /**
   * Over the offsets of contexts from local 0 to local 1; the whole of the r0 of the one at `cursor` goes to
   * cursor * 2 + local 2, as 8 bytes there stand for 4 here. The body stands in the loop, so that nothing is called
   * for a context.
   */
  #batch(): void {
    const { code } = this;
    const cursor = code.local('i32');
    const context = code.local('i32');
    this.#cursor = cursor;
    code.get(0);
    code.set(cursor);
    const all = code.open(wasm.block);
    const again = code.open(wasm.loop);
    code.get(cursor);
    code.get(1);
    code.op(wasm.i32Eq);
    code.brIf(all);
    this.#done = code.open(wasm.block);
    code.get(cursor);
    code.memory(wasm.i32Load);
    code.set(context);
    this.#begin(context, -1);
    this.#walk();
    code.op(wasm.unreachable);
    code.end();
    code.get(cursor);
    code.i32(4);
    code.op(wasm.i32Add);
    code.set(cursor);
    this.#countContext(cursor);
    code.br(again);
    code.end();
    code.end();
    this.#storeCell(cells.done, () => this.#pushDone(1));
  }

  /** Pushes how many contexts lie before the one that a local points to. */
  #pushDone(cursor: number): void {
    this.code.get(cursor);
    this.code.get(0);
    this.code.op(wasm.i32Sub);
    this.code.i32(2);
    this.code.op(wasm.i32ShrU);
  }

  /** Where a context may trap the session learns how far the batch came; each has its tail calls anew. */
  #countContext(cursor: number): void {
    const { callsOut, verified } = this.#context;
    if (callsOut || !verified) this.#storeCell(cells.done, () => this.#pushDone(cursor));
    if (callsOut) this.#storeCell(cells.tailCalls, () => this.code.i32(0));
  }

  #storeCell(cell: number, push: () => void): void {
    this.code.i32(this.#context.cells);
    push();
    this.code.memory(wasm.i32Store, cell);
  }

  /** r0 is final: ends the run, the function, or this context of a batch. */
  #leave(): void {
    const { code } = this;
    switch (this.#shape) {
      case 'run':
        this.#file.push64(0);
        code.globalSet(this.#context.answer);
        this.#file.push32(0);
        code.op(wasm.return);
        return;
      case 'function':
        this.#file.push64(0);
        code.op(wasm.return);
        return;
      case 'chunk':
        this.#file.push64(0);
        code.globalSet(this.#context.chunkGlobals().registers[0] as number);
        code.i32(-1);
        code.op(wasm.return);
        return;
      case 'batch':
        code.get(2);
        code.get(this.#cursor);
        code.i32(1);
        code.op(wasm.i32Shl);
        code.op(wasm.i32Add);
        this.#file.push64(0);
        code.memory(wasm.i64Store);
        code.br(this.#done);
        return;
      default:
        assertNever(this.#shape);
    }
  }

  /** On to another chunk. */
  #leaveFor(label: number): void {
    const { code } = this;
    const globals = this.#context.chunkGlobals();
    globals.registers.forEach((global, register) => {
      this.#file.push64(register);
      code.globalSet(global);
    });
    code.get(this.#loops);
    code.globalSet(globals.loops);
    code.i32(label);
    code.op(wasm.return);
  }

  // --- Control flow

  /** The dominator tree in the order of its text; tasks stand on a stack of our own, last first. */
  #walk(): void {
    const tasks: (() => void)[] = [];
    const { merges, isLoop } = this.#structure;
    const tree = (node: number): void => {
      if (isLoop[node] === 1) {
        this.#loopMarks.set(node, this.code.open(wasm.loop));
        tasks.push(() => this.code.end());
      }
      for (const merge of merges[node] as readonly number[]) {
        this.#blockMarks.set(merge, this.code.open(wasm.block));
        tasks.push(
          () => tree(merge),
          () => this.code.end(),
        );
      }
      tasks.push(() => this.#body(node, tasks, tree));
    };
    tasks.push(() => tree(0));
    for (let task = tasks.pop(); task; task = tasks.pop()) task();
  }

  #body(node: number, tasks: (() => void)[], tree: (node: number) => void): void {
    const block = this.#blocks[node];
    if (!block) {
      this.#dispatch(node, this.#label(node));
      return;
    }
    const { values, live, wide, wantsAt } = this.#analysis;
    this.#file.enter(values, live[node]!, wide[node]!, node);
    this.#wantsAt = wantsAt[node]! - block.first;
    this.#count(block);
    const { end } = block;
    switch (end.kind) {
      case 'off':
        this.#off(end.slot);
        return;
      case 'exit':
        this.#instructions(block, block.count - 1);
        this.#leave();
        return;
      case 'leave':
        this.#leaveFor(end.label);
        return;
      case 'switch':
        for (const to of end.to) this.#flow(to);
        this.#dispatch(node, 0);
        return;
      case 'goto':
        // The goto itself, or a jump that is known to go there.
        this.#instructions(block, isJump(this.#last(block)) ? block.count - 1 : block.count);
        this.#branch(node, end.next, tree);
        return;
      case 'branch':
        this.#instructions(block, block.count - 1);
        this.#twoWays(node, block, tasks, tree);
        return;
      default:
        assertNever(end);
    }
  }

  /** Control left the program; with a budget that is used up it may not even be looked at where. */
  #off(slot: number): void {
    const { code } = this;
    if (this.#context.counted) {
      code.i32(this.#context.cells);
      code.memory(wasm.i64Load, cells.left);
      code.op(wasm.i64Eqz);
      code.open(wasm.if);
      emitTrap(code, this.#context, 'budget-exhausted', slot, 0);
      code.end();
    }
    emitTrap(code, this.#context, 'off-the-end', slot, 0);
  }

  #twoWays(node: number, block: Block, tasks: (() => void)[], tree: (node: number) => void): void {
    const { taken, next } = block.end as Extract<Block['end'], { kind: 'branch' }>;
    this.#condition(this.#last(block) as Instruction);
    if (taken === next) {
      this.code.op(wasm.drop);
      this.#branch(node, next, tree);
      return;
    }
    const mark = this.#directMark(node, taken);
    if (mark >= 0 && !this.#flow(taken, true)) {
      this.code.brIf(mark);
      this.#branch(node, next, tree);
      return;
    }
    const snapshot = this.#file.snapshot();
    this.code.open(wasm.if);
    tasks.push(
      () => {
        this.#file.restore(snapshot);
        this.#branch(node, next, tree);
      },
      () => this.code.end(),
    );
    this.#branch(node, taken, tree);
  }

  /** The mark that a branch goes to when nothing else has to be done on its way, or -1. */
  #directMark(from: number, to: number): number {
    const { dispatchOf, order, isMerge } = this.#structure;
    if (dispatchOf[to] !== -1) return -1;
    if (order[to]! <= order[from]!) return this.#loopMarks.get(to) as number;
    return isMerge[to] === 1 ? (this.#blockMarks.get(to) as number) : -1;
  }

  #branch(from: number, to: number, tree: (node: number) => void): void {
    const { dispatchOf, labelOf, order, isMerge } = this.#structure;
    this.#flow(to);
    let target = to;
    // A dispatch may itself be behind another one.
    while (dispatchOf[target] !== -1 && dispatchOf[target] !== from) {
      this.code.i32(labelOf[target] as number);
      this.code.set(this.#label(dispatchOf[target] as number));
      target = dispatchOf[target] as number;
    }
    if (order[target]! <= order[from]!) this.code.br(this.#loopMarks.get(target) as number);
    else if (isMerge[target] === 1) this.code.br(this.#blockMarks.get(target) as number);
    else tree(target);
  }

  #flow(to: number, dry = false): boolean {
    const { values, live, wide } = this.#analysis;
    return this.#file.flow(values, live[to]!, wide[to]!, to, dry);
  }

  /** To one of a node's successors by a label. */
  #dispatch(node: number, label: number): void {
    const { successors, order } = this.#structure;
    this.code.get(label);
    this.code.brTable(
      (successors[node] as readonly number[]).map((entry) => {
        const marks = order[entry]! <= order[node]! ? this.#loopMarks : this.#blockMarks;
        return marks.get(entry) as number;
      }),
    );
  }

  #label(dispatch: number): number {
    let label = this.#labels.get(dispatch);
    if (label === undefined) {
      label = this.code.local('i32');
      this.#labels.set(dispatch, label);
    }
    return label;
  }

  /** Takes the block's instructions off what is left; where they are too many, the interpreter does the last ones. */
  #count(block: Block): void {
    if (!this.#context.counted || block.count === 0) return;
    const { code } = this;
    const at = this.#context.cells;
    code.i32(at);
    code.i32(at);
    code.memory(wasm.i64Load, cells.left);
    code.i64(BigInt(block.count));
    code.op(wasm.i64Sub);
    code.tee(this.#scratch.i64);
    code.memory(wasm.i64Store, cells.left);
    code.get(this.#scratch.i64);
    code.i64(0n);
    code.op(wasm.i64LtS);
    code.open(wasm.if);
    for (let register = 0; register <= 10; register++) {
      code.i32(at);
      this.#file.push64(register);
      code.memory(wasm.i64Store, cells.registers + register * 8);
    }
    code.i32(this.#at(block.first).slot);
    code.i32(block.count);
    code.call(this.#context.imports.exhausted);
    code.op(wasm.unreachable);
    code.end();
  }

  #condition(instruction: Instruction): void {
    if (instruction.kind === 'jump') {
      emitCondition(this.code, this.#file, instruction);
      return;
    }
    // may_goto: taken when this frame has gone on often enough.
    const { code } = this;
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
    return this.#analysis.wants[this.#wantsAt + index] as number;
  }

  #last(block: Block): Instruction | undefined {
    return block.count === 0 ? undefined : this.#at(block.first + block.count - 1);
  }

  #instructions(block: Block, count: number): void {
    const { values } = this.#file;
    const end = block.first + count;
    this.#halves = 0;
    for (let index = block.first; index < end; index++) {
      const instruction = this.#at(index);
      values.refine(instruction.slot);
      this.#memory.unretired = block.first + block.count - index;
      if (index + 1 < end && this.#pair(instruction, this.#at(index + 1), index + 1)) index++;
      else this.#instruction(instruction, this.#want(index));
      this.#noteHalf(instruction);
    }
    const last = this.#last(block);
    if (last) values.refine(last.slot);
  }

  #noteHalf(instruction: Instruction): void {
    const defined = definedBy(instruction);
    if (defined < 0) return;
    this.#halves &= ~(1 << defined);
    const isHalf =
      instruction.kind === 'load'
        ? instruction.size <= 2 && !instruction.signed
        : instruction.kind === 'endian' && instruction.bits === 16;
    if (isHalf) this.#halves |= 1 << defined;
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
      if (!narrow) this.code.op(wasm.i64Extend32s);
    }
    file.values.evaluate(first);
    file.values.commit(dst);
    file.values.evaluate(second);
    if ((want & wants.live) !== 0) file.define(dst, narrow ? 'i32' : 'i64', want);
    else file.defineNothing(dst);
    return true;
  }

  #instruction(instruction: Instruction, want: number): void {
    const { code } = this;
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
        file.define(
          defined,
          emitEndian(code, file, instruction, this.#scratch, ((this.#halves >>> defined) & 1) === 1),
          want,
        );
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
        this.#memory.store(instruction);
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

  /** LD_ABS and LD_IND: the host finds the bytes, big-endian; where there are none the frame ends with r0 = 0. */
  #loadPacket(instruction: Extract<Instruction, { kind: 'loadPacket' }>, want: number): void {
    const { code } = this;
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

/** A load that zero-extends and needs no check. */
function isPlainLoad(
  instruction: Instruction,
  mayFault: Uint8Array | undefined,
): instruction is Extract<Instruction, { kind: 'load' }> {
  return instruction.kind === 'load' && !instruction.signed && mayFault?.[instruction.slot] !== 1;
}

function isJump(instruction: Instruction | undefined): boolean {
  return instruction?.kind === 'goto' || instruction?.kind === 'jump';
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
