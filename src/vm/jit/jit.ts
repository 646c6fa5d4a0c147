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
import { createInterpreter, type InterpretedProgram } from '../interpreter.ts';
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
export function createJit(): Engine {
  const sessions = new WeakMap<Host, JitSession>();
  return {
    name: 'jit',
    load(program, host) {
      let session = sessions.get(host);
      if (!session) {
        session = new Session<Owner, Instance>(host);
        sessions.set(host, session);
      }
      return new CompiledProgram(program, session);
    },
  };
}

/** Instructions of a run without a budget: more than any will retire. */
const unlimited = 2 ** 52;

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
  readonly decoded: DecodedProgram;
  readonly #levels: LevelInstances[] = [];
  #interpreted: InterpretedProgram | undefined;
  /** For runs that nothing is under way around: the compiled function, when it calls nothing outside itself. */
  #leaf: EntryFunction | null = null;
  /** The linear memory, and the word of it that holds the high half of r0 after a run. */
  readonly #words: Int32Array;
  readonly #answer: number;
  readonly #budget: number | undefined;
  readonly #counts: boolean;
  /** Whether its code counts: for the budget, or because that was asked for. */
  readonly #counted: boolean;
  #retired = 0;
  #resultLow = 0;
  #resultHigh = 0;
  #trap: Trap | null = null;

  constructor(program: LinkedProgram, session: JitSession) {
    this.program = program;
    this.session = session;
    this.#words = session.host.memory.i32;
    this.#answer = (session.host.window.offset >>> 2) + 11;
    this.decoded = decode(program.code);
    checkProgram(program, this.decoded);
    this.#budget = session.host.budget;
    this.#counts = session.host.count === true;
    this.#counted = this.#counts || this.#budget !== undefined;
    if (!isLarge(this.decoded)) this.#runner(0);
  }

  run(context: number, r2 = 0): number {
    const { session } = this;
    if (this.#leaf === null || session.depth !== 0) {
      return this.#finish(this.#runNested(context, r2));
    }
    // The shortest way: nothing is under way, and nothing will be while this runs.
    let low = 0;
    try {
      low = this.#leaf(context | 0, r2 | 0);
    } catch (error) {
      session.caught(error);
      return this.#finish(0);
    }
    if (this.#trap !== null) this.#trap = null;
    this.#resultLow = low;
    this.#resultHigh = this.#words[this.#answer] as number;
    return low;
  }

  /** A run within which others may happen, or in which instructions are counted. @returns the low half of r0 */
  #runNested(context: number, r2: number): number {
    const { session } = this;
    const counted = this.#counted;
    const instance = this.#runner(session.stacks.level);
    const left = counted ? session.left : 0;
    const { tailCalls, frame } = session;
    const budget = this.#budget ?? unlimited;
    if (counted) session.left = budget;
    session.tailCalls = 0;
    session.stacks.level++;
    try {
      return instance.run(context, r2);
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

  #finish(low: number): number {
    const { session } = this;
    if (session.trapped !== null) {
      this.#noteTrap(session.trapped);
      return 0;
    }
    this.#trap = null;
    this.#resultLow = low;
    this.#resultHigh = this.#words[this.#answer] as number;
    return low;
  }

  runBatch(contexts: number, count: number, results: number): number {
    if (this.#counted || isLarge(this.decoded)) return this.#runEach(contexts, count, results);
    const { session } = this;
    const tailCalls = session.tailCalls;
    const frame = session.frame;
    const outerDone = session.done;
    const instance = this.#batcher(session.stacks.level);
    session.tailCalls = 0;
    session.done = 0;
    session.stacks.level++;
    let done = 0;
    try {
      instance.batch(contexts, count, results);
    } finally {
      done = session.done;
      session.stacks.level--;
      session.tailCalls = tailCalls;
      session.frame = frame;
      session.done = outerDone;
    }
    const { i32 } = session.host.memory;
    const last = (results >>> 2) + (done - 1) * 2;
    if (session.trapped !== null) this.#noteTrap(session.trapped);
    else {
      this.#trap = null;
      if (done > 0) {
        this.#resultLow = i32[last] as number;
        this.#resultHigh = i32[last + 1] as number;
      }
    }
    return done;
  }

  #runEach(contexts: number, count: number, results: number): number {
    const { i32, u32 } = this.session.host.memory;
    for (let index = 0; index < count; index++) {
      this.run(u32[(contexts >>> 2) + index] as number);
      if (this.#trap !== null) return index;
      i32[(results >>> 2) + index * 2] = this.#resultLow;
      i32[(results >>> 2) + index * 2 + 1] = this.#resultHigh;
    }
    return count;
  }

  get result(): bigint {
    return (BigInt(this.#resultHigh >>> 0) << 32n) | BigInt(this.#resultLow >>> 0);
  }

  get trap(): Trap | null {
    return this.#trap;
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
    };
    this.#trap = { kind, instruction: session.trapSlot, message: trapMessage(kind, facts) };
    session.trapped = null;
    session.next = null;
    this.#resultLow = 0;
    this.#resultHigh = 0;
  }

  callback(slot: number): number {
    return this.session.innermost?.callback(slot) ?? 1;
  }

  tailCall(target: Executable): boolean {
    const { session } = this;
    if (!(target instanceof CompiledProgram) || target.session !== session) return false;
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
    this.#interpreted ??= createInterpreter().load(this.program, this.session.host) as InterpretedProgram;
    return this.#interpreted;
  }
}
