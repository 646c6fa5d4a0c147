import type { Memory } from '../../memory/index.ts';
import { pageKinds, pageSize, wholePages } from '../../memory/index.ts';
import type { ProgramLoad } from '../../sys/index.ts';
import type { ProgramType } from '../../uapi/index.ts';
import type { Executable, Host, Trap } from '../../vm/index.ts';

/**
 * A program run by hand, without an event, as BPF_PROG_TEST_RUN does; but what it is given are any bytes, and no
 * verifier has seen it: what it does wrong is a trap.
 */
export interface TestRun extends Omit<ProgramLoad, 'type'> {
  /** Refuse helpers that a program of this type may not call; when absent it may call every one there is. */
  readonly type?: ProgramType;
  /** r1 points to these bytes. */
  readonly context?: Uint8Array;
  /** r1 points to these bytes when there is no context; r2 is their number, and LD_ABS and LD_IND read them. */
  readonly memory?: Uint8Array;
  /** Instructions that the run may retire before it traps. */
  readonly budget?: number;
  /** Count retired instructions. */
  readonly count?: boolean;
}

export interface TestResult {
  /** r0, unsigned. */
  readonly result: bigint;
  readonly trap: Trap | null;
  /** Instructions retired, when counted; else 0. */
  readonly retired: number;
  /** What the run left of the bytes that it was given. */
  readonly context: Uint8Array;
  readonly memory: Uint8Array;
}

/** Runs once on a host of its own that shares `host`'s memory and helpers; gives the memory back. */
export function testRun(host: Host, run: TestRun, load: (host: Host) => Executable): TestResult {
  const { memory } = host;
  const context = new GuardedBytes(memory, run.context);
  const data = new GuardedBytes(memory, run.memory);
  try {
    const executable = load({
      ...host,
      ...(run.budget === undefined ? {} : { budget: run.budget }),
      ...(run.count === undefined ? {} : { count: run.count }),
      packet: (_, offset, size) => (offset >= 0 && offset + size <= data.length ? data.start + offset : 0),
    });
    executable.run(run.context === undefined ? data.start : context.start, data.length);
    const { result, trap, retired } = executable;
    return { result, trap, retired, context: context.copy(), memory: data.copy() };
  } finally {
    data.close();
    context.close();
  }
}

/** Bytes on pages of their own, 8-byte aligned and as far to the end as that allows: an access beyond them traps. */
class GuardedBytes {
  readonly start: number;
  readonly length: number;
  readonly #memory: Memory;
  readonly #pages: number;
  readonly #size: number;

  /** Without bytes there is no page, and the start is 0. */
  constructor(memory: Memory, bytes: Uint8Array = new Uint8Array()) {
    this.#memory = memory;
    this.length = bytes.length;
    // The page behind stays unmapped for as long as the pages of others do not follow: it is taken along and unmapped.
    this.#size = bytes.length === 0 ? 0 : wholePages(bytes.length) + pageSize;
    this.#pages = this.#size === 0 ? 0 : memory.allocatePages(this.#size);
    const end = this.#pages + this.#size - pageSize;
    this.start = this.#size === 0 ? 0 : (end - bytes.length) & ~7;
    if (this.#size === 0) return;
    memory.pages[end / pageSize] = pageKinds.unmapped;
    memory.u8.set(bytes, this.start);
  }

  copy(): Uint8Array {
    return this.#memory.u8.slice(this.start, this.start + this.length);
  }

  close(): void {
    if (this.#size > 0) this.#memory.freePages(this.#pages, this.#size);
  }
}
