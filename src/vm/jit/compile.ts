import type { DecodedProgram } from '../../isa/index.ts';
import { type Host, maxLoops, type ProgramFacts } from '../engine.ts';
import { Code } from '../wasm/code.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { wasm } from '../wasm/opcodes.ts';
import { type Block, BlockFinder } from './blocks.ts';
import { cut, instructionsOf, mostInstructions } from './chunks.ts';
import { FunctionEmitter } from './function-emitter.ts';
import { InlineCalls } from './inline-calls.ts';
import { MapFunctions } from './map-functions.ts';
import type { ChunkGlobals, ModuleContext } from './module-context.ts';
import { kernelBase } from './register-file.ts';

/** How a program is compiled, and for which places of the memory. */
export interface CompileOptions {
  readonly host: Host;
  readonly facts: ProgramFacts | undefined;
  readonly counted: boolean;
  /** Offset of the end of the stack area. */
  readonly stackTop: number;
  /** Offset of the session's cells. */
  readonly cells: number;
  readonly entry: Entry;
}

/**
 * What the module exports as `entry`:
 * - run: (context, r2) → low half of r0, the whole of which is in the global `answer`
 * - batch: (contexts, the end of them, results - contexts * 2), all offsets
 * - framed: (frame) → low half of r0, a function of the program at a slot with the arguments of the window
 */
export type Entry =
  | { readonly kind: 'run' }
  | { readonly kind: 'batch' }
  | { readonly kind: 'framed'; readonly slot: number };

/** A helper or kernel function that the program calls. */
export interface Callee {
  readonly target: 'helper' | 'kfunc';
  readonly id: number;
}

export interface Compiled {
  readonly bytes: Uint8Array;
  /** In the order of the imports `h0`, `h1`, … */
  readonly callees: readonly Callee[];
  /** Whether nothing outside the module is called but to trap. */
  readonly isLeaf: boolean;
}

/** The functions of a program have r1–r5 and the frame's end as parameters, and r0 as result. */
const functionParameters = ['i64', 'i64', 'i64', 'i64', 'i64', 'i32'] as const;

/** Whether a program is so large that its functions may have to be cut; it is then not compiled before its first run. */
export function isLarge(program: DecodedProgram): boolean {
  return program.instructions.length > mostInstructions;
}

/** Compiles what an entry reaches. */
export function compile(program: DecodedProgram, options: CompileOptions): Compiled {
  return new Compiler(program, options).compile();
}

class Compiler {
  readonly #program: DecodedProgram;
  readonly #options: CompileOptions;
  readonly #builder = new ModuleBuilder();
  readonly #finder: BlockFinder;
  readonly #callees: readonly Callee[];
  readonly #context: ModuleContext;
  /** Module functions by the slots of the program's, and those of them that have no body yet. */
  readonly #functions = new Map<number, number>();
  readonly #pending: number[] = [];
  readonly #table: number[] = [];
  #globals: ChunkGlobals | undefined;

  constructor(program: DecodedProgram, options: CompileOptions) {
    this.#program = program;
    this.#options = options;
    this.#finder = new BlockFinder(program, options.counted);
    this.#callees = calleesOf(program);
    this.#context = this.#makeContext();
  }

  #makeContext(): ModuleContext {
    const { host, facts, counted, stackTop, cells } = this.#options;
    const { memory, window } = host;
    const builder = this.#builder;
    const i32 = 'i32' as const;
    builder.importMemory('env', 'memory', memory.size / 65536);
    const helperType = builder.type([i32], [i32]);
    const calleeIndex = new Map<string, number>(
      this.#callees.map(({ target, id }, index) => [`${target} ${id}`, index]),
    );
    const verified = facts?.verified === true;
    const answer = builder.global('i64');
    builder.exportGlobal('answer', answer);
    return {
      program: this.#program,
      answer,
      verified,
      facts: verified ? facts?.registers : undefined,
      mayFault: verified ? facts?.mayFault : undefined,
      counted,
      stackTop,
      window: window.offset,
      cells,
      memorySize: memory.size,
      pageTable: memory.pageTable,
      imports: {
        trap: builder.importFunction('env', 'trap', builder.type([i32, i32, i32], [])),
        access: builder.importFunction('env', 'access', builder.type([i32, i32, i32, i32, i32, i32], [i32])),
        probe: builder.importFunction('env', 'probe', builder.type([i32, i32, i32], [i32])),
        packet: builder.importFunction('env', 'packet', builder.type([i32, i32, i32, i32], [i32])),
        tail: builder.importFunction('env', 'tail', builder.type([], [i32])),
        callx: builder.importFunction('env', 'callx', builder.type([i32, i32, i32], [i32])),
        exhausted: builder.importFunction('env', 'exhausted', builder.type([i32, i32], [])),
        helpers: this.#callees.map((_, index) => builder.importFunction('env', `h${index}`, helperType)),
      },
      helperIndex: ({ target, imm }) => calleeIndex.get(`${target} ${imm}`) as number,
      functionAt: (slot) => this.#functionAt(slot),
      inlineCalls: new InlineCalls(host, verified, this.#program),
      mapFunctions: new MapFunctions(builder),
      callsOut: false,
      chunkGlobals: () => this.#chunkGlobals(),
    };
  }

  compile(): Compiled {
    const { entry } = this.#options;
    const builder = this.#builder;
    const i32 = 'i32' as const;
    const type =
      entry.kind === 'run'
        ? builder.type([i32, i32], [i32])
        : entry.kind === 'batch'
          ? builder.type([i32, i32, i32], [])
          : builder.type([i32], [i32]);
    const func = builder.declare(type);
    if (entry.kind === 'framed') builder.define(func, this.#framedBody(entry.slot));
    else builder.define(func, this.#programBody(entry.kind));
    for (let slot = this.#pending.pop(); slot !== undefined; slot = this.#pending.pop()) {
      builder.define(this.#functions.get(slot) as number, this.#functionBody(slot));
    }
    if (this.#table.length > 0) builder.table(this.#table);
    builder.exportFunction('entry', func);
    return { bytes: builder.build(), callees: this.#callees, isLeaf: this.#context.callsOut === false };
  }

  #functionAt(slot: number): number {
    let func = this.#functions.get(slot);
    if (func === undefined) {
      func = this.#builder.declare(this.#builder.type(functionParameters, ['i64']));
      this.#functions.set(slot, func);
      this.#pending.push(slot);
    }
    return func;
  }

  #chunkGlobals(): ChunkGlobals {
    this.#globals ??= {
      registers: Array.from({ length: 10 }, () => this.#builder.global('i64')),
      loops: this.#builder.global('i32'),
    };
    return this.#globals;
  }

  /** The first function of the program, as a run or a batch. */
  #programBody(kind: 'run' | 'batch'): Code {
    const blocks = this.#finder.blocks(0);
    if (instructionsOf(blocks) <= mostInstructions) return new FunctionEmitter(this.#context, blocks, kind).emit();
    if (kind === 'batch') throw new RangeError('a large program has no batch entry');
    const code = new Code(2);
    const { registers } = this.#chunkGlobals();
    registers.forEach((global, register) => {
      if (register === 1 || register === 2) code.get(register - 1);
      else code.i32(0);
      code.op(wasm.i64ExtendI32u);
      if (register === 1) {
        code.i64(kernelBase);
        code.op(wasm.i64Or);
      }
      code.globalSet(global);
    });
    this.#drive(code, blocks, () => code.i32(this.#options.stackTop));
    code.globalGet(registers[0] as number);
    code.globalSet(this.#context.answer);
    code.globalGet(registers[0] as number);
    code.op(wasm.i32WrapI64);
    return code;
  }

  #functionBody(slot: number): Code {
    const blocks = this.#finder.blocks(slot);
    if (instructionsOf(blocks) <= mostInstructions)
      return new FunctionEmitter(this.#context, blocks, 'function').emit();
    const code = new Code(functionParameters.length);
    const { registers } = this.#chunkGlobals();
    registers.forEach((global, register) => {
      if (register >= 1 && register <= 5) code.get(register - 1);
      else code.i64(0n);
      code.globalSet(global);
    });
    this.#drive(code, blocks, () => code.get(5));
    code.globalGet(registers[0] as number);
    return code;
  }

  /** From chunk to chunk, until one says that r0 is final. */
  #drive(code: Code, blocks: readonly Block[], pushFrame: () => void): void {
    const builder = this.#builder;
    const type = builder.type(['i32', 'i32'], ['i32']);
    const first = this.#table.length;
    const chunks = cut(blocks);
    for (const _ of chunks) this.#table.push(builder.declare(type));
    chunks.forEach((chunk, index) => {
      const body = new FunctionEmitter(this.#context, chunk.blocks, 'chunk').emit();
      builder.define(this.#table[first + index] as number, body);
    });
    const label = code.local('i32');
    code.i32(maxLoops);
    code.globalSet(this.#chunkGlobals().loops);
    const again = code.open(wasm.loop);
    code.get(label);
    code.i32(0xffff);
    code.op(wasm.i32And);
    pushFrame();
    code.get(label);
    code.i32(16);
    code.op(wasm.i32ShrU);
    code.i32(first);
    code.op(wasm.i32Add);
    code.callIndirect(type);
    code.tee(label);
    code.i32(0);
    code.op(wasm.i32GeS);
    code.brIf(again);
    code.end();
  }

  /** A function with the window's arguments, r0 left in the window. */
  #framedBody(slot: number): Code {
    const code = new Code(1);
    const { window } = this.#context;
    code.i32(window);
    for (let argument = 0; argument < 5; argument++) {
      code.i32(window);
      code.memory(wasm.i64Load, argument * 8);
    }
    code.get(0);
    code.call(this.#functionAt(slot));
    code.memory(wasm.i64Store, 40);
    code.i32(window);
    code.memory(wasm.i32Load, 40);
    return code;
  }
}

/** What the program calls outside itself, each once. */
function calleesOf(program: DecodedProgram): Callee[] {
  const found = new Map<string, Callee>();
  for (const instruction of program.instructions) {
    if (instruction.kind !== 'call' || instruction.target === 'local') continue;
    const { target, imm: id } = instruction;
    found.set(`${target} ${id}`, { target, id });
  }
  return [...found.values()];
}
