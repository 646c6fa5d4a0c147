/**
 * Loads a scenario or a tool that a user wrote, from wherever it lies: TypeScript is stripped of its types on the way in,
 * nothing is written to disk, and `tracebed` and `rxjs` mean this package and its own, installed beside the file or not.
 * Node's module hooks do that (node:module register); they run in a thread of their own, so they are a text here.
 */
import { createRequire, register } from 'node:module';
import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError, type Position, TracebedError, UsageError } from '../base/index.ts';

const hooks = `
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
let settings;
let swc;
export async function initialize(data) {
  settings = data;
  swc = (await import(data.swc)).default;
}
export async function resolve(specifier, context, next) {
  if (specifier === 'tracebed') return { url: settings.api, shortCircuit: true };
  if (/^rxjs(\\/|$)/.test(specifier)) return await next(specifier, { ...context, parentURL: settings.api });
  return await next(specifier, context);
}
export async function load(url, context, next) {
  if (!url.startsWith('file:') || url.includes('/node_modules/') || !/\\.m?[jt]s$/.test(url)) return await next(url, context);
  const typescript = url.endsWith('ts');
  if (!typescript && !url.startsWith(settings.folder)) return await next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  if (!typescript && !/^\\s*(import|export)\\b/m.test(source)) return await next(url, context);
  try {
    const code = typescript ? swc.transformSync(source, { mode: 'strip-only' }).code : source;
    return { format: 'module', source: code, shortCircuit: true };
  } catch (fault) {
    throw new SyntaxError(fileURLToPath(url) + ':' + fault.startLine + ':' + (fault.startColumn + 1) + ': ' + fault.message);
  }
}
`;

/** What swc throws: a plain object, the column counted from 0. */
interface StripFault {
  readonly message: string;
  readonly startLine: number;
  readonly startColumn: number;
}

function isStripFault(fault: unknown): fault is StripFault {
  return typeof fault === 'object' && fault !== null && 'startLine' in fault && 'startColumn' in fault;
}

/**
 * Loads what strips types only now: it is a megabyte of WebAssembly, and most runs are of what is built.
 * @throws InputError with line and column when a source is no TypeScript that loses its types cleanly
 */
async function checkSyntax(path: string, source: string, what: string): Promise<void> {
  const { default: swc } = await import('@swc/wasm-typescript');
  try {
    swc.transformSync(source, { mode: 'strip-only' });
  } catch (fault) {
    if (!isStripFault(fault)) throw fault;
    const { startLine: line, startColumn, message } = fault;
    const text = source.split('\n')[line - 1];
    throw new InputError(`the ${what} cannot be read: ${message}`, {
      at: { file: path, line, column: startColumn + 1, ...(text === undefined ? {} : { text }) },
      ...(/not supported/.test(message) ? { hint: 'only types are taken away: no enum, no namespace' } : {}),
    });
  }
}

/**
 * Imports a module of a user. @returns its exports
 * @param what messages call it: `scenario`, `tool`
 * @throws InputError with file, line and column when it cannot be read, or throws while it is loaded
 */
export async function importUserModule(
  path: string,
  source: string,
  what = 'scenario',
): Promise<Record<string, unknown>> {
  await checkSyntax(path, source, what);
  const url = pathToFileURL(path).href;
  // This file is .ts from the source tree and .js when compiled; so is the public API beside it.
  const api = new URL(`../index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href;
  const swcUrl = pathToFileURL(createRequire(import.meta.url).resolve('@swc/wasm-typescript')).href;
  const data = { api, swc: swcUrl, folder: url.slice(0, url.lastIndexOf('/') + 1) };
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data });
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (fault) {
    throw locate(fault, path, `the ${what} cannot be loaded`);
  }
}

/** The first place in a user's file that an error's stack names, or that its message begins with. */
function placeOf(error: Error, path: string): Position | undefined {
  const folder = `${dirname(path)}${sep}`;
  const text = `${error.message}\n${error.stack ?? ''}`;
  // A URL, a path, or a path of Windows; spaces stand only in a path, a URL writes them %20.
  for (const [, url, line, column] of text.matchAll(/(file:\/\/\S+?|(?:[A-Z]:\\|\/)[^\n():]+):(\d+)(?::(\d+))?/g)) {
    const file = url!.startsWith('file:') ? fileURLToPath(url!) : url!;
    if (!file.startsWith(folder) || file.includes(`${sep}node_modules${sep}`)) continue;
    return { file, line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) };
  }
  return undefined;
}

/**
 * What a user's module threw while it ran, an error of JavaScript's own among them, as a fault with its line.
 * A fault that has its place stays, and so do wrong usage and one whose stack does not pass through the user's files.
 */
export function blameUserModule(fault: unknown, path: string, what: string): unknown {
  if (!(fault instanceof Error) || fault instanceof UsageError) return fault;
  // A message of several lines, a compiler's or the verifier's, names places of its own.
  if (fault instanceof TracebedError && (fault.at || fault.message.includes('\n'))) return fault;
  const at = placeOf(fault, path);
  return at ? locatedAt(fault, at, `the ${what} failed: ${fault.message}`) : fault;
}

/** An error of a user's scenario as a fault with its place. A fault that has its place already stays. */
export function locate(fault: unknown, path: string, what: string): InputError {
  if (fault instanceof InputError && fault.at) return fault;
  const error = fault instanceof Error ? fault : new Error(String(fault));
  const at = placeOf(error, path) ?? { file: path };
  return locatedAt(error, at, `${what}: ${error.message.replace(/^\/[^\s:]+:\d+:\d+: /, '')}`);
}

function locatedAt(fault: Error, at: Position, message: string): InputError {
  const { expected, hint } = fault instanceof TracebedError ? fault : {};
  return new InputError(message, {
    at,
    ...(expected === undefined ? {} : { expected }),
    ...(hint === undefined ? {} : { hint }),
    cause: fault,
  });
}
