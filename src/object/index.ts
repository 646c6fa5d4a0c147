/** Floor 3: ProgramSpec, MapSpec, ObjectSpec, and the front ends that need no compiler. */
export type { LineInfo, MapSpec, ObjectSpec, ProgramSpec, Relocation } from './spec.ts';
