import type { Instruction } from '../../isa/index.ts';
import { codeSpace, frameSize, maxCallFrames, maxLoops } from '../engine.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { wants } from './analysis.ts';
import type { Scratch } from './arithmetic.ts';
import { type InlineCall, keySizeOf } from './inline-calls.ts';
import type { MapLookup } from './map-lookup.ts';
import type { MemoryAccess } from './memory-access.ts';
import { cells, emitTrap, leaving, type ModuleContext } from './module-context.ts';
import type { RegisterFile } from './register-file.ts';

type Call = Extract<Instruction, { kind: 'call' }>;

/** The window's r0, from its beginning. */
const answer = 40;

/**
 * Calls: of functions of the program, of helpers through the call window, and of those helpers that compiled code
 * does by itself. Each leaves r0 defined.
 */
export class CallEmitter {
  readonly #code: Code;
  readonly #context: ModuleContext;
  readonly #file: RegisterFile;
  readonly #memory: MemoryAccess;
  readonly #lookup: MapLookup;
  readonly #scratch: Scratch;
  /** Emits what ends the frame's run with the r0 in the registers. */
  readonly #leave: () => void;

  constructor(
    code: Code,
    context: ModuleContext,
    file: RegisterFile,
    memory: MemoryAccess,
    lookup: MapLookup,
    scratch: Scratch,
    leave: () => void,
  ) {
    this.#code = code;
    this.#context = context;
    this.#file = file;
    this.#memory = memory;
    this.#lookup = lookup;
    this.#scratch = scratch;
    this.#leave = leave;
  }

  call(instruction: Call, want: number): void {
    const { inlineCalls, imports } = this.#context;
    const { values } = this.#file;
    const inline = inlineCalls.at(instruction, values);
    if (instruction.target === 'local') {
      this.#callFunction(instruction, instruction.slot + 1 + instruction.imm);
      values.evaluate(instruction);
      this.#defineAnswer('i64', want);
    } else if (inline) {
      this.#inline(instruction, inline, want);
    } else {
      this.#storeArguments();
      this.#code.i32(instruction.slot);
      this.#code.call(imports.helpers[this.#context.helperIndex(instruction)] as number);
      this.#afterHelper(instruction, want);
    }
  }

  callRegister(instruction: Extract<Instruction, { kind: 'callx' }>, want: number): void {
    const code = this.#code;
    const { values } = this.#file;
    const target = values.low[instruction.dst] as number;
    const isFunction = values.isConstant(instruction.dst) && values.high[instruction.dst] === (codeSpace | 0);
    if (isFunction && (this.#context.program.indexOfSlot[target] ?? -1) >= 0) {
      this.#callFunction(instruction, target);
      values.evaluate(instruction);
      this.#defineAnswer('i64', want);
      return;
    }
    this.#storeArguments();
    this.#file.push32(instruction.dst);
    this.#file.push64(instruction.dst);
    code.i64(32n);
    code.op(wasm.i64ShrU);
    code.op(wasm.i32WrapI64);
    code.i32(instruction.slot);
    code.call(this.#context.imports.callx);
    this.#afterHelper(instruction, want);
  }

  /** Pops r0. What a call leaves in r1–r5 is for nobody. */
  #defineAnswer(type: 'i32' | 'i64', want: number): void {
    const file = this.#file;
    if ((want & wants.live) === 0) {
      this.#code.op(wasm.drop);
      file.defineNothing(0);
    } else {
      file.define(0, type, want);
    }
    file.values.commitCall();
    if (this.#context.verified) file.forgetArguments();
  }

  #storeArguments(): void {
    this.#context.callsOut = true;
    const code = this.#code;
    const { window } = this.#context;
    for (let register = 1; register <= 5; register++) {
      if (!this.#file.isDefined(register)) continue;
      code.i32(window);
      this.#file.push64(register);
      code.memory(wasm.i64Store, (register - 1) * 8);
    }
    code.i32(this.#context.cells);
    this.#file.pushFrame(0);
    code.memory(wasm.i32Store, cells.frame);
  }

  /** The status is on the stack: go on with r0 from the window, leave for another program, or trap. */
  #afterHelper(instruction: Instruction, want: number): void {
    const code = this.#code;
    const { window, imports, inlineCalls } = this.#context;
    const { values } = this.#file;
    const snapshot = this.#file.snapshot();
    code.tee(this.#scratch.i32);
    code.open(wasm.if);
    code.get(this.#scratch.i32);
    code.i32(leaving.tailCall);
    code.op(wasm.i32Ne);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.call(imports.tail);
    code.op(wasm.i32Eqz);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.i32(window);
    code.memory(wasm.i64Load, answer);
    values.evaluate(instruction);
    this.#file.define(0, 'i64', wants.live | wants.wide);
    this.#leave();
    code.end();
    this.#file.restore(snapshot);
    if (instruction.kind === 'call' && inlineCalls.answersPointer(instruction, values)) values.answersPointer();
    else values.evaluate(instruction);
    const type = this.#file.isNarrow(want) ? 'i32' : 'i64';
    code.i32(window);
    code.memory(type === 'i32' ? wasm.i32Load : wasm.i64Load, answer);
    this.#defineAnswer(type, want);
  }

  /**
   * bpf_loop (kernel/bpf/bpf_iter.c): calls a function with (index, r3) until it answers other than 0 or has been
   * called r1 times; pushes how often it was, or -E2BIG.
   */
  #loop(instruction: Instruction, slot: number): void {
    const code = this.#code;
    const file = this.#file;
    const [count, index] = [code.local('i32'), code.local('i64')];
    this.#checkDepth(instruction.slot);
    file.push32(1);
    code.tee(count);
    code.i32(maxLoops);
    code.op(wasm.i32GtU);
    code.open(wasm.if, 'i64');
    code.i64(-7n);
    code.else();
    code.i64(0n);
    code.set(index);
    const done = code.open(wasm.block);
    const again = code.open(wasm.loop);
    code.get(index);
    code.op(wasm.i32WrapI64);
    code.get(count);
    code.op(wasm.i32GeU);
    code.brIf(done);
    code.get(index);
    file.push64(3);
    for (let argument = 3; argument <= 5; argument++) code.i64(0n);
    file.pushFrame(-frameSize);
    code.get(index);
    code.i64(1n);
    code.op(wasm.i64Add);
    code.set(index);
    code.call(this.#context.functionAt(slot));
    code.op(wasm.i64Eqz);
    code.brIf(again);
    code.end();
    code.end();
    code.get(index);
    code.end();
  }

  #callFunction(instruction: Instruction, slot: number): void {
    this.#checkDepth(instruction.slot);
    const file = this.#file;
    for (let register = 1; register <= 5; register++) file.push64(register);
    file.pushFrame(-frameSize);
    this.#code.call(this.#context.functionAt(slot));
  }

  /** Traps where there is no frame left: the last one ends where the stack area begins. */
  #checkDepth(slot: number): void {
    const code = this.#code;
    const file = this.#file;
    file.pushFrame(0);
    code.i32(this.#context.stackTop - (maxCallFrames - 1) * frameSize);
    code.op(wasm.i32LeU);
    code.open(wasm.if);
    emitTrap(code, this.#context, 'call-depth', slot, 1);
    code.end();
  }

  // --- Helpers that need no call

  #inline(instruction: Call, inline: InlineCall, want: number): void {
    const code = this.#code;
    const { values } = this.#file;
    if (inline.kind === 'cell') {
      values.evaluate(instruction);
      const type = this.#file.isNarrow(want) ? 'i32' : 'i64';
      code.i32(inline.offset);
      code.memory(type === 'i32' ? wasm.i32Load : wasm.i64Load);
      this.#defineAnswer(type, want);
      return;
    }
    if (inline.kind === 'loop') {
      this.#loop(instruction, inline.slot);
      values.evaluate(instruction);
      this.#defineAnswer('i64', want);
      return;
    }
    if (inline.kind === 'mapLookup') {
      this.#lookup.emit(inline.layout);
      values.evaluate(instruction);
      values.answersPointer();
      this.#defineAnswer('i32', want);
      return;
    }
    const { layout } = inline;
    if (layout.kind === 'array') throw new RangeError(`${inline.kind} of an array is not inlined`);
    this.#pushKey(keySizeOf(layout));
    if (inline.kind === 'mapDelete') {
      code.call(this.#context.mapFunctions.delete(layout));
    } else {
      this.#file.push32(3);
      this.#file.push32(4);
      code.call(this.#context.mapFunctions.update(layout));
    }
    values.evaluate(instruction);
    if (!this.#file.isNarrow(want)) code.op(wasm.i64ExtendI32s);
    this.#defineAnswer(this.#file.isNarrow(want) ? 'i32' : 'i64', want);
  }

  #pushKey(size: number): void {
    for (let word = 0; word < size; word += 4) this.#memory.pushWord(2, word);
  }
}
