/**
 * Finds scenarios: those that come with the package, by name, and files: recorded traces with their captures,
 * recorded scenarios, and modules that a user wrote.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catchError, throwError } from 'rxjs';
import { InputError, nearestHint, UsageError } from '../base/index.ts';
import { isRecordStart, recordedScenario } from './record-read.ts';
import { readInput, recordingScenario } from './recording.ts';
import type { Scenario } from './scenario.ts';
import { importUserModule, locate } from './user-modules.ts';

const root = dirname(createRequire(import.meta.url).resolve('#root/package.json'));
const recordings = join(root, 'scenarios/recordings');
/** Beside this file's own tree: sources in the source tree, compiled ones in the build. */
const compiled = import.meta.url.endsWith('.js');
const scripts = compiled ? join(root, 'dist/scenarios') : join(root, 'scenarios');

/** The bundled scenarios: name to file, scripts first. */
function bundled(): Map<string, string> {
  const files = new Map<string, string>();
  const extension = compiled ? '.js' : '.ts';
  for (const file of existsSync(scripts) ? readdirSync(scripts).sort() : []) {
    if (file.endsWith(extension) && !file.endsWith('.d.ts')) files.set(basename(file, extension), join(scripts, file));
  }
  for (const file of existsSync(recordings) ? readdirSync(recordings).sort() : []) {
    if (file.endsWith('.trace')) files.set(basename(file, '.trace'), join(recordings, file));
  }
  return files;
}

/** All bundled scenarios, scripted ones first. */
export async function listScenarios(): Promise<Scenario[]> {
  const summaries = readSummaries();
  return await Promise.all(
    [...bundled()].map(([name, path]) =>
      path.endsWith('.trace') ? recordedTrace(path, summaries[name]) : loadScript(path),
    ),
  );
}

/**
 * A scenario by the name of a bundled one, or by file: a trace (tracefs, trace-cmd report, perf script) with
 * NAME.pcap or NAME.*.pcap beside it, a recorded scenario, or a JavaScript or TypeScript module whose default export
 * is `defineScenario(…)`.
 * @throws UsageError for a name that is neither; InputError with its place for a file that cannot be taken
 */
export async function loadScenario(nameOrFile: string): Promise<Scenario> {
  const files = bundled();
  const known = files.get(nameOrFile);
  if (known?.endsWith('.trace')) return recordedTrace(known, readSummaries()[nameOrFile]);
  if (known !== undefined) return await loadScript(known);
  if (existsSync(nameOrFile)) return await loadFile(nameOrFile);
  if (/[/\\.]/.test(nameOrFile)) throw new InputError('there is no such scenario file', { at: { file: nameOrFile } });
  throw new UsageError(`no scenario '${nameOrFile}'`, {
    ...nearestHint(nameOrFile, files.keys(), 'tracebed list shows all; a file is given by its path'),
  });
}

async function loadFile(path: string): Promise<Scenario> {
  if (/\.m?[jt]s$/.test(path)) return await loadUserScript(path);
  const bytes = readInput(path);
  const magic = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  if ([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a].includes(magic)) {
    throw new InputError('this is a capture, not a scenario', {
      at: { file: path, offset: 0 },
      hint: 'give the .trace that was recorded with it; captures beside it are found by name',
    });
  }
  if (bytes.includes(0)) {
    const offset = bytes.indexOf(0);
    throw new InputError('this is a binary file, not a trace', {
      at: { file: path, offset },
      expected: 'text',
      hint: 'of a trace.dat or perf.data, give what `trace-cmd report` or `perf script` prints',
    });
  }
  if (isRecordStart(bytes.subarray(0, 200).toString())) return recordedScenario(path);
  return recordedTrace(path, undefined, bytes.toString());
}

/** NAME.pcap and NAME.ANYTHING.pcap beside NAME.trace, in order. */
function capturesBeside(path: string): string[] {
  const name = basename(path).replace(/\.[^.]*$/, '');
  return readdirSync(dirname(path))
    .filter((file) => file.startsWith(`${name}.`) && file.endsWith('.pcap'))
    .filter((file) => /^(\.[^.]+)?\.pcap$/.test(file.slice(name.length)))
    .sort()
    .map((file) => join(dirname(path), file));
}

function recordedTrace(path: string, summary?: string, text = readInput(path).toString()): Scenario {
  const captures = capturesBeside(path).map((file) => ({ file, bytes: readInput(file) }));
  const name = basename(path).replace(/\.[^.]*$/, '');
  return recordingScenario({ name, file: path, text, captures, ...(summary === undefined ? {} : { summary }) });
}

/** The lines that `tracebed list` shows for bundled recordings. */
function readSummaries(): Record<string, string> {
  return JSON.parse(readInput(join(recordings, 'summaries.json')).toString()) as Record<string, string>;
}

async function loadScript(path: string): Promise<Scenario> {
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  return scenarioOf(module, path);
}

/** @param named as the user typed it */
async function loadUserScript(named: string): Promise<Scenario> {
  const path = resolve(named);
  const scenario = scenarioOf(await importUserModule(path, readInput(named).toString()), named);
  return {
    ...scenario,
    events: (stage) =>
      scenario
        .events(stage)
        .pipe(catchError((fault: unknown) => throwError(() => locate(fault, path, 'the scenario failed')))),
  };
}

function scenarioOf(module: Record<string, unknown>, path: string): Scenario {
  const scenario = module.default;
  if (isScenario(scenario)) return scenario;
  throw new InputError('the module exports no scenario', {
    at: { file: path },
    expected: 'export default defineScenario({ name, summary, events })',
  });
}

function isScenario(value: unknown): value is Scenario {
  if (typeof value !== 'object' || value === null) return false;
  const { name, summary, events } = value as Partial<Record<keyof Scenario, unknown>>;
  return typeof name === 'string' && typeof summary === 'string' && typeof events === 'function';
}
