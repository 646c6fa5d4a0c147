import { createInterpreter, createJit, type Engine } from '../../src/vm/index.ts';

/** Every engine that there is: a test of a program runs on each of them. */
export const engines: readonly Engine[] = [createInterpreter(), createJit()];
