import { Memory, pageKinds } from '../../src/memory/index.ts';
import { CallWindow, type Helper, type Host, type LinkedProgram, stackSize } from '../../src/vm/index.ts';
import { stackAreas } from '../../src/vm/stack-areas.ts';

/** What a test gives its programs besides memory. */
export interface TestHostOptions {
  readonly helpers?: Readonly<Record<number, Helper>>;
  readonly kfuncs?: Readonly<Record<number, Helper>>;
  readonly budget?: number;
  readonly count?: boolean;
  /** The packet of any context, for LD_ABS and LD_IND. */
  readonly packet?: Uint8Array;
}

/** A host with a little memory and what the test asks for. */
export class TestHost implements Host {
  readonly memory = new Memory(1 << 20);
  readonly window = new CallWindow(this.memory);
  readonly budget?: number;
  readonly count?: boolean;
  readonly packet?: NonNullable<Host['packet']>;
  readonly #options: TestHostOptions;

  constructor(options: TestHostOptions = {}) {
    this.#options = options;
    if (options.budget !== undefined) this.budget = options.budget;
    if (options.count !== undefined) this.count = options.count;
    if (options.packet) {
      const { length } = options.packet;
      const start = this.place(options.packet);
      this.packet = (_context, offset, size) => (offset >= 0 && offset + size <= length ? start + offset : 0);
    }
  }

  helper(id: number): Helper | undefined {
    return this.#options.helpers?.[id];
  }

  kfunc(id: number): Helper | undefined {
    return this.#options.kfuncs?.[id];
  }

  /** Offset of the stack area of a run that is not nested. */
  stack(): number {
    return stackAreas(this).top(0) - stackSize;
  }

  /** Puts bytes on pages of their own and gives their offset. */
  place(bytes: Uint8Array, readOnly = false): number {
    const offset = this.memory.allocatePages(bytes.length, readOnly ? pageKinds.kernelReadOnly : pageKinds.kernel);
    this.memory.u8.set(bytes, offset);
    return offset;
  }
}

export function linked(code: Uint8Array, name = 'test'): LinkedProgram {
  return { name, code };
}
