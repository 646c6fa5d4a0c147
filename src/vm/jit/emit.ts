import { assertNever } from '../../base/index.ts';
import type { AtomicOperation, DecodedProgram, Instruction } from '../../isa/index.ts';
import { kernelSpace, pageKinds, pageSize } from '../../memory/index.ts';
import { codeSpace, frameSize, maxLoops, type TrapKind, trapKinds } from '../engine.ts';
import { Code } from '../wasm/code.ts';
import { type WasmOp, wasm } from '../wasm/opcodes.ts';
import { emitAlu, emitCondition, emitEndian, emitNegation, emitSignExtension, type Registers } from './arithmetic.ts';
import type { Block, FunctionBlocks } from './blocks.ts';
import { type Structure, structure } from './structure.ts';

/** What the functions of a module share: numbers of imports and functions, and how the program is compiled. */
export interface ModuleContext {
  readonly program: DecodedProgram;
  /** Every access is checked and instructions may be counted: the program has not been verified. */
  readonly checked: boolean;
  readonly counted: boolean;
  /** Offset of the end of the stack area: r10 of the first frame. */
  readonly stackTop: number;
  /** Offset of the window's first argument. */
  readonly window: number;
  /** Offset of the cell that holds the whole of r0 when a run or a tail call ends. */
  readonly cell: number;
  /** bytes */
  readonly memorySize: number;
  /** Offset of the page table: a byte for each page of the memory. */
  readonly pageTable: number;
  readonly imports: {
    /** (kind, slot) */
    readonly trap: number;
    /** (high, low, size, write, slot) → 1 when the access is allowed after all */
    readonly access: number;
    /** (context, offset, size, slot) → offset of the bytes, 0 when the packet has none there; traps without packets */
    readonly packet: number;
    /** () → 1 when the program that a helper asked for has run, its r0 in the window; 0 when it trapped */
    readonly tail: number;
    /** (low, high, slot) → status */
    readonly callx: number;
    /** (slot) → status, by index into the program's list of what it calls */
    readonly helpers: readonly number[];
  };
  /** Index of a helper or kernel function in `imports.helpers`. */
  helperIndex(instruction: Extract<Instruction, { kind: 'call' }>): number;
  /** The module's function for the function of the program at a slot. */
  functionAt(slot: number): number;
  readonly left: number;
  readonly framePointer: number;
  /** Whether helpers may call back: then they must know the frame. */
  readonly callbacks: boolean;
}

/** What the status of a helper's call tells; 0 is go on. */
export const leaving = { trapped: 1, tailCall: 2 } as const;

export type Shape = 'main' | 'function' | 'batch';

const kernelBase = BigInt(kernelSpace) << 32n;

/** Emits one function of a program: its blocks in structured order, instruction by instruction. */
export class FunctionEmitter implements Registers {
  readonly code: Code;
  readonly #context: ModuleContext;
  readonly #shape: Shape;
  readonly #blocks: readonly Block[];
  readonly #structure: Structure;
  readonly #local: number[] = [];
  readonly #scratch64: number;
  readonly #scratch32: number;
  readonly #loops: number;
  readonly #labels = new Map<number, number>();
  readonly #loopMarks = new Map<number, number>();
  readonly #blockMarks = new Map<number, number>();
  /** Offset of the frame's end as i32 local; -1 where it is the constant `stackTop`. */
  readonly #frame: number;
  /** In a batch: the block that a context's run leaves to be done. */
  #done = -1;

  constructor(context: ModuleContext, blocks: FunctionBlocks, shape: Shape) {
    this.#context = context;
    this.#shape = shape;
    this.#blocks = blocks.blocks;
    this.#structure = structure({ successors: blocks.blocks.map(successorsOf) });
    this.code = new Code(shape === 'function' ? 6 : shape === 'main' ? 2 : 3);
    for (let register = 0; register <= 9; register++) {
      const isParameter = shape === 'function' && register >= 1 && register <= 5;
      this.#local.push(isParameter ? register - 1 : this.code.local('i64'));
    }
    this.#frame = shape === 'function' ? 5 : -1;
    this.#scratch64 = this.code.local('i64');
    this.#scratch32 = this.code.local('i32');
    const loops = blocks.blocks.some(
      (block) => block.end.kind === 'branch' && this.#at(block.first + block.count - 1).kind === 'mayGoto',
    );
    this.#loops = loops ? this.code.local('i32') : -1;
  }

  /** Emits the whole body. */
  emit(): Code {
    switch (this.#shape) {
      case 'main':
        this.#begin(0, 1);
        this.#walk();
        break;
      case 'function':
        this.#resetLoops();
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

  // --- Registers

  push64(register: number): void {
    if (register !== 10) {
      this.code.get(this.#local[register] as number);
    } else if (this.#frame < 0) {
      this.code.i64(kernelBase | BigInt(this.#context.stackTop));
    } else {
      this.code.get(this.#frame);
      this.code.op(wasm.i64ExtendI32u);
      this.code.i64(kernelBase);
      this.code.op(wasm.i64Or);
    }
  }

  push32(register: number): void {
    if (register === 10) {
      if (this.#frame < 0) this.code.i32(this.#context.stackTop);
      else this.code.get(this.#frame);
      return;
    }
    this.code.get(this.#local[register] as number);
    this.code.op(wasm.i32WrapI64);
  }

  pop64(register: number): void {
    this.code.set(this.#local[register] as number);
  }

  pop32(register: number): void {
    this.code.op(wasm.i64ExtendI32u);
    this.code.set(this.#local[register] as number);
  }

  // --- Frames of the three shapes

  /** r1 is the kernel pointer to the context in one local, r2 the low half in another (or 0). */
  #begin(context: number, r2: number): void {
    this.code.get(context);
    this.code.op(wasm.i64ExtendI32u);
    this.code.i64(kernelBase);
    this.code.op(wasm.i64Or);
    this.pop64(1);
    if (r2 >= 0) {
      this.code.get(r2);
      this.pop32(2);
    }
    this.#resetLoops();
  }

  #resetLoops(): void {
    if (this.#loops < 0) return;
    this.code.i32(maxLoops);
    this.code.set(this.#loops);
  }

  /**
   * Over the offsets of contexts at local 0, as many as local 1 says; the whole of each r0 to local 2 onwards. The
   * body stands in the loop, so that nothing is called for a context.
   */
  #batch(): void {
    const { code } = this;
    const context = code.local('i32');
    const all = code.open(wasm.block);
    const again = code.open(wasm.loop);
    code.get(1);
    code.op(wasm.i32Eqz);
    code.brIf(all);
    this.#done = code.open(wasm.block);
    code.get(0);
    code.memory(wasm.i32Load);
    code.set(context);
    for (let register = 0; register <= 9; register++) {
      if (register === 1) continue;
      code.i64(0n);
      this.pop64(register);
    }
    this.#begin(context, -1);
    this.#walk();
    code.op(wasm.unreachable);
    code.end();
    code.get(2);
    this.push64(0);
    code.memory(wasm.i64Store);
    for (const [local, step] of [
      [0, 4],
      [2, 8],
      [1, -1],
    ] as const) {
      code.get(local);
      code.i32(step);
      code.op(wasm.i32Add);
      code.set(local);
    }
    code.br(again);
    code.end();
    code.end();
  }

  /** r0 is final: ends the run, the function, or this context of a batch. */
  #leave(): void {
    const { code } = this;
    switch (this.#shape) {
      case 'main':
        code.i32(this.#context.cell);
        this.push64(0);
        code.memory(wasm.i64Store);
        this.push32(0);
        code.op(wasm.return);
        return;
      case 'function':
        this.push64(0);
        code.op(wasm.return);
        return;
      case 'batch':
        code.br(this.#done);
        return;
      default:
        assertNever(this.#shape);
    }
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
      this.#dispatch(node);
      return;
    }
    const branch = (to: number): void => this.#branch(node, to, tree);
    this.#count(block);
    switch (block.end.kind) {
      case 'off':
        this.#trap('off-the-end', block.end.slot);
        return;
      case 'exit':
        this.#instructions(block, block.count - 1);
        this.#leave();
        return;
      case 'goto': {
        const last = this.#at(block.first + block.count - 1);
        this.#instructions(block, last.kind === 'goto' ? block.count - 1 : block.count);
        branch(block.end.next);
        return;
      }
      case 'branch': {
        const { taken, next } = block.end;
        this.#instructions(block, block.count - 1);
        this.#condition(this.#at(block.first + block.count - 1));
        this.code.open(wasm.if);
        tasks.push(
          () => branch(next),
          () => this.code.end(),
        );
        branch(taken);
        return;
      }
      default:
        assertNever(block.end);
    }
  }

  #branch(from: number, to: number, tree: (node: number) => void): void {
    const { dispatchOf, labelOf, order, isMerge } = this.#structure;
    let target = to;
    if (dispatchOf[to] !== -1) {
      target = dispatchOf[to] as number;
      this.code.i32(labelOf[to] as number);
      this.code.set(this.#label(target));
    }
    if (order[target]! <= order[from]!) this.code.br(this.#loopMarks.get(target) as number);
    else if (isMerge[target] === 1) this.code.br(this.#blockMarks.get(target) as number);
    else tree(target);
  }

  /** A dispatch node: to the entry that the label names. */
  #dispatch(node: number): void {
    this.code.get(this.#label(node));
    const entries = this.#structure.successors[node] as readonly number[];
    this.code.brTable(entries.map((entry) => this.#blockMarks.get(entry) as number));
  }

  #label(dispatch: number): number {
    let label = this.#labels.get(dispatch);
    if (label === undefined) {
      label = this.code.local('i32');
      this.#labels.set(dispatch, label);
    }
    return label;
  }

  /** Takes the block's instructions off what is left; a block that would go below 0 traps. */
  #count(block: Block): void {
    if (!this.#context.counted || block.count === 0) return;
    const { code } = this;
    const { left } = this.#context;
    code.globalGet(left);
    code.i64(BigInt(block.count));
    code.op(wasm.i64Sub);
    code.tee(this.#scratch64);
    code.globalSet(left);
    code.get(this.#scratch64);
    code.i64(0n);
    code.op(wasm.i64LtS);
    code.open(wasm.if);
    this.#trap('budget-exhausted', this.#at(block.first).slot);
    code.end();
  }

  #condition(instruction: Instruction): void {
    if (instruction.kind === 'jump') {
      emitCondition(this.code, this, instruction);
      return;
    }
    // may_goto: taken when this frame has gone on often enough.
    this.code.get(this.#loops);
    this.code.op(wasm.i32Eqz);
    this.code.get(this.#loops);
    this.code.i32(1);
    this.code.op(wasm.i32Sub);
    this.code.set(this.#loops);
  }

  #trap(kind: TrapKind, slot: number): void {
    this.code.i32(trapKinds.indexOf(kind));
    this.code.i32(slot);
    this.code.call(this.#context.imports.trap);
    this.code.op(wasm.unreachable);
  }

  // --- Instructions

  #at(index: number): Instruction {
    return this.#context.program.instructions[index] as Instruction;
  }

  #instructions(block: Block, count: number): void {
    for (let i = 0; i < count; i++) {
      const instruction = this.#at(block.first + i);
      const next = i + 1 < count ? this.#at(block.first + i + 1) : undefined;
      if (next && this.#extension(instruction, next)) i++;
      else this.#instruction(instruction);
    }
  }

  /** `<<= 32` and `>>= 32` (or `s>>= 32`), which compilers before ISA v3 and v4 write to extend 32 bits. */
  #extension(first: Instruction, second: Instruction): boolean {
    if (!isShiftBy32(first, 'lsh') || second.kind !== 'alu' || second.dst !== first.dst) return false;
    if (isShiftBy32(second, 'rsh')) {
      this.push32(first.dst);
      this.pop32(first.dst);
      return true;
    }
    if (!isShiftBy32(second, 'arsh')) return false;
    this.push64(first.dst);
    this.code.op(wasm.i64Extend32s);
    this.pop64(first.dst);
    return true;
  }

  #instruction(instruction: Instruction): void {
    const { code } = this;
    switch (instruction.kind) {
      case 'alu':
        return emitAlu(code, this, instruction);
      case 'neg':
        return emitNegation(code, this, instruction.dst, instruction.width);
      case 'movsx':
        return emitSignExtension(code, this, instruction);
      case 'endian':
        return emitEndian(code, this, instruction, this.#scratch64);
      case 'addrSpaceCast':
        return this.#trap('bad-instruction', instruction.slot);
      case 'load':
      case 'loadAcquire':
        return this.#load(instruction);
      case 'store':
      case 'storeRelease':
        return this.#store(instruction);
      case 'atomic':
        return this.#atomic(instruction);
      case 'loadPacket':
        return this.#loadPacket(instruction);
      case 'loadImm64':
        code.i64(constantOf(instruction));
        return this.pop64(instruction.dst);
      case 'call':
        return this.#call(instruction);
      case 'callx':
        return this.#callRegister(instruction);
      case 'jump':
      case 'goto':
      case 'mayGoto':
      case 'exit':
        throw new RangeError(`${instruction.kind} at slot ${instruction.slot} stands inside a block`);
      default:
        assertNever(instruction);
    }
  }

  // --- Memory

  /** Pushes the i32 address of an access; @returns the constant offset that is left for the instruction */
  #address(base: number, offset: number, size: number, write: boolean, slot: number): number {
    const { code } = this;
    const inFrame = base === 10 && offset >= -frameSize && offset + size <= 0;
    if (base === 10 && offset < -frameSize) this.#trap('stack-overflow', slot);
    if (this.#context.checked && !inFrame) {
      this.#checkedAddress(base, offset, size, write, slot);
      return 0;
    }
    if (base === 10 && this.#frame < 0) {
      code.i32(this.#context.stackTop + offset);
      return 0;
    }
    this.push32(base);
    if (offset >= 0) return offset;
    code.i32(offset);
    code.op(wasm.i32Add);
    return 0;
  }

  /** Looks at the space and the page; what is not plainly within one kernel page is asked of the host. */
  #checkedAddress(base: number, offset: number, size: number, write: boolean, slot: number): void {
    const { code } = this;
    const { memorySize, pageTable, imports } = this.#context;
    this.push64(base);
    code.i64(BigInt(offset) - kernelBase);
    code.op(wasm.i64Add);
    code.tee(this.#scratch64);
    code.op(wasm.i32WrapI64);
    code.set(this.#scratch32);
    code.get(this.#scratch64);
    code.i64(BigInt(memorySize - size));
    code.op(wasm.i64LeU);
    code.open(wasm.if, 'i32');
    code.get(this.#scratch32);
    code.i32(12);
    code.op(wasm.i32ShrU);
    code.memory(wasm.i32Load8u, pageTable);
    code.i32(pageKinds.kernel);
    code.op(write ? wasm.i32Ne : wasm.i32Sub);
    if (!write) {
      code.i32(pageKinds.kernelReadOnly - pageKinds.kernel);
      code.op(wasm.i32GtU);
    }
    if (size > 1) {
      code.get(this.#scratch32);
      code.i32(pageSize - 1);
      code.op(wasm.i32And);
      code.i32(pageSize - size);
      code.op(wasm.i32GtU);
      code.op(wasm.i32Or);
    }
    code.else();
    code.i32(1);
    code.end();
    code.open(wasm.if);
    code.get(this.#scratch64);
    code.i64(kernelBase);
    code.op(wasm.i64Add);
    code.i64(32n);
    code.op(wasm.i64ShrU);
    code.op(wasm.i32WrapI64);
    code.get(this.#scratch32);
    code.i32(size);
    code.i32(write ? 1 : 0);
    code.i32(slot);
    code.call(imports.access);
    code.op(wasm.i32Eqz);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.end();
    code.get(this.#scratch32);
  }

  #load(instruction: Extract<Instruction, { kind: 'load' | 'loadAcquire' }>): void {
    const { base, offset, size, dst, slot } = instruction;
    const rest = this.#address(base, offset, size, false, slot);
    const signed = instruction.kind === 'load' && instruction.signed;
    this.code.memory(signed ? signedLoads[size] : loads[size], rest);
    this.pop64(dst);
  }

  #store(instruction: Extract<Instruction, { kind: 'store' | 'storeRelease' }>): void {
    const { base, offset, size, slot } = instruction;
    const rest = this.#address(base, offset, size, true, slot);
    if (instruction.kind === 'storeRelease') this.push64(instruction.src);
    else if (instruction.src.kind === 'register') this.push64(instruction.src.register);
    else this.code.i64(BigInt(instruction.src.imm));
    this.code.memory(stores[size], rest);
  }

  /** One processor runs: an atomic is a load, an operation and a store. */
  #atomic(instruction: Extract<Instruction, { kind: 'atomic' }>): void {
    const { code } = this;
    const { base, offset, size, src, op, slot } = instruction;
    const rest = this.#address(base, offset, size, true, slot);
    code.tee(this.#scratch32);
    code.memory(loads[size], rest);
    code.set(this.#scratch64);
    if (op === 'cmpxchg') {
      this.#compareExchange(size, src, rest);
      return;
    }
    code.get(this.#scratch32);
    const combine = combinations[op];
    if (combine !== undefined) code.get(this.#scratch64);
    this.push64(src);
    if (combine !== undefined) code.op(combine);
    code.memory(stores[size], rest);
    if (op === 'xchg' || op.startsWith('fetch')) {
      code.get(this.#scratch64);
      this.pop64(src);
    }
  }

  #compareExchange(size: 1 | 2 | 4 | 8, src: number, rest: number): void {
    const { code } = this;
    code.get(this.#scratch64);
    this.push64(0);
    if (size === 4) {
      code.i64(0xffffffffn);
      code.op(wasm.i64And);
    }
    code.op(wasm.i64Eq);
    code.open(wasm.if);
    code.get(this.#scratch32);
    this.push64(src);
    code.memory(stores[size], rest);
    code.end();
    code.get(this.#scratch64);
    this.pop64(0);
  }

  /** LD_ABS and LD_IND: the host finds the bytes, big-endian; where there are none the frame ends with r0 = 0. */
  #loadPacket(instruction: Extract<Instruction, { kind: 'loadPacket' }>): void {
    const { code } = this;
    const { size, index, imm, slot } = instruction;
    this.push32(6);
    code.i32(imm);
    if (index !== null) {
      this.push32(index);
      code.op(wasm.i32Add);
    }
    code.i32(size);
    code.i32(slot);
    code.call(this.#context.imports.packet);
    code.tee(this.#scratch32);
    code.op(wasm.i32Eqz);
    code.open(wasm.if);
    code.i64(0n);
    this.pop64(0);
    this.#leave();
    code.end();
    code.get(this.#scratch32);
    code.memory(loads[size]);
    this.pop64(0);
    if (size > 1) {
      const bits = size === 2 ? 16 : 32;
      emitEndian(code, this, { kind: 'endian', op: 'be', bits, dst: 0, slot }, this.#scratch64);
    }
  }

  // --- Calls

  #call(instruction: Extract<Instruction, { kind: 'call' }>): void {
    const { code } = this;
    if (instruction.target === 'local') {
      this.#callFunction(instruction);
      return;
    }
    const index = this.#context.helperIndex(instruction);
    this.#storeArguments();
    code.i32(instruction.slot);
    code.call(this.#context.imports.helpers[index] as number);
    this.#afterHelper();
  }

  #storeArguments(): void {
    const { code } = this;
    for (let register = 1; register <= 5; register++) {
      code.i32(this.#context.window);
      this.push64(register);
      code.memory(wasm.i64Store, (register - 1) * 8);
    }
    if (!this.#context.callbacks) return;
    this.push32(10);
    code.globalSet(this.#context.framePointer);
  }

  /** The status is on the stack: go on with r0 from the window, leave for another program, or trap. */
  #afterHelper(): void {
    const { code } = this;
    code.tee(this.#scratch32);
    code.open(wasm.if);
    code.get(this.#scratch32);
    code.i32(leaving.tailCall);
    code.op(wasm.i32Ne);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.call(this.#context.imports.tail);
    code.op(wasm.i32Eqz);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.i32(this.#context.window);
    code.memory(wasm.i64Load, 40);
    this.pop64(0);
    this.#leave();
    code.end();
    code.i32(this.#context.window);
    code.memory(wasm.i64Load, 40);
    this.pop64(0);
  }

  #callFunction(instruction: Extract<Instruction, { kind: 'call' }>): void {
    const { code } = this;
    // The last of the frames ends where the stack area begins.
    this.push32(10);
    code.i32(this.#context.stackTop - 7 * frameSize);
    code.op(wasm.i32LeU);
    code.open(wasm.if);
    this.#trap('call-depth', instruction.slot);
    code.end();
    for (let register = 1; register <= 5; register++) this.push64(register);
    this.push32(10);
    code.i32(frameSize);
    code.op(wasm.i32Sub);
    code.call(this.#context.functionAt(instruction.slot + 1 + instruction.imm));
    this.pop64(0);
  }

  #callRegister(instruction: Extract<Instruction, { kind: 'callx' }>): void {
    const { code } = this;
    this.#storeArguments();
    this.push32(instruction.dst);
    this.push64(instruction.dst);
    code.i64(32n);
    code.op(wasm.i64ShrU);
    code.op(wasm.i32WrapI64);
    code.i32(instruction.slot);
    code.call(this.#context.imports.callx);
    this.#afterHelper();
  }
}

function successorsOf(block: Block): readonly number[] {
  switch (block.end.kind) {
    case 'exit':
    case 'off':
      return [];
    case 'goto':
      return [block.end.next];
    case 'branch':
      return block.end.taken === block.end.next ? [block.end.taken, block.end.next] : [block.end.next, block.end.taken];
    default:
      return assertNever(block.end);
  }
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

function constantOf(instruction: Extract<Instruction, { kind: 'loadImm64' }>): bigint {
  if (instruction.pseudo === 'func') return (BigInt(codeSpace) << 32n) | BigInt(instruction.slot + 1 + instruction.imm);
  return (BigInt(instruction.nextImm >>> 0) << 32n) | BigInt(instruction.imm >>> 0);
}

const loads: Record<1 | 2 | 4 | 8, WasmOp> = {
  1: wasm.i64Load8u,
  2: wasm.i64Load16u,
  4: wasm.i64Load32u,
  8: wasm.i64Load,
};
const signedLoads: Record<1 | 2 | 4 | 8, WasmOp> = {
  1: wasm.i64Load8s,
  2: wasm.i64Load16s,
  4: wasm.i64Load32s,
  8: wasm.i64Load,
};
const stores: Record<1 | 2 | 4 | 8, WasmOp> = {
  1: wasm.i64Store8,
  2: wasm.i64Store16,
  4: wasm.i64Store32,
  8: wasm.i64Store,
};

/** What an atomic does with the old value and the source; xchg takes the source alone. */
const combinations: Record<Exclude<AtomicOperation, 'cmpxchg'>, WasmOp | undefined> = {
  add: wasm.i64Add,
  or: wasm.i64Or,
  and: wasm.i64And,
  xor: wasm.i64Xor,
  fetchAdd: wasm.i64Add,
  fetchOr: wasm.i64Or,
  fetchAnd: wasm.i64And,
  fetchXor: wasm.i64Xor,
  xchg: undefined,
};
