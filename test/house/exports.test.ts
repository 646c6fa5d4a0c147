import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : path.endsWith('.ts') ? [path] : [];
  });
}

/** The words of a text, its comments left out. */
function wordsOf(text: string): Set<string> {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(^|\s)\/\/.*$/gm, ' ');
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}

const exported = /^export (?:abstract )?(?:async )?(?:function\*?|const|class|let) ([A-Za-z_$][\w$]*)/gm;
const isDoor = (file: string): boolean => /^src\/\w+\/index\.ts$/.test(file);

/**
 * Values that a file of src exports and nobody else says: neither the public API nor a test, and a door alone takes
 * nothing. Modules that the public API hands on whole are left out of it where their door names the value.
 */
function strangers(files: ReadonlyMap<string, string>): string[] {
  const words = new Map([...files].map(([file, text]) => [file, wordsOf(text)]));
  const whole = [...(files.get('src/index.ts') ?? '').matchAll(/export \* from '\.\/(\w+)\/index\.ts'/g)].map(
    ([, name]) => name,
  );
  const isSaid = (file: string, name: string): boolean =>
    [...words].some(([other, said]) => other !== file && said.has(name) && !isDoor(other)) ||
    whole.some((module) => file.startsWith(`src/${module}/`) && words.get(`src/${module}/index.ts`)?.has(name));
  return [...files].flatMap(([file, text]) =>
    /^src\/\w+\//.test(file) && !isDoor(file)
      ? [...text.matchAll(exported)].flatMap(([, name = '']) => (isSaid(file, name) ? [] : [`${file}: ${name}`]))
      : [],
  );
}

test('what is exported is used elsewhere', () => {
  const paths = ['src', 'probes', 'scenarios', 'bench', 'test'].flatMap((folder) => sources(join(root, folder)));
  const files = paths.map((path) => [relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')] as const);
  expect(strangers(new Map(files))).toEqual([]);
});

test('a planted export that nobody uses is seen, one that a door, a comment or another file says is told apart', () => {
  const door = `export { doorOnly } from './a.ts';`;
  const planted = new Map([
    [
      'src/isa/a.ts',
      'export function unused() {}\nexport const doorOnly = 1;\nexport class Used {}\nexport const publicOne = 1;',
    ],
    ['src/isa/index.ts', door],
    ['src/isa/b.ts', `import { Used } from './a.ts'; // unused\n/** doorOnly */`],
    ['src/events/c.ts', 'export const handedOn = 1;\nexport const inside = 1;'],
    ['src/events/index.ts', `export { handedOn } from './c.ts';`],
    ['src/index.ts', `export { publicOne } from './isa/index.ts';\nexport * from './events/index.ts';`],
  ]);
  expect(strangers(planted)).toEqual(['src/isa/a.ts: unused', 'src/isa/a.ts: doorOnly', 'src/events/c.ts: inside']);
});
