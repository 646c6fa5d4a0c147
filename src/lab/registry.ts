import { existsSync, readdirSync } from 'node:fs';
import { nearest, UsageError } from '../base/index.ts';
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

/** @throws UsageError for a name that is no tool's, with the nearest ones */
export async function loadTool(name: string): Promise<Tool> {
  const names = toolNames();
  if (!names.includes(name)) {
    const near = nearest(name, names);
    throw new UsageError(`there is no tool '${name}'`, {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `tools are: ${names.join(', ')}`,
    });
  }
  const module: { default: Tool } = await import(new URL(`${name}/${entry}`, folder).href);
  return module.default;
}

export function listTools(): Promise<Tool[]> {
  return Promise.all(toolNames().map(loadTool));
}
