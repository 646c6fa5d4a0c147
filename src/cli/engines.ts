import type { Engine, InterpreterOptions } from '../vm/index.ts';

/** The engines by the names that `--engine` takes; the first is what runs unless another is asked for. */
export const engineNames = ['jit', 'interpreter'] as const satisfies readonly Engine['name'][];
export type EngineName = (typeof engineNames)[number];

/** Makes an engine; only the interpreter can be watched step by step. Loads it only now, for help must be quick. */
export async function engineNamed(name: EngineName, options: InterpreterOptions = {}): Promise<Engine> {
  const { createInterpreter, createJit } = await import('../vm/index.ts');
  return name === 'jit' ? createJit() : createInterpreter(options);
}
