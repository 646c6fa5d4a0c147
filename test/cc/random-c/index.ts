/** Random C programs with what they run on. */
export { prelude, randomInput, randomProgram } from './program.ts';
