/** Floor 2: one Engine contract and the engines that meet it. */
export {
  type ArrayLayout,
  CallWindow,
  codeSpace,
  type Engine,
  type Executable,
  frameSize,
  type HashLayout,
  type Helper,
  type Host,
  type InlineHelper,
  type LinkedProgram,
  type MapLayout,
  maxCallFrames,
  maxLoops,
  maxTailCalls,
  type PerCpu,
  type ProgramFacts,
  registerFacts,
  stackSize,
  type Trap,
  type TrapKind,
  trapKinds,
} from './engine.ts';
export { createInterpreter, type InterpreterOptions, type Step } from './interpreter.ts';
export { createJit } from './jit/jit.ts';
