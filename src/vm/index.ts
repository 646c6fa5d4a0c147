/** Floor 2: one Engine contract and the engines that meet it. */
export {
  CallWindow,
  type Engine,
  type Executable,
  type Helper,
  type Host,
  type LinkedProgram,
  type Trap,
  type TrapKind,
  trapKinds,
} from './engine.ts';
