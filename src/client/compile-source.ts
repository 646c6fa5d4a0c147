import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileFault, InputError, UsageError } from '../base/index.ts';
import { compileC, type Diagnostic, type IncludeResolver, renderDiagnostics, type UsdtArgument } from '../cc/index.ts';
import type { ObjectSpec } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import { programText } from './program-text.ts';

/**
 * From a tool's C to an object: where the text comes from, what BCC's cflags mean to this compiler, and how a text that
 * does not compile is told: in one error, with every diagnostic drawn as clang draws them.
 */
export interface SourceOptions {
  /** The C text itself. */
  readonly text?: string;
  /** Or its file: a path, or a URL made with `new URL('tool.bpf.c', import.meta.url)`. */
  readonly srcFile?: string | URL;
  /** `-DNAME=VALUE`, `-DNAME`, `-UNAME` and `-Ifolder`; warnings, -O, -g and -std are taken and change nothing. */
  readonly cflags?: readonly string[];
  /** Macros by name; `true` is 1. What BCC's tools do by replacing words in their text. */
  readonly defines?: Readonly<Record<string, string | number | boolean>>;
  /** Diagnostics of the text as they come, also warnings. */
  readonly onDiagnostics?: (diagnostics: readonly Diagnostic[]) => void;
}

/** A text that is no program: its message holds every diagnostic with line and caret. */
export class CompileError extends InputError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(file: string, diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((one) => one.severity === 'error').length;
    const count = errors === 1 ? '1 error' : `${errors} errors`;
    super(`${renderDiagnostics(diagnostics)}\n${file} was not compiled: ${count}`);
    this.diagnostics = diagnostics;
  }
}

export type UsdtPlaces = (program: string, index: number) => UsdtArgument | undefined;

/** @throws CompileError; UsageError for options that cannot be; InputError for a file that cannot be read */
export function compileSource(kernel: Kernel, options: SourceOptions, usdtArgument?: UsdtPlaces): ObjectSpec {
  const { text, file, folder } = sourceOf(options);
  const { defines, folders } = readFlags(options.cflags ?? []);
  for (const [name, value] of Object.entries(options.defines ?? {})) {
    if (value !== false) defines[name] = value;
  }
  const { object, diagnostics } = compileC(text, {
    file,
    profile: kernel.profile,
    cpus: kernel.cpus,
    defines,
    includes: includesFrom(folders, (from) => (from === file ? folder : dirname(from))),
    ...(usdtArgument ? { usdtArgument } : {}),
  });
  options.onDiagnostics?.(diagnostics);
  if (!object) throw new CompileError(file, diagnostics);
  return object;
}

/** The C of the options, as it is compiled. @throws as compileSource */
export function sourceText(options: SourceOptions): string {
  return sourceOf(options).text;
}

interface Source {
  readonly text: string;
  readonly file: string;
  /** Where quoted includes are looked for. */
  readonly folder: string | undefined;
}

function sourceOf({ text, srcFile }: SourceOptions): Source {
  if (text !== undefined && srcFile === undefined) return { text, file: 'text.c', folder: undefined };
  if (srcFile === undefined || text !== undefined) {
    throw new UsageError('a BPF object needs its C', { expected: 'one of text and srcFile' });
  }
  if (typeof srcFile === 'string' && !srcFile.startsWith('file:')) return readSource(srcFile);
  return programText(String(srcFile));
}

function readSource(path: string): Source {
  try {
    return { text: readFileSync(path, 'utf8'), file: path, folder: dirname(path) };
  } catch (cause) {
    throw fileFault(path, 'read', cause);
  }
}

/**
 * Finds `#include`s as C does: quoted ones beside the file that asks first, then in the folders; `#include_next` goes on
 * behind the folder where that file was found.
 */
export function includesFrom(
  folders: readonly string[],
  folderOf: (file: string) => string | undefined = dirname,
): IncludeResolver {
  return (path, { system, from, next }) => {
    const own = folderOf(from);
    const beside = system || next || own === undefined ? [] : [own];
    const behind = next ? folders.slice(folders.findIndex((folder) => join(folder) === own) + 1) : folders;
    for (const name of [...beside, ...behind].map((folder) => join(folder, path))) {
      try {
        return { name, text: readFileSync(name, 'utf8') };
      } catch (fault) {
        if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
      }
    }
    return undefined;
  };
}

interface Flags {
  readonly defines: Record<string, string | number | true>;
  readonly folders: readonly string[];
}

/** @throws UsageError for a flag that would change the program and is not known */
function readFlags(cflags: readonly string[]): Flags {
  const defines: Record<string, string | number | true> = {};
  const folders: string[] = [];
  const words = cflags.flatMap((flag, i) => (/^-[DUI]$/.test(flag) ? [flag + (cflags[i + 1] ?? '')] : [flag]));
  for (const [i, word] of words.entries()) {
    if (i > 0 && /^-[DUI]$/.test(cflags[i - 1] as string)) continue;
    const [, kind, rest = ''] = /^-([DUI])([\s\S]+)$/.exec(word) ?? [];
    const [, name = '', value] = /^(\w+(?:\([^)]*\))?)(?:=([\s\S]*))?$/.exec(rest) ?? [];
    if (kind === 'I') folders.push(rest);
    else if (kind === 'D' && name !== '') defines[name] = value ?? true;
    else if (kind === 'U' && name !== '') delete defines[name];
    else if (!/^-(?:[wWOgf]|std=)/.test(word)) {
      throw new UsageError(`cflags: '${word}' is not known`, { expected: '-DNAME=VALUE, -UNAME or -Ifolder' });
    }
  }
  return { defines, folders };
}
