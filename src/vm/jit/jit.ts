import { type DecodedProgram, decode } from '../../isa/index.ts';
import {
  codeSpace,
  type Engine,
  type Executable,
  frameSize,
  type Helper,
  type Host,
  type LinkedProgram,
  maxTailCalls,
  stackSize,
  type Trap,
  type TrapKind,
  trapKinds,
} from '../engine.ts';
import { checkProgram } from '../load-check.ts';
import { trapMessage } from '../trap-message.ts';
import { type Callee, type Compiled, compile } from './compile.ts';
import { leaving } from './emit.ts';

/**
 * The compiler behind the Engine contract: a program becomes a WebAssembly module of its own over the one memory.
 * What leaves compiled code early (a trap, a tail call) is noted in the session and tested where helpers return;
 * a trap leaves by `unreachable`, which `run` catches and turns into a value.
 */
export function createJit(): Engine {
  const sessions = new WeakMap<Host, Session>();
  return {
    name: 'jit',
    load(program, host) {
      let session = sessions.get(host);
      if (!session) {
        session = new Session(host);
        sessions.set(host, session);
      }
      return new CompiledProgram(program, session);
    },
  };
}

/** Instructions of a run without a budget: more than any will retire. */
const unlimited = 2n ** 62n;

/** What all programs of a host share. Runs nest where a helper makes an event that runs a program. */
class Session {
  readonly host: Host;
  trapped: TrapKind | null = null;
  trapSlot = 0;
  trapLow = 0;
  trapHigh = 0;
  trapSize = 0;
  tailCalls = 0;
  next: CompiledProgram | null = null;
  /** The instances under way, innermost last. */
  readonly active: Instance[] = [];

  constructor(host: Host) {
    this.host = host;
  }

  trap(kind: TrapKind, slot: number, low = 0): void {
    this.trapped = kind;
    this.trapSlot = slot;
    this.trapLow = low;
  }
}

interface Exports {
  readonly run?: (context: number, r2: number) => number;
  readonly batch?: (contexts: number, count: number, results: number) => void;
  readonly left: WebAssembly.Global<bigint>;
  readonly frame: WebAssembly.Global<number>;
}

class CompiledProgram implements Executable {
  readonly program: LinkedProgram;
  readonly session: Session;
  readonly decoded: DecodedProgram;
  /** One instance for each level at which the program runs inside itself; more than one is rare. */
  readonly #instances: Instance[] = [];
  #level = 0;
  #retired = 0;
  #resultLow = 0;
  #resultHigh = 0;
  #trap: Trap | null = null;

  constructor(program: LinkedProgram, session: Session) {
    this.program = program;
    this.session = session;
    this.decoded = decode(program.code);
    checkProgram(program, this.decoded);
    this.#instances.push(new Instance(this));
  }

  run(context: number, r2 = 0): number {
    const { session } = this;
    const outerTailCalls = session.tailCalls;
    session.tailCalls = 0;
    const instance = this.enter();
    const low = instance.run(context, r2);
    this.leave();
    session.tailCalls = outerTailCalls;
    if (session.trapped !== null) {
      this.#noteTrap();
      return 0;
    }
    this.#trap = null;
    this.#resultLow = low;
    this.#resultHigh = instance.resultHigh;
    return low;
  }

  /** The instance that runs next, its own stack under it. */
  enter(): Instance {
    let instance = this.#instances[this.#level];
    if (!instance) {
      instance = new Instance(this);
      this.#instances.push(instance);
    }
    this.#level++;
    return instance;
  }

  leave(): void {
    this.#level--;
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

  /** Adds what a run retired. */
  retire(count: number): void {
    this.#retired += count;
  }

  #noteTrap(): void {
    const { session } = this;
    const kind = session.trapped as TrapKind;
    this.#trap = {
      kind,
      instruction: session.trapSlot,
      message: trapMessage(kind, {
        low: session.trapLow,
        high: session.trapHigh,
        size: session.trapSize,
        budget: session.host.budget,
      }),
    };
    session.trapped = null;
    this.#resultLow = 0;
    this.#resultHigh = 0;
  }

  callback(slot: number): number {
    return this.session.active.at(-1)?.callback(slot) ?? 1;
  }

  tailCall(target: Executable): boolean {
    const { session } = this;
    if (!(target instanceof CompiledProgram) || target.session !== session) return false;
    if (session.active.length === 0 || session.tailCalls >= maxTailCalls) return false;
    session.tailCalls++;
    session.next = target;
    return true;
  }
}

/** A compiled module with its own stack and cells. */
class Instance {
  readonly owner: CompiledProgram;
  readonly #stackTop: number;
  readonly #cell: number;
  readonly #compiled: Compiled;
  readonly #helpers: readonly (Helper | undefined)[];
  readonly #exports: Exports;
  readonly #run: (context: number, r2: number) => number;
  readonly #callbacks = new Map<number, (frame: number) => number>();
  /** What the run under way was given, as a number; 0 when nothing is counted. */
  #budget = 0n;

  constructor(owner: CompiledProgram) {
    const { host } = owner.session;
    this.owner = owner;
    this.#stackTop = host.memory.allocatePages(stackSize) + stackSize;
    this.#cell = host.memory.allocate(8);
    this.#compiled = compile(owner.decoded, {
      memory: host.memory,
      window: host.window,
      checked: true,
      counted: host.count === true || host.budget !== undefined,
      stackTop: this.#stackTop,
      cell: this.#cell,
      entry: 'run',
    });
    this.#helpers = this.#compiled.callees.map(({ target, id }) => bodyOf(host, target, id));
    const module = new WebAssembly.Module(this.#compiled.bytes);
    const instance = new WebAssembly.Instance(module, { env: this.#imports() });
    this.#exports = instance.exports as unknown as Exports;
    this.#run = this.#exports.run as (context: number, r2: number) => number;
    for (const slot of this.#compiled.callbacks) {
      this.#callbacks.set(slot, instance.exports[`f${slot}`] as (frame: number) => number);
    }
  }

  get resultHigh(): number {
    return this.owner.session.host.memory.i32[(this.#cell >>> 2) + 1] as number;
  }

  /** Runs once, and after it what tail calls asked for. @returns the low half of r0 */
  run(context: number, r2: number): number {
    const { session } = this.owner;
    const { host } = session;
    const counted = host.count === true || host.budget !== undefined;
    if (counted) {
      this.#budget = host.budget === undefined ? unlimited : BigInt(host.budget);
      this.#exports.left.value = this.#budget;
    }
    session.active.push(this);
    let low = 0;
    try {
      low = this.#run(context, r2);
    } catch (error) {
      this.#caught(error);
    }
    session.active.pop();
    if (counted) this.owner.retire(Number(this.#budget - this.#exports.left.value));
    return low;
  }

  callback(slot: number): number {
    const { session } = this.owner;
    const func = this.#callbacks.get(slot);
    if (session.trapped !== null) return 1;
    const frame = this.#exports.frame.value;
    if (!func) return this.#refuse('bad-instruction');
    if (frame <= this.#stackTop - stackSize + frameSize) return this.#refuse('call-depth');
    const calledFrom = session.trapSlot;
    try {
      const low = func(frame - frameSize);
      this.#exports.frame.value = frame;
      session.trapSlot = calledFrom;
      return low;
    } catch (error) {
      this.#caught(error);
      return 1;
    }
  }

  #refuse(kind: TrapKind): number {
    this.owner.session.trap(kind, this.owner.session.trapSlot);
    return 1;
  }

  /** A trap leaves compiled code as a RuntimeError; anything else is a fault of the host and goes on. */
  #caught(error: unknown): void {
    const { session } = this.owner;
    if (session.trapped !== null) return;
    if (error instanceof WebAssembly.RuntimeError) session.trap('unmapped-address', session.trapSlot);
    else if (error instanceof RangeError && /call stack/i.test(error.message))
      session.trap('call-depth', session.trapSlot);
    else {
      session.active.pop();
      throw error;
    }
  }

  #imports(): Record<string, unknown> {
    const { owner } = this;
    const { session } = owner;
    const { host } = session;
    const { memory, window } = host;
    const status = (): number => {
      if (session.trapped !== null) return leaving.trapped;
      return session.next === null ? 0 : leaving.tailCall;
    };
    const call = (helper: Helper | undefined, id: number, slot: number): number => {
      session.trapSlot = slot;
      if (!helper) {
        this.#trap('unknown-helper', slot, id);
        return leaving.trapped;
      }
      helper(window, owner);
      return session.trapped === null && session.next === null ? 0 : status();
    };
    const imports: Record<string, unknown> = {
      memory: memory.wasm,
      trap: (kind: number, slot: number) => this.#trap(trapKinds[kind] as TrapKind, slot),
      access: (high: number, low: number, size: number, write: number, slot: number) => {
        const allowed = write === 1 ? memory.isWritable(high, low, size) : memory.isMapped(high, low, size);
        if (allowed) return 1;
        this.#trap(
          write === 1 && memory.isMapped(high, low, size) ? 'read-only-address' : 'unmapped-address',
          slot,
          low,
        );
        session.trapHigh = high;
        session.trapSize = size;
        return 0;
      },
      packet: (context: number, offset: number, size: 1 | 2 | 4, slot: number) => {
        if (host.packet) return host.packet(context, offset, size);
        this.#trap('bad-instruction', slot);
        throw new WebAssembly.RuntimeError('no packets');
      },
      tail: () => this.#tail(),
      callx: (low: number, high: number, slot: number) => {
        session.trapSlot = slot;
        if (high === (codeSpace | 0)) {
          this.callback(low);
          return session.trapped === null ? 0 : leaving.trapped;
        }
        return call(high === 0 ? host.helper(low) : undefined, low, slot);
      },
    };
    this.#helpers.forEach((helper, index) => {
      const id = (this.#compiled.callees[index] as Callee).id;
      imports[`h${index}`] = (slot: number) => call(helper, id, slot);
    });
    return imports;
  }

  /** Runs what a helper asked for in this program's place; its r0 goes to the window. 0 when it trapped. */
  #tail(): number {
    const { session } = this.owner;
    const { window } = session.host;
    const target = session.next as CompiledProgram;
    session.next = null;
    const instance = target.enter();
    const low = instance.run(window.low(1) | 0, 0);
    target.leave();
    if (session.trapped !== null) return 0;
    window.answerHalves(instance.resultHigh, low);
    return 1;
  }

  /** Notes a trap and gives back what the block was charged for and did not retire. */
  #trap(kind: TrapKind, slot: number, low = 0): void {
    this.owner.session.trap(kind, slot, low);
  }
}

function bodyOf(host: Host, target: 'helper' | 'kfunc', id: number): Helper | undefined {
  return target === 'helper' ? host.helper(id) : host.kfunc?.(id);
}
