import type { Engine, InterpreterOptions } from '../vm/index.ts';

/** The engines by the names that `--engine` takes. */
export const engineNames = ['interpreter'] as const;
export type EngineName = (typeof engineNames)[number];

/** Makes an engine; only the interpreter can be watched step by step. Loads it only now, for help must be quick. */
export async function engineNamed(_name: EngineName, options: InterpreterOptions = {}): Promise<Engine> {
  const { createInterpreter } = await import('../vm/index.ts');
  return createInterpreter(options);
}
