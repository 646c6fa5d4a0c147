import { assertNever } from '../../base/index.ts';
import { maxLoops } from '../engine.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import type { Beginning } from './analysis.ts';
import type { MemoryAccess } from './memory-access.ts';
import { cells, type ModuleContext } from './module-context.ts';
import type { RegisterFile } from './register-file.ts';

/**
 * What a function is:
 * - run: (context, r2) → low half of r0, the whole of which goes to the global `answer`;
 * - batch: (contexts, their end, results less twice the contexts), the body within the loop over them;
 * - function: (r1…r5, frame) → r0;
 * - chunk: (label, frame) → label of the next chunk's entry, or -1 when r0 is final. Registers are in globals between.
 */
export type Shape = 'run' | 'batch' | 'function' | 'chunk';

export const parameters = { run: 2, batch: 3, function: 6, chunk: 2 } as const satisfies Record<Shape, number>;
export const frameParameter = { run: -1, batch: -1, function: 5, chunk: 1 } as const satisfies Record<Shape, number>;
export const beginnings = {
  run: 'program',
  batch: 'program',
  function: 'function',
  chunk: 'chunk',
} as const satisfies Record<Shape, Beginning>;

/** What stands between the beginning and the ends of a function. */
export interface Body {
  /** Brings the registers into the form that the first block expects. */
  flow(): void;
  /** Emits all blocks. */
  walk(): void;
}

/** How a function of a shape begins and how it is left. */
export class ShapeEmitter {
  readonly #code: Code;
  readonly #context: ModuleContext;
  readonly #file: RegisterFile;
  readonly #memory: MemoryAccess;
  readonly #shape: Shape;
  /** The local of what is left of the frame's may_goto; -1 where there is none. */
  readonly #loops: number;
  readonly #body: Body;
  /** In a batch: the block that a context's run leaves to be done. */
  #done = -1;
  /** In a batch: the place of the context that is at work. */
  #cursor = -1;

  constructor(
    shape: Shape,
    code: Code,
    context: ModuleContext,
    file: RegisterFile,
    memory: MemoryAccess,
    loops: number,
    body: Body,
  ) {
    this.#shape = shape;
    this.#code = code;
    this.#context = context;
    this.#file = file;
    this.#memory = memory;
    this.#loops = loops;
    this.#body = body;
  }

  /** Emits the whole body. */
  emit(): void {
    switch (this.#shape) {
      case 'run':
        this.#begin(0, 1);
        this.#body.walk();
        break;
      case 'function':
        for (let register = 1; register <= 5; register++) this.#file.bind(register, register - 1);
        this.#resetLoops();
        this.#body.flow();
        this.#body.walk();
        break;
      case 'chunk':
        this.#beginChunk();
        this.#body.walk();
        break;
      case 'batch':
        this.#batch();
        return;
      default:
        assertNever(this.#shape);
    }
    this.#code.op(wasm.unreachable);
  }

  /** r1 is the kernel pointer to the context in one local, r2 the low half in another (or 0). */
  #begin(context: number, r2: number): void {
    const { values } = this.#file;
    values.beginProgram();
    this.#file.bindNarrow(1, context);
    if (r2 >= 0) this.#file.bindNarrow(2, r2);
    this.#resetLoops();
    this.#memory.clear();
    this.#body.flow();
  }

  #beginChunk(): void {
    const code = this.#code;
    const globals = this.#context.chunkGlobals();
    globals.registers.forEach((global, register) => {
      const local = code.local('i64');
      code.globalGet(global);
      code.set(local);
      this.#file.bind(register, local);
    });
    code.globalGet(globals.loops);
    code.set(this.#loops);
    this.#body.flow();
  }

  #resetLoops(): void {
    if (this.#loops < 0) return;
    this.#code.i32(maxLoops);
    this.#code.set(this.#loops);
  }

  /**
   * Over the offsets of contexts from local 0 to local 1; the whole of the r0 of the one at `cursor` goes to
   * cursor * 2 + local 2, as 8 bytes there stand for 4 here. The body stands in the loop, so that nothing is called
   * for a context.
   */
  #batch(): void {
    const code = this.#code;
    const cursor = code.local('i32');
    const context = code.local('i32');
    this.#cursor = cursor;
    code.get(0);
    code.set(cursor);
    // Tested at its end: one jump a context.
    const all = code.open(wasm.block);
    code.get(0);
    code.get(1);
    code.op(wasm.i32Eq);
    code.brIf(all);
    const again = code.open(wasm.loop);
    this.#done = code.open(wasm.block);
    code.get(cursor);
    code.memory(wasm.i32Load);
    code.set(context);
    this.#begin(context, -1);
    this.#body.walk();
    code.op(wasm.unreachable);
    code.end();
    code.get(cursor);
    code.i32(4);
    code.op(wasm.i32Add);
    code.set(cursor);
    this.#countContext(cursor);
    code.get(cursor);
    code.get(1);
    code.op(wasm.i32Ne);
    code.brIf(again);
    code.end();
    code.end();
    this.#storeCell(cells.done, () => this.#pushDone(1));
  }

  /** Pushes how many contexts lie before the one that a local points to. */
  #pushDone(cursor: number): void {
    this.#code.get(cursor);
    this.#code.get(0);
    this.#code.op(wasm.i32Sub);
    this.#code.i32(2);
    this.#code.op(wasm.i32ShrU);
  }

  /** Where a context may trap the session learns how far the batch came; each has its tail calls anew. */
  #countContext(cursor: number): void {
    const { callsOut, verified } = this.#context;
    if (callsOut || !verified) this.#storeCell(cells.done, () => this.#pushDone(cursor));
    if (callsOut) this.#storeCell(cells.tailCalls, () => this.#code.i32(0));
  }

  #storeCell(cell: number, push: () => void): void {
    this.#code.i32(this.#context.cells);
    push();
    this.#code.memory(wasm.i32Store, cell);
  }

  /** r0 is final: ends the run, the function, or this context of a batch. */
  leave(): void {
    const code = this.#code;
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
  leaveFor(label: number): void {
    const code = this.#code;
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
}
