/** Random C programs with what they run on. */
export { prelude, randomInput, randomProgram } from './program.ts';
export { tableMacros } from './tables.ts';
