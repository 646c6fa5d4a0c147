import type { DecodedProgram } from '../../isa/index.ts';
import { kernelHigh, readable, writable } from '../access.ts';
import { codeSpace, type Executable, frameSize, type Helper, type Host, maxCallFrames, trapKinds } from '../engine.ts';
import type { InterpretedProgram } from '../interpreter.ts';
import { type Callee, compile, type Entry } from './compile.ts';
import { leaving } from './module-context.ts';
import type { Session } from './session.ts';

/** The program that an instance is of. */
export interface Owner extends Executable {
  readonly decoded: DecodedProgram;
  readonly session: JitSession;
  /** The same program for the interpreter, which does the last instructions of a budget. */
  readonly interpreted: InterpretedProgram;
  /** A function of the program that is entered at any frame, with the window's arguments. */
  framed(slot: number, level: number): Instance;
}

export type JitSession = Session<Owner, Instance, InterpretedProgram>;

export type EntryFunction = (first: number, second?: number, third?: number) => number;

/** A module of a program, compiled for an entry and a level's stack, with what it imports. */
export class Instance {
  readonly #owner: Owner;
  readonly #session: JitSession;
  readonly #level: number;
  readonly #counted: boolean;
  readonly #stackTop: number;
  readonly entry: EntryFunction;
  readonly #answer: WebAssembly.Global<bigint>;
  /** Whether compiled code calls nothing outside itself but to trap. */
  readonly isLeaf: boolean;

  constructor(owner: Owner, entry: Entry, level: number, counted: boolean) {
    const { session } = owner;
    const { host } = session;
    this.#owner = owner;
    this.#session = session;
    this.#level = level;
    this.#counted = counted;
    this.#stackTop = session.stacks.top(level);
    const { bytes, callees, isLeaf } = compile(owner.decoded, {
      host,
      facts: owner.program.facts,
      counted,
      stackTop: this.#stackTop,
      cells: session.cells,
      entry,
    });
    this.isLeaf = isLeaf;
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, { env: this.#imports(callees) });
    this.entry = instance.exports.entry as EntryFunction;
    this.#answer = instance.exports.answer as WebAssembly.Global<bigint>;
  }

  /** The whole of r0 after a run. */
  get result(): bigint {
    return BigInt.asUintN(64, this.#answer.value);
  }

  /** Calls the entry with what it takes (`Entry`). @returns the low half of r0; 0 when it trapped */
  enter(first: number, second: number, third: number): number {
    const session = this.#session;
    session.enter(this);
    try {
      return this.entry(first, second, third);
    } catch (error) {
      session.caught(error);
      return 0;
    } finally {
      session.leave();
    }
  }

  /** Calls a function of the program for a helper. @returns the low half of r0, 1 when it trapped */
  callback(slot: number): number {
    const session = this.#session;
    if (session.trapped !== null) return 1;
    const calledFrom = session.trapSlot;
    if (!this.#mayCall(slot)) return 1;
    const low = this.#callFunction(slot);
    if (session.trapped !== null) return 1;
    session.trapSlot = calledFrom;
    return low;
  }

  /** Whether a slot begins a function and there is a frame for it; else it traps. */
  #mayCall(slot: number): boolean {
    const session = this.#session;
    const isInstruction = (this.#owner.decoded.indexOfSlot[slot] ?? -1) >= 0;
    if (!isInstruction) session.trap('bad-instruction', session.trapSlot);
    else if (session.frame <= this.#stackTop - (maxCallFrames - 1) * frameSize) {
      session.trap('call-depth', session.trapSlot);
    }
    return session.trapped === null;
  }

  /** A function on the frame below the one whose helper is at work, with the window's arguments. */
  #callFunction(slot: number): number {
    const session = this.#session;
    const { frame } = session;
    const low = this.#owner.framed(slot, this.#level).enter(frame - frameSize, 0, 0);
    session.frame = frame;
    return low;
  }

  // --- What compiled code calls

  #imports(callees: readonly Callee[]): Record<string, unknown> {
    const session = this.#session;
    const { host } = session;
    const imports: Record<string, unknown> = {
      memory: host.memory.wasm,
      trap: (kind: number, slot: number, unretired: number) => {
        session.trap(trapKinds[kind] as (typeof trapKinds)[number], slot);
        this.#giveBack(unretired);
      },
      access: (high: number, low: number, size: number, write: number, slot: number, unretired: number) =>
        this.#access(high, low, size, write === 1, slot, unretired),
      probe: (high: number, low: number, size: number) =>
        readable(host.memory.pages, low, high, 0, size) >= 0 ? 1 : 0,
      packet: (context: number, offset: number, size: 1 | 2 | 4) =>
        host.packet ? host.packet(context, offset, size) : -1,
      tail: () => this.#tail(),
      callx: (low: number, high: number, slot: number) => this.#callRegister(low, high, slot),
      exhausted: (slot: number, count: number) => this.#exhausted(slot, count),
    };
    callees.forEach(({ target, id }, index) => {
      const helper = target === 'helper' ? host.helper(id) : host.kfunc?.(id);
      imports[`h${index}`] = (slot: number) => this.#call(helper, id, slot);
    });
    return imports;
  }

  #giveBack(unretired: number): void {
    if (this.#counted) this.#session.left += unretired;
  }

  #call(helper: Helper | undefined, id: number, slot: number): number {
    const session = this.#session;
    session.trapSlot = slot;
    if (!helper) {
      session.trap('unknown-helper', slot, id);
      this.#giveBack(1);
      return leaving.trapped;
    }
    const { window } = session.host;
    const word = (window.offset >>> 2) + 10;
    const { i32 } = window.memory;
    i32[word] = 0;
    i32[word + 1] = 0;
    helper(window, this.#owner);
    if (session.trapped !== null) return leaving.trapped;
    return session.next === null ? 0 : leaving.tailCall;
  }

  #callRegister(low: number, high: number, slot: number): number {
    const session = this.#session;
    session.trapSlot = slot;
    if (high !== (codeSpace | 0)) {
      return this.#call(high === 0 ? session.host.helper(low) : undefined, low, slot);
    }
    if (!this.#mayCall(low)) {
      this.#giveBack(1);
      return leaving.trapped;
    }
    this.#callFunction(low);
    return session.trapped === null ? 0 : leaving.trapped;
  }

  /** Whether an access that compiled code did not see to be within one page is allowed; else it traps. */
  #access(high: number, low: number, size: number, write: boolean, slot: number, unretired: number): number {
    const session = this.#session;
    const { memory } = session.host;
    const place = (write ? writable : readable)(memory.pages, low, high, 0, size);
    if (place >= 0) return 1;
    const readOnly = write && high === kernelHigh && memory.isMapped(high, low, size);
    session.trap(readOnly ? 'read-only-address' : 'unmapped-address', slot, low);
    session.trapHigh = high;
    session.trapSize = size;
    this.#giveBack(unretired);
    return 0;
  }

  /** Runs what a helper asked for on the frame of the program that called it. 0 when it trapped. */
  #tail(): number {
    const session = this.#session;
    const target = session.next as Owner;
    const { frame } = session;
    session.next = null;
    clearArguments(session.host);
    target.framed(0, this.#level).enter(frame, 0, 0);
    session.frame = frame;
    return session.trapped === null ? 1 : 0;
  }

  /** The budget ends in a block: the interpreter does the instructions that are left and says where it ended. */
  #exhausted(slot: number, count: number): void {
    const session = this.#session;
    const budget = session.left + count;
    const run = this.#owner.interpreted.finish(session.registers(), slot, budget);
    session.left = budget - (run.granted - run.left);
    session.trap(run.trapped ?? 'budget-exhausted', run.trapSlot, run.trapLow);
    session.trapHigh = run.trapHigh;
    session.trapSize = run.trapSize;
  }
}

/** A program that replaces another has r1 alone. */
function clearArguments({ window }: Host): void {
  for (let argument = 2; argument <= 5; argument++) window.setArgument(argument, 0, 0);
}
