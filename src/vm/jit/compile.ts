import { type DecodedProgram, type Instruction, targetOf } from '../../isa/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { CallWindow } from '../engine.ts';
import { Code } from '../wasm/code.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { wasm } from '../wasm/opcodes.ts';
import { functionBlocks } from './blocks.ts';
import { FunctionEmitter, type ModuleContext } from './emit.ts';

/** How a program is compiled, and for which places of the memory. */
export interface CompileOptions {
  readonly memory: Memory;
  readonly window: CallWindow;
  readonly checked: boolean;
  readonly counted: boolean;
  /** Offset of the end of the stack area. */
  readonly stackTop: number;
  /** Offset of eight bytes for r0. */
  readonly cell: number;
  /** What is exported to be called: `run` (context, r2) → low half of r0, or `batch` (contexts, count, results). */
  readonly entry: 'run' | 'batch';
}

/** A helper or kernel function that the program calls. */
export interface Callee {
  readonly target: 'helper' | 'kfunc';
  readonly id: number;
}

export interface Compiled {
  readonly bytes: Uint8Array;
  /** In the order of the imports `h0`, `h1`, … */
  readonly callees: readonly Callee[];
  /** Slots of the functions that pointers may name; their numbers are what the export `callback` takes. */
  readonly callbacks: readonly number[];
}

export function compile(program: DecodedProgram, options: CompileOptions): Compiled {
  const builder = new ModuleBuilder();
  const { memory } = options;
  builder.importMemory('env', 'memory', memory.size / 65536);
  const i32 = 'i32' as const;
  const imports = {
    trap: builder.importFunction('env', 'trap', builder.type([i32, i32], [])),
    access: builder.importFunction('env', 'access', builder.type([i32, i32, i32, i32, i32], [i32])),
    packet: builder.importFunction('env', 'packet', builder.type([i32, i32, i32, i32], [i32])),
    tail: builder.importFunction('env', 'tail', builder.type([], [i32])),
    callx: builder.importFunction('env', 'callx', builder.type([i32, i32, i32], [i32])),
  };
  const callees = calleesOf(program);
  const calleeIndex = new Map(callees.map(({ target, id }, index) => [`${target} ${id}`, index] as const));
  const helperType = builder.type([i32], [i32]);
  const helpers = callees.map((_, index) => builder.importFunction('env', `h${index}`, helperType));

  const functionType = builder.type(['i64', 'i64', 'i64', 'i64', 'i64', i32], ['i64']);
  const entries = functionSlots(program);
  const entry = builder.declare(
    options.entry === 'run' ? builder.type([i32, i32], [i32]) : builder.type([i32, i32, i32], []),
  );
  const functions = new Map(entries.map((slot) => [slot, builder.declare(functionType)] as const));
  const callbacks = [
    ...new Set(program.instructions.filter(isFunctionPointer).map((pointer) => targetOf(pointer) as number)),
  ];

  const context: ModuleContext = {
    program,
    checked: options.checked,
    counted: options.counted,
    stackTop: options.stackTop,
    window: options.window.offset,
    cell: options.cell,
    memorySize: memory.size,
    pageTable: memory.pageTable,
    imports: { ...imports, helpers },
    helperIndex: ({ target, imm }) => calleeIndex.get(`${target} ${imm}`) as number,
    functionAt: (slot) => functions.get(slot) as number,
    left: builder.global('i64'),
    framePointer: builder.global('i32'),
    callbacks: callbacks.length > 0,
  };
  const main = functionBlocks(program, 0, options.counted);
  builder.define(entry, new FunctionEmitter(context, main, options.entry === 'run' ? 'main' : 'batch').emit());
  for (const [slot, func] of functions) {
    const blocks = functionBlocks(program, slot, options.counted);
    builder.define(func, new FunctionEmitter(context, blocks, 'function').emit());
  }
  builder.exportFunction(options.entry, entry);
  builder.exportGlobal('left', context.left);
  builder.exportGlobal('frame', context.framePointer);
  for (const slot of callbacks) {
    const callback = builder.declare(builder.type([i32], [i32]));
    builder.define(callback, callbackBody(context, functions.get(slot) as number));
    builder.exportFunction(`f${slot}`, callback);
  }
  return { bytes: builder.build(), callees, callbacks };
}

/** (frame) → low half of r0: a function of the program with the window's arguments, r0 left in the window. */
function callbackBody(context: ModuleContext, func: number): Code {
  const code = new Code(1);
  const window = context.window;
  code.i32(window);
  for (let argument = 0; argument < 5; argument++) {
    code.i32(window);
    code.memory(wasm.i64Load, argument * 8);
  }
  code.get(0);
  code.call(func);
  code.memory(wasm.i64Store, 40);
  code.i32(window);
  code.memory(wasm.i32Load, 40);
  return code;
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

/** Where functions of the program begin, besides the first: targets of calls and of pointers to functions. */
function functionSlots(program: DecodedProgram): number[] {
  const slots = new Set<number>();
  for (const instruction of program.instructions) {
    const isCall = instruction.kind === 'call' && instruction.target === 'local';
    if (isCall || isFunctionPointer(instruction)) slots.add(targetOf(instruction) as number);
  }
  return [...slots].sort((a, b) => a - b);
}

function isFunctionPointer(instruction: Instruction): boolean {
  return instruction.kind === 'loadImm64' && instruction.pseudo === 'func';
}
