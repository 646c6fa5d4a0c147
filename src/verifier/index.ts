/** Floor 3: the verdict on a program, and the log that goes with it. */

export { type Category, categories } from './explain/categories.ts';
export type { Explanation, PathStep, Place } from './explain/explanation.ts';
export { explanationText } from './explain/text.ts';
export type { Facts, RegisterFact, ScalarFact } from './facts.ts';
export type { LineInfo, MapShape, ProgramText } from './program.ts';
export { type RecordField, recordFields } from './record-fields.ts';
export { type Verdict, type VerifyOptions, verify } from './verify.ts';
