/** Floor 2: one Engine contract and the engines that meet it. */
export {
  CallWindow,
  codeSpace,
  type Engine,
  type Executable,
  frameSize,
  type Helper,
  type Host,
  type LinkedProgram,
  maxCallFrames,
  maxLoops,
  maxTailCalls,
  stackSize,
  type Trap,
  type TrapKind,
  trapKinds,
} from './engine.ts';
export { createInterpreter, type InterpreterOptions, type Step } from './interpreter.ts';
