import { type DecodedProgram, decode } from '../../isa/index.ts';
import {
  type Engine,
  type Executable,
  type Host,
  type LinkedProgram,
  maxTailCalls,
  type Trap,
  type TrapKind,
} from '../engine.ts';
import { InterpretedProgram } from '../interpreter.ts';
import { checkProgram } from '../load-check.ts';
import { trapMessage } from '../trap.ts';
import { isLarge } from './compile.ts';
import { type EntryFunction, Instance, type JitSession, type Owner } from './instance.ts';
import { Session } from './session.ts';

/**
 * The compiler behind the Engine contract: a program becomes a WebAssembly module over the one memory. What leaves
 * compiled code early (a trap, a tail call) is noted in the session and tested where helpers return; a trap leaves
 * by `unreachable`, which is caught at the border and turned into a value.
 */
export function createJit({ whenHot = false }: JitOptions = {}): Engine {
  const sessions = new WeakMap<Host, JitSession>();
  return {
    name: 'jit',
    load(program, host) {
      let session = sessions.get(host);
      if (!session) {
        session = new Session<Owner, Instance, InterpretedProgram>(host);
        sessions.set(host, session);
      }
      return new CompiledProgram(program, session, whenHot);
    },
  };
}

export interface JitOptions {
  /** Every program begins in the interpreter, as a large one always does: loading then compiles nothing. */
  readonly whenHot?: boolean;
}

/** Instructions of a run without a budget: more than any will retire. */
const unlimited = 2 ** 52;
/**
 * A program that begins in the interpreter stays there until it has retired this many times its slots; compiling
 * it costs about as much. The rule counts instructions and no time, so that a run is the same whenever and wherever it
 * is made.
 */
const interpretedTurns = 256;

/** The instances of a program for a level at which runs nest: its module is made for that level's stack. */
interface LevelInstances {
  run?: Instance;
  batch?: Instance;
  /** Functions that are entered at a frame which is not the first, by slot. */
  readonly framed: Map<number, Instance>;
}

class CompiledProgram implements Owner {
  readonly program: LinkedProgram;
  readonly session: JitSession;
  #decoded: DecodedProgram | undefined;
  readonly #levels: LevelInstances[] = [];
  #interpreted: InterpretedProgram | undefined;
  /** For runs that nothing is under way around: the compiled function, when it calls nothing outside itself. */
  #leaf: EntryFunction | null = null;
  /** The last run was the leaf's and came to its end, so that nothing has to be kept of it. */
  #leafEnded = false;
  readonly #budget: number | undefined;
  readonly #counts: boolean;
  /** Whether its code counts: for the budget, or because that was asked for. */
  readonly #counted: boolean;
  /** Instructions that are still interpreted before the program is compiled. */
  #uncompiled: number;
  #retired = 0;
  /** Where r0 is after a run: with what ran it, or in `#result`. */
  #answer: { readonly result: bigint } | null = null;
  #result = 0n;
  #trap: Trap | null = null;

  constructor(program: LinkedProgram, session: JitSession, whenHot: boolean) {
    this.program = program;
    this.session = session;
    // What is verified and begins in the interpreter need not be read before it runs.
    if (!whenHot || !program.facts?.verified) checkProgram(program, this.decoded);
    this.#budget = session.host.budget;
    this.#counts = session.host.count === true;
    this.#counted = this.#counts || this.#budget !== undefined;
    this.#uncompiled = whenHot || isLarge(this.decoded) ? (program.code.length / 8) * interpretedTurns : 0;
    if (this.#uncompiled === 0) this.#runner(0);
  }

  get decoded(): DecodedProgram {
    this.#decoded ??= decode(this.program.code);
    return this.#decoded;
  }

  run(context: number, r2 = 0): number {
    const leaf = this.#leaf;
    if (leaf === null || this.session.depth !== 0) return this.#run(context, r2);
    // The shortest way: nothing is under way, and nothing will be while this runs.
    if (!this.#leafEnded) this.#leafEnded = true;
    try {
      return leaf(context | 0, r2 | 0);
    } catch (error) {
      this.session.caught(error);
      return this.#ended(null);
    }
  }

  #run(context: number, r2: number): number {
    if (this.#uncompiled > 0) return this.#interpret(context, r2);
    const { session } = this;
    const instance = this.#runner(session.stacks.level);
    const low = this.#enter(instance, context, r2, 0);
    this.#ended(instance);
    return this.#trap === null ? low : 0;
  }

  /** A run within which others may happen, or in which instructions are counted. */
  #enter(instance: Instance, first: number, second: number, third: number): number {
    const { session } = this;
    const counted = this.#counted;
    const left = counted ? session.left : 0;
    const { tailCalls, frame } = session;
    const budget = this.#budget ?? unlimited;
    if (counted) session.left = budget;
    session.tailCalls = 0;
    session.stacks.level++;
    try {
      return instance.enter(first, second, third);
    } finally {
      session.stacks.level--;
      session.tailCalls = tailCalls;
      session.frame = frame;
      if (counted) {
        if (this.#counts) this.#retired += budget - session.left;
        session.left = left;
      }
    }
  }

  #interpret(context: number, r2: number): number {
    const { session, interpreted } = this;
    session.enter(null);
    let low = 0;
    try {
      low = interpreted.run(context, r2);
    } finally {
      session.leave();
    }
    this.#uncompiled = Math.max(0, this.#uncompiled - interpreted.lastRetired);
    if (this.#counts) this.#retired += interpreted.lastRetired;
    this.#leafEnded = false;
    this.#answer = interpreted;
    this.#trap = interpreted.trap;
    return low;
  }

  /** Notes how a compiled run ended. @param answer what has its r0; nothing when it trapped */
  #ended(answer: { readonly result: bigint } | null): number {
    const { session } = this;
    this.#leafEnded = false;
    this.#answer = answer;
    this.#trap = null;
    if (session.trapped !== null) this.#noteTrap(session.trapped);
    return 0;
  }

  runBatch(contexts: number, count: number, results: number): number {
    const onlyRuns = this.#counted || isLarge(this.decoded);
    const { u32, u64 } = this.session.host.memory;
    let done = 0;
    for (; done < count && (onlyRuns || this.#uncompiled > 0); done++) {
      this.run(u32[(contexts >>> 2) + done] as number);
      if (this.trap !== null) return done;
      u64[(results >>> 3) + done] = this.result;
    }
    return done === count ? count : done + this.#compiledBatch(contexts + done * 4, count - done, results + done * 8);
  }

  #compiledBatch(contexts: number, count: number, results: number): number {
    const { session } = this;
    const outerDone = session.done;
    const instance = this.#batcher(session.stacks.level);
    session.done = 0;
    let done = 0;
    try {
      this.#enter(instance, contexts, contexts + count * 4, results - contexts * 2);
    } finally {
      done = session.done;
      session.done = outerDone;
    }
    const isWhole = session.trapped === null;
    this.#ended(null);
    if (isWhole && done > 0) this.#result = session.host.memory.u64[(results >>> 3) + done - 1] as bigint;
    return done;
  }

  get result(): bigint {
    if (this.#leafEnded) return this.#runner(0).result;
    return this.#answer === null ? this.#result : this.#answer.result;
  }

  get trap(): Trap | null {
    return this.#leafEnded ? null : this.#trap;
  }

  get retired(): number {
    return this.#retired;
  }

  #noteTrap(kind: TrapKind): void {
    const { session } = this;
    const facts = {
      low: session.trapLow,
      high: session.trapHigh,
      size: session.trapSize,
      budget: this.#budget,
      opcode: this.program.code[session.trapSlot * 8],
    };
    this.#trap = { kind, instruction: session.trapSlot, message: trapMessage(kind, facts) };
    session.trapped = null;
    session.next = null;
    this.#answer = null;
    this.#result = 0n;
  }

  callback(slot: number): number {
    const { session } = this;
    if (session.isInterpreting) return this.interpreted.callback(slot);
    return session.innermost?.callback(slot) ?? 1;
  }

  tailCall(target: Executable): boolean {
    const { session } = this;
    if (!(target instanceof CompiledProgram) || target.session !== session) return false;
    if (session.isInterpreting) return this.interpreted.tailCall(target.interpreted);
    if (session.innermost === null || session.tailCalls >= maxTailCalls) return false;
    session.tailCalls++;
    session.next = target;
    return true;
  }

  // --- Instances

  #level(level: number): LevelInstances {
    let found = this.#levels[level];
    if (!found) {
      found = { framed: new Map() };
      this.#levels[level] = found;
    }
    return found;
  }

  #runner(level: number): Instance {
    const instances = this.#level(level);
    if (!instances.run) {
      instances.run = new Instance(this, { kind: 'run' }, level, this.#counted);
      if (level === 0 && !this.#counted && instances.run.isLeaf) this.#leaf = instances.run.entry;
    }
    return instances.run;
  }

  #batcher(level: number): Instance {
    const instances = this.#level(level);
    instances.batch ??= new Instance(this, { kind: 'batch' }, level, false);
    return instances.batch;
  }

  framed(slot: number, level: number): Instance {
    const { framed } = this.#level(level);
    let instance = framed.get(slot);
    if (!instance) {
      instance = new Instance(this, { kind: 'framed', slot }, level, this.#counted);
      framed.set(slot, instance);
    }
    return instance;
  }

  get interpreted(): InterpretedProgram {
    this.#interpreted ??= new InterpretedProgram(this.program, this.session.interpreter, {
      owner: this,
      decoded: this.decoded,
    });
    return this.#interpreted;
  }
}
