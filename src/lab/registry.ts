import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileFault, InputError, nearestHint, UsageError } from '../base/index.ts';
import { importUserModule } from '../scenario/index.ts';
import type { Tool } from './tool.ts';

/**
 * Tools are found by path: each folder of probes/ is one, its index the default export. The folder stands beside src
 * as it does beside dist/src, so compiled code finds compiled tools and a test runner finds the sources.
 */
const folder = new URL('../../probes/', import.meta.url);
const entry = import.meta.url.endsWith('.ts') ? 'index.ts' : 'index.js';

/** Names of all tools, in order. */
export function toolNames(): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((item) => item.isDirectory() && existsSync(new URL(`${item.name}/${entry}`, folder)))
    .map((item) => item.name)
    .sort();
}

/**
 * A tool by the name of a bundled one, or by file: a JavaScript or TypeScript module whose default export is
 * `defineTool({ … })`. A scenario that such a tool names by `./` lies beside it.
 * @throws UsageError for a name that is neither, with the nearest ones; InputError with its place for a file that
 *   cannot be taken
 */
export async function loadTool(nameOrFile: string): Promise<Tool> {
  const names = toolNames();
  if (names.includes(nameOrFile)) {
    const module: { default: Tool } = await import(new URL(`${nameOrFile}/${entry}`, folder).href);
    return module.default;
  }
  if (/[/\\.]/.test(nameOrFile)) return await loadUserTool(resolve(nameOrFile), nameOrFile);
  const file = ['.ts', '.js', '.mjs'].map((end) => `./${nameOrFile}${end}`).find((path) => existsSync(path));
  const hint =
    file === undefined
      ? nearestHint(nameOrFile, names, `tools are: ${names.join(', ')}`)
      : { hint: `did you mean ${file}?` };
  throw new UsageError(`there is no tool '${nameOrFile}'`, hint);
}

async function loadUserTool(path: string, named: string): Promise<Tool> {
  if (!/\.m?[jt]s$/.test(path)) {
    const hint = path.endsWith('.c') ? `tracebed verify ${named} judges a program; a tool loads it` : undefined;
    const details = { at: { file: named }, expected: 'a .ts or .js module' };
    throw new InputError('this is no file of a tool', hint === undefined ? details : { ...details, hint });
  }
  const { default: tool } = await importUserModule(path, readSource(path, named), 'tool');
  if (!isTool(tool)) {
    throw new InputError('the module exports no tool', {
      at: { file: named },
      expected: 'export default defineTool({ name, summary, scenario, start })',
    });
  }
  const scenario = tool.scenario.startsWith('.') ? resolve(dirname(path), tool.scenario) : tool.scenario;
  return { ...tool, scenario, file: path };
}

function readSource(path: string, named: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw fileFault(named, 'read', cause);
  }
}

function isTool(value: unknown): value is Tool {
  if (typeof value !== 'object' || value === null) return false;
  const { name, summary, scenario, start } = value as Partial<Record<keyof Tool, unknown>>;
  return [name, summary, scenario].every((one) => typeof one === 'string') && typeof start === 'function';
}

export function listTools(): Promise<Tool[]> {
  return Promise.all(toolNames().map(loadTool));
}
