import type { DecodedProgram, Instruction } from '../../isa/index.ts';
import type { TrapKind } from '../engine.ts';
import { trapKinds } from '../engine.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import type { InlineCalls } from './inline-calls.ts';
import type { MapFunctions } from './map-functions.ts';

/** What the functions of a module share: numbers of imports and functions, and how the program is compiled. */
export interface ModuleContext {
  readonly program: DecodedProgram;
  /** The verifier has accepted the program: no access is checked. */
  readonly verified: boolean;
  readonly facts: Uint8Array | undefined;
  /** A byte a slot: 1 where a load of a verified program is checked after all, and gives 0 where it leads nowhere. */
  readonly mayFault: Uint8Array | undefined;
  /** Retired instructions are counted, and a run ends when nothing is left of its budget. */
  readonly counted: boolean;
  /** Offset of the end of the stack area. */
  readonly stackTop: number;
  /** Offset of the window's first argument. */
  readonly window: number;
  /** The i64 global that has r0 after a run. */
  readonly answer: number;
  /** Offset of the session's cells. */
  readonly cells: number;
  /** bytes */
  readonly memorySize: number;
  /** Offset of the page table: a byte for each page of the memory. */
  readonly pageTable: number;
  readonly imports: {
    /** (kind, slot, instructions of the block that are not retired) */
    readonly trap: number;
    /** (high, low, size, write, slot, not retired) → 1 when the access is allowed after all */
    readonly access: number;
    /** (high, low, size) → 1 when that may be read */
    readonly probe: number;
    /** (context, offset, size, slot) → offset of the bytes; 0: the packet has none there; -1: there are no packets */
    readonly packet: number;
    /** () → 1 when the program that a helper asked for has run, its r0 in the window; 0 when it trapped */
    readonly tail: number;
    /** (low, high, slot) → status */
    readonly callx: number;
    /** (slot, instructions of the block): the budget ends within a block, whose registers are in the cells */
    readonly exhausted: number;
    /** (slot) → status, by index into the program's list of what it calls */
    readonly helpers: readonly number[];
  };
  /** Index of a helper or kernel function in `imports.helpers`. */
  helperIndex(instruction: Extract<Instruction, { kind: 'call' }>): number;
  /** The module's function for the function of the program at a slot. */
  functionAt(slot: number): number;
  readonly inlineCalls: InlineCalls;
  readonly mapFunctions: MapFunctions;
  /** Set when a call out of the module is emitted. */
  callsOut: boolean;
  /** Mutable globals that carry r0–r9 and the may_goto count between chunks; made when asked for. */
  chunkGlobals(): ChunkGlobals;
}

export interface ChunkGlobals {
  /** i64, r0–r9 */
  readonly registers: readonly number[];
  /** i32 */
  readonly loops: number;
}

/** What the status of a helper's call tells; 0 is go on. */
export const leaving = { trapped: 1, tailCall: 2 } as const;

/**
 * The session's cells: memory that no program reaches.
 *
 *   +0 i64 left          instructions that the run may still retire
 *   +8 u32 frame         end of the frame whose helper is at work
 *   +12 u32 tailCalls    of the run
 *   +16 u32 done         contexts of a batch that are done
 *   +24 u64[11]          r0–r10 when the budget ends within a block
 */
export const cells = { left: 0, frame: 8, tailCalls: 12, done: 16, registers: 24, size: 112 } as const;

/** Notes a trap and leaves. @param unretired instructions of the block that were counted and have not run */
export function emitTrap(code: Code, context: ModuleContext, kind: TrapKind, slot: number, unretired: number): void {
  code.i32(trapKinds.indexOf(kind));
  code.i32(slot);
  code.i32(unretired);
  code.call(context.imports.trap);
  code.op(wasm.unreachable);
}
