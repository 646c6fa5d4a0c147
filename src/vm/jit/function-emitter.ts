import { assertNever } from '../../base/index.ts';
import type { Instruction } from '../../isa/index.ts';
import { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { type Analysis, analyse, beginValues } from './analysis.ts';
import type { Scratch } from './arithmetic.ts';
import { type Block, successorsOf } from './blocks.ts';
import { CallEmitter } from './call-emitter.ts';
import { InstructionEmitter } from './instruction-emitter.ts';
import { MapLookup } from './map-lookup.ts';
import { MemoryAccess } from './memory-access.ts';
import { cells, emitTrap, type ModuleContext } from './module-context.ts';
import { RegisterFile } from './register-file.ts';
import { beginnings, frameParameter, parameters, type Shape, ShapeEmitter } from './shapes.ts';
import { promoteSlots, type SlotMap } from './slots.ts';
import { type Structure, structure } from './structure.ts';
import { copyTails } from './tails.ts';
import { unrollLoops } from './unroll.ts';

/** Emits one function: its blocks in structured order, so that every edge is a branch out of blocks or to a loop. */
export class FunctionEmitter {
  readonly code: Code;
  readonly #context: ModuleContext;
  readonly #blocks: readonly Block[];
  readonly #structure: Structure;
  readonly #analysis: Analysis;
  readonly #file: RegisterFile;
  readonly #shapes: ShapeEmitter;
  readonly #instructions: InstructionEmitter;
  readonly #lookup: MapLookup;
  readonly #scratch: Scratch;
  readonly #labels = new Map<number, number>();
  readonly #loopMarks = new Map<number, number>();
  readonly #blockMarks = new Map<number, number>();
  constructor(context: ModuleContext, blocks: readonly Block[], shape: Shape) {
    this.#context = context;
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
    const code = new Code(parameters[shape]);
    this.code = code;
    this.#file = new RegisterFile(code, beginValues(input), frameParameter[shape], context.stackTop);
    const file = this.#file;
    const scratch = { i32: code.local('i32'), i64: code.local('i64') };
    this.#scratch = scratch;
    const memory = new MemoryAccess(code, context, file, scratch, slots);
    const mayLoop = input.blocks.some((block) => this.#last(block)?.kind === 'mayGoto');
    const loops = shape === 'chunk' || mayLoop ? code.local('i32') : -1;
    const body = { flow: () => void this.#flow(0), walk: () => this.#walk() };
    const shapes = new ShapeEmitter(shape, code, context, file, memory, loops, body);
    const leave = (): void => shapes.leave();
    this.#shapes = shapes;
    const lookup = new MapLookup(code, file, memory, context.mapFunctions);
    this.#lookup = lookup;
    const calls = new CallEmitter(code, context, file, memory, lookup, scratch, leave);
    const { wants } = this.#analysis;
    const parts = { code, context, file, memory, calls, lookup, scratch, wants, loops, leave };
    this.#instructions = new InstructionEmitter(parts);
  }

  /** Emits the whole body. */
  emit(): Code {
    this.#shapes.emit();
    return this.code;
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
    const { values, live, wide } = this.#analysis;
    this.#file.enter(values, live[node]!, wide[node]!, node);
    this.#count(block);
    const { end } = block;
    switch (end.kind) {
      case 'off':
        this.#off(end.slot);
        return;
      case 'exit':
        this.#emit(node, block.count - 1);
        this.#shapes.leave();
        return;
      case 'leave':
        this.#shapes.leaveFor(end.label);
        return;
      case 'switch':
        for (const to of end.to) this.#flow(to);
        this.#dispatch(node, 0);
        return;
      case 'goto':
        // The goto itself, or a jump that is known to go there.
        this.#emit(node, isJump(this.#last(block)) ? block.count - 1 : block.count);
        this.#branch(node, end.next, tree);
        return;
      case 'branch':
        this.#emit(node, block.count - 1);
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
    const last = this.#last(block) as Instruction;
    this.#instructions.condition(last);
    if (taken === next) {
      this.code.op(wasm.drop);
      this.#branch(node, next, tree);
      return;
    }
    // Behind a test for NULL the way with an element has the pointer in its registers.
    const holders = this.#lookup.isTestedBy(last) ? this.#lookup.holders : 0;
    const takesWhenTaken = holders !== 0 && last.kind === 'jump' && last.op === 'ne';
    const mark = takesWhenTaken ? -1 : this.#directMark(node, taken);
    if (mark >= 0 && !this.#flow(taken, true)) {
      this.code.brIf(mark);
      this.#lookup.take(holders);
      this.#branch(node, next, tree);
      return;
    }
    const snapshot = this.#file.snapshot();
    this.code.open(wasm.if);
    tasks.push(
      () => {
        this.#file.restore(snapshot);
        if (!takesWhenTaken) this.#lookup.take(holders);
        this.#branch(node, next, tree);
      },
      () => this.code.end(),
    );
    if (takesWhenTaken) this.#lookup.take(holders);
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

  #emit(node: number, count: number): void {
    this.#instructions.emit(this.#blocks[node] as Block, count, this.#analysis.wantsAt[node] as number);
  }

  #at(index: number): Instruction {
    return this.#context.program.instructions[index] as Instruction;
  }

  #last(block: Block): Instruction | undefined {
    return block.count === 0 ? undefined : this.#at(block.first + block.count - 1);
  }
}

function isJump(instruction: Instruction | undefined): boolean {
  return instruction?.kind === 'goto' || instruction?.kind === 'jump';
}
