import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * For tests that load modules as Node does, in a process of its own: a test runner stands in for Node's loader. The
 * sources are run as they are, their types taken out on the way in.
 */
const swc = pathToFileURL(createRequire(import.meta.url).resolve('@swc/wasm-typescript')).href;

/** A module hook that takes the types out of TypeScript. */
const stripping = `
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
let swc;
export async function initialize(url) { swc = (await import(url)).default; }
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return await next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  return { format: 'module', shortCircuit: true, source: swc.transformSync(source, { mode: 'strip-only' }).code };
}`;

/** What registers that hook, for a module that runs in a process of its own. */
export const registerStripping = `
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(stripping)}), { data: ${JSON.stringify(swc)} });
`;
