import type { KernelProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import type { Engine, Helper } from '../../src/vm/index.ts';
import { linked, TestHost } from '../vm/host.ts';

/** Compiles C and runs its first program on an engine, with eight words as context; r0 whole. */
export interface RunOptions {
  readonly helpers?: Readonly<Record<number, Helper>>;
}

export function compiled(text: string, profile: KernelProfile): Uint8Array {
  const { object, diagnostics } = compileC(text, { file: 'test.c', profile });
  const [program] = object?.programs ?? [];
  if (!program) throw new Error(renderDiagnostics(diagnostics) || 'no program');
  return program.code;
}

export function runCode(code: Uint8Array, input: readonly bigint[], engine: Engine, options: RunOptions = {}): bigint {
  const host = new TestHost({ ...options, budget: 1_000_000 });
  const bytes = new Uint8Array(BigUint64Array.from(input).buffer);
  const program = engine.load(linked(code), host);
  program.run(host.place(bytes));
  if (program.trap) throw new Error(program.trap.message);
  return program.result;
}
