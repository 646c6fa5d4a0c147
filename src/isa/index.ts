/** Floor 1: the instruction set: encode, decode, assemble, disassemble. */
export { type Assembled, type AssemblerOptions, assemble } from './assemble.ts';
export { type Block, type ControlFlow, controlFlow, type Edge, type FlowFunction } from './control-flow.ts';
export { type DecodedProgram, decode } from './decode.ts';
export { type DisassembledLine, type DisassemblerOptions, disassemble, formatInstruction } from './disassemble.ts';
export { type DotOptions, formatDot } from './dot.ts';
export { encode } from './encode.ts';
export {
  type Instruction,
  type InstructionBody,
  immediate,
  type Operand,
  type Place,
  type Register,
  register,
  slotsOf,
  targetOf,
  type Width,
} from './instruction.ts';
export { functionSlots, isInstruction, nameTargets } from './labels.ts';
export {
  type AluOperation,
  type AtomicOperation,
  aluOperations,
  atomicOperations,
  type CallTarget,
  callTargets,
  classes,
  type EndianBits,
  type EndianOperation,
  type ExtendBits,
  endianOperations,
  type JumpOperation,
  jumpOperations,
  type OpcodeRow,
  opcodeTable,
  orderedAccess,
  type PseudoImmediate,
  pseudoImmediates,
  type Size,
} from './opcodes.ts';
export { factRegisters, type RegisterFactName, type RegisterFacts, registerFacts } from './register-facts.ts';
export { type LoggedInstruction, readVerifierLog } from './verifier-log.ts';
export { type IsaVersion, isaVersion } from './version.ts';
