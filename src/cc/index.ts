/** Floor 4: restricted C (BCC's dialect) to an ObjectSpec. */
export { type Compiled, type CompileOptions, compileC } from './compile.ts';
export { type Diagnostic, type DiagnosticNote, renderDiagnostics } from './diagnostics.ts';
export type { UsdtArgument } from './lower/lowering.ts';
export type { IncludeFile, IncludeResolver } from './preprocess/preprocessor.ts';
