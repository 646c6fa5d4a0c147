/** Floor 3: ProgramSpec, MapSpec, ObjectSpec, and the front ends that need no compiler. */
export { type AssembleOptions, assembleObject } from './assemble-object.ts';
export { type FieldLayout, type FieldType, fieldTypes, layOut, type StructLayout } from './layout.ts';
export {
  loadedFor,
  type ParsedSection,
  parseSection,
  type SectionName,
  type SectionTarget,
  sectionKinds,
  targetId,
  unknownTarget,
} from './section.ts';
export type {
  FunctionInfo,
  LineInfo,
  MapSpec,
  MapTypes,
  ObjectBtf,
  ObjectSpec,
  ProgramSpec,
  Relocation,
} from './spec.ts';
export { parameterRegisters } from './symbols.ts';
export { parseUsdtArguments, type UsdtArgument, type UsdtOperand, type UsdtRegister } from './usdt.ts';
export { writeObject } from './write-object.ts';
