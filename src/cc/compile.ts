import { InputError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { MapSpec, ObjectSpec, ProgramSpec } from '../object/index.ts';
import type { MapType } from '../uapi/index.ts';
import { Abandoned, type Diagnostic, Diagnostics } from './diagnostics.ts';
import { headerNames, misspeltHeader } from './dialect/header-names.ts';
import { headerText, isKernelHeader, kernelHeader, predefined } from './dialect/headers.ts';
import { isLibbpfHeader } from './dialect/libbpf-headers.ts';
import { checkTarget, hasSections, programKind } from './dialect/programs.ts';
import { argumentRegisters } from './dialect/registers.ts';
import { tableSizes } from './dialect/tables.ts';
import type { UsdtArgument } from './lower/lowering.ts';
import { DataSections } from './object/data.ts';
import { generateProgram } from './object/generate.ts';
import { Layouts } from './object/layouts.ts';
import { ObjectTypes } from './object/object-types.ts';
import { isForTexts } from './preprocess/macros.ts';
import { type IncludeResolver, type Prelude, Preprocessor } from './preprocess/preprocessor.ts';
import { askedBy, positionOf, type Token } from './preprocess/token.ts';
import type { FunctionObject, TableObject, TranslationUnit } from './syntax/ast.ts';
import { attributeNames } from './syntax/attributes.ts';
import { isBuiltin } from './syntax/builtins.ts';
import { parse } from './syntax/parser.ts';
import { keywords } from './syntax/type-words.ts';
import { KernelTypes } from './types/kernel-types.ts';
import { StructType } from './types/types.ts';

export interface CompileOptions {
  /** What diagnostics call the text. */
  readonly file?: string;
  /** `-D`: a name to its text; `true` for 1. */
  readonly defines?: Readonly<Record<string, string | number | true>>;
  /** `-U`: names that are no macros, predefined ones and those of the kernel's headers among them. */
  readonly undefines?: readonly string[];
  /** Finds `#include`s that are no kernel headers. */
  readonly includes?: IncludeResolver;
  /** The kernel whose types and tracepoints the text means. */
  readonly profile: KernelProfile;
  /** BCC's tables, methods and names; true unless said otherwise. */
  readonly bccDialect?: boolean;
  /** CPUs that the kernel may have: the size of a perf array that gives none. */
  readonly cpus?: number;
  /** Where a USDT probe's argument lies, for each program; the calling convention's registers when absent. */
  readonly usdtArgument?: (program: string, index: number) => UsdtArgument | undefined;
  readonly license?: string;
}

export interface Compiled {
  /** Undefined when there are errors. */
  readonly object: ObjectSpec | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** The i-th argument (from 1) as a function's, where nobody knows the probe's notes. */
function argumentInRegister(_program: string, index: number): UsdtArgument | undefined {
  const register = argumentRegisters[index - 1];
  return register && { size: 8, signed: false, register };
}

/** Compiles restricted C to an object. What is wrong with the text is among the diagnostics; nothing is thrown. */
export function compileC(text: string, options: CompileOptions): Compiled {
  const diagnostics = new Diagnostics();
  try {
    const object = compile(text, options, diagnostics);
    return { object: diagnostics.failed ? undefined : object, diagnostics: diagnostics.list };
  } catch (fault) {
    if (!(fault instanceof Abandoned)) throw fault;
    return { object: undefined, diagnostics: diagnostics.list };
  }
}

/** What `__has_builtin` and its like are told. */
const compiler = {
  isBuiltin: (name: string) => name.startsWith('__') && isBuiltin(name),
  isAttribute: (name: string) => attributeNames.has(name),
  isKeyword: (name: string) => keywords.has(name),
};

function compile(text: string, options: CompileOptions, diagnostics: Diagnostics): ObjectSpec {
  const { profile, bccDialect = true, cpus = 128 } = options;
  const file = { name: options.file ?? 'text.c', text };
  // A vmlinux.h beside the text is some kernel's; the types are those of the kernel that it is compiled for.
  const resolve: IncludeResolver = (path, where) =>
    (isLibbpfHeader(path) ? undefined : options.includes?.(path, where)) ??
    (isKernelHeader(path) && misspeltHeader(path) === undefined
      ? { name: `<${path}>`, text: kernelHeader(path) }
      : undefined);
  const before = preludeOf(profile, diagnostics);
  const macros = { tokens: [], macros: before.macros };
  const preprocessor = new Preprocessor(diagnostics, resolve, (name) => profile.constant(name), compiler, macros);
  preprocessor.headerNames = headerNames;
  preprocessor.define({ 'bpf_num_cpus()': cpus, ...options.defines });
  for (const name of options.undefines ?? []) preprocessor.macros.undefine(name);
  preprocessor.include(file);
  const unit = parse(behindPrelude(before, preprocessor.finish()), diagnostics, new KernelTypes(profile), {
    bccDialect,
    macroNames: () => [...preprocessor.macros.names(), ...before.functions].filter(isForTexts),
  });
  const data = new DataSections(diagnostics);
  const objectTypes = new ObjectTypes(unit.structs);
  const programs: ProgramSpec[] = [];
  if (!diagnostics.failed) {
    const usdtArgument = options.usdtArgument ?? argumentInRegister;
    const sections = hasSections(unit.functions);
    for (const f of unit.functions) {
      const kind = programKind(f, sections, diagnostics);
      if (kind) checkTarget(f, kind, profile, diagnostics);
      if (kind)
        programs.push(
          generate(
            f,
            () => generateProgram(f, kind, { diagnostics, data, usdtArgument, objectTypes, kernel: profile.btf }),
            diagnostics,
          ),
        );
    }
  }
  const layouts = new Layouts();
  const maps = unit.tables.filter((table) => !table.extern).map((table) => mapOf(table, objectTypes, layouts, cpus));
  for (const { name, bytes } of data.sections()) {
    const value = objectTypes.section(name, bytes.length, data.placed(name));
    maps.push({ ...dataMap(name, bytes), types: { value } });
  }
  for (const type of unit.structs) objectTypes.type(type);
  const license = unit.license ?? options.license ?? 'GPL';
  return { license, maps, programs, structs: structsOf(unit, layouts), btf: objectTypes.btf };
}

function generate(f: FunctionObject, run: () => ProgramSpec, diagnostics: Diagnostics): ProgramSpec {
  try {
    return run();
  } catch (fault) {
    // What a text can do to the later stages: more than the format holds.
    const isTooMuch = fault instanceof RangeError && !/call stack/.test(fault.message);
    if (!isTooMuch && !(fault instanceof InputError)) throw fault;
    return diagnostics.abandon(f.at, `'${f.name}' is too large: ${fault.message}`, 'split it up');
  }
}

/**
 * The macros and small functions that stand before every text depend on the kernel alone, so they are read once for
 * each: half the time of a small text goes there.
 */
const preludes = new WeakMap<KernelProfile, KnownPrelude>();

interface KnownPrelude extends Prelude {
  /** What its small functions are called. */
  readonly functions: ReadonlySet<string>;
}

function preludeOf(profile: KernelProfile, diagnostics: Diagnostics): KnownPrelude {
  const known = preludes.get(profile);
  if (known) return known;
  const preprocessor = new Preprocessor(
    diagnostics,
    () => undefined,
    (name) => profile.constant(name),
    compiler,
  );
  preprocessor.define(predefined(profile));
  preprocessor.include({ name: '<built-in>', text: headerText });
  const prelude = preprocessor.prelude();
  const made = { ...prelude, functions: functionsIn(prelude.tokens) };
  preludes.set(profile, made);
  return made;
}

/** What functions some tokens define. */
function functionsIn(tokens: readonly Token[]): ReadonlySet<string> {
  const functions = new Set<string>();
  let depth = 0;
  for (const [i, { kind, text }] of tokens.entries()) {
    if (text === '{') depth++;
    else if (text === '}') depth--;
    else if (depth === 0 && kind === 'name' && tokens[i + 1]?.text === '(') functions.add(text);
  }
  return functions;
}

/** A text's tokens, behind the small functions where it names one of them. */
function behindPrelude({ tokens, functions }: KnownPrelude, own: readonly Token[]): readonly Token[] {
  return own.some(({ kind, text }) => kind === 'name' && functions.has(text)) ? [...tokens, ...own] : own;
}

function mapOf(table: TableObject, objectTypes: ObjectTypes, layouts: Layouts, cpus: number): MapSpec {
  const { key, leaf } = tableSizes(table);
  const sent = table.events[0];
  const record = sent && layouts.field(sent);
  const perCpu = table.mapType === 'perf_event_array' && table.entries === 0;
  return {
    name: table.name,
    type: table.mapType as MapType,
    keySize: key,
    valueSize: leaf,
    maxEntries: perCpu ? cpus : table.mapType === 'stack_trace' ? powerOfTwo(table.entries) : table.entries,
    flags: table.flags,
    key: table.key && layouts.field(table.key),
    value: table.leaf && layouts.field(table.leaf),
    types: objectTypes.map(table),
    at: positionOf(askedBy(table.at)),
    ...(record ? { record } : {}),
    ...(table.pinPath === undefined ? {} : { pinPath: table.pinPath }),
    ...(table.inner === undefined ? {} : { innerMap: table.inner }),
    ...(table.holds?.length ? { holds: table.holds } : {}),
  };
}

/** BCC makes a stack trace map with as many buckets as the kernel would (kernel/bpf/stackmap.c). */
function powerOfTwo(entries: number): number {
  let power = 1;
  while (power < entries) power *= 2;
  return power;
}

function dataMap(name: string, bytes: Uint8Array): MapSpec {
  const flags = name === '.rodata' ? 128 : 0;
  const shared = { keySize: 4, maxEntries: 1, key: undefined, value: undefined };
  return { name, type: 'array', valueSize: bytes.length, flags, ...shared, contents: bytes };
}

function structsOf(unit: TranslationUnit, layouts: Layouts): ObjectSpec['structs'] {
  return unit.structs.flatMap((type) => {
    const layout = type instanceof StructType && type.tag !== '' && !type.union ? layouts.struct(type) : undefined;
    return layout ? [layout] : [];
  });
}
