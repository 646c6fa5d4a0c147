import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../base/index.ts';

/**
 * Reads a file that stands beside the source of a module: a tool's program. Compiled modules lie in dist, a mirror of
 * the package's tree, and the programs stay with the sources.
 * @param url the file's, made with the module's import.meta.url
 * @returns the text; the file's name for faults, as short as it can be said; and the folder that it lies in
 * @throws InputError when there is no such file
 */
export function programText(url: string): { readonly text: string; readonly file: string; readonly folder: string } {
  const beside = fileURLToPath(url);
  const root = packageOf(beside);
  const source = join(root, relative(root, beside).replace(`dist${sep}`, ''));
  const path = [beside, source].find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new InputError(`there is no program '${basename(beside)}'`, { at: { file: shortName(beside, root) } });
  }
  return { text: readFileSync(path, 'utf8'), file: shortName(path, root), folder: dirname(path) };
}

/** Within the working folder, else within its package, else the whole path. */
function shortName(path: string, root: string): string {
  for (const folder of [process.cwd(), ...(existsSync(join(root, 'package.json')) ? [root] : [])]) {
    const within = relative(folder, path);
    if (!within.startsWith('..')) return within;
  }
  return path;
}

/** The nearest folder above with a package.json; the root of the file system when there is none. */
function packageOf(path: string): string {
  let folder = dirname(path);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
