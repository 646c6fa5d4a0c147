import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../base/index.ts';

export interface ProgramFile {
  readonly text: string;
  /** Its name for faults: its path within the package. */
  readonly file: string;
  readonly path: string;
}

/**
 * Reads a file that stands beside the source of a module: a tool's program. Compiled modules lie in dist, a mirror of
 * the package's tree, and the programs stay with the sources.
 * @param module the import.meta.url of the one who asks
 * @throws InputError when there is no such file
 */
export function programText(module: string, name: string): ProgramFile {
  const beside = join(dirname(fileURLToPath(module)), name);
  const root = packageOf(beside);
  const within = relative(root, beside);
  const path = [beside, join(root, within.replace(`dist${sep}`, ''))].find((candidate) => existsSync(candidate));
  if (path === undefined) throw new InputError(`there is no program '${name}'`, { at: { file: within } });
  return { text: readFileSync(path, 'utf8'), file: relative(root, path), path };
}

/** The nearest folder above with a package.json; the root of the file system when there is none. */
function packageOf(path: string): string {
  let folder = dirname(path);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
