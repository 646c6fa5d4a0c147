import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { floors } from './floors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : path.endsWith('.ts') ? [path] : [];
  });
}

/** What a source imports: every static, type-only, re-exporting and dynamic import with a literal. */
function imports(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)].map((match) => match[1] as string);
}

/** Why this import may not stand in `file`, or undefined when it may. Paths are relative to the root. */
function fault(file: string, specifier: string): string | undefined {
  const place = file.split(sep).join('/').split('/');
  if (place[0] === 'probes' || place[0] === 'scenarios') {
    if (specifier.startsWith('.')) {
      const target = join(dirname(file), specifier).split(sep).join('/');
      return target.startsWith(`${place[0]}/`) ? undefined : `${place[0]} may import only the public API`;
    }
    return undefined;
  }
  const module = place[1] as string;
  if (module === 'index.ts') return undefined;
  if (specifier === 'tracebed') return 'nothing in src may import the public API';
  if (specifier === 'blessed' && module !== 'tui') return 'only tui may know blessed';
  if (!specifier.startsWith('.')) return undefined;
  const target = join(dirname(file), specifier).split(sep).join('/').split('/');
  if (target[0] !== 'src') return `${specifier} lies outside src`;
  const other = target[1] as string;
  if (other === module) return undefined;
  if (other === 'index.ts') return 'nothing in src may import the public API';
  if (target.slice(2).join('/') !== 'index.ts') return `${other} is entered past its door`;
  const allowed: readonly string[] | undefined = (floors as Record<string, readonly string[]>)[module];
  if (!allowed) return `${module} has no row in the floors`;
  return allowed.includes(other) ? undefined : `${module} may not import ${other}`;
}

describe('the floors', () => {
  const files = ['src', 'probes', 'scenarios'].flatMap((folder) => sources(join(root, folder)));

  test('no import goes up or past a door', () => {
    const faults = files.flatMap((path) => {
      const file = relative(root, resolve(path));
      return imports(readFileSync(path, 'utf8')).flatMap((specifier) => {
        const why = fault(file, specifier);
        return why ? [`${file}: '${specifier}': ${why}`] : [];
      });
    });
    expect(faults).toEqual([]);
  });

  test('every folder of src has a row and every row a folder with a door', () => {
    const folders = readdirSync(join(root, 'src')).filter((name) => statSync(join(root, 'src', name)).isDirectory());
    expect(folders.sort()).toEqual(Object.keys(floors).sort());
    for (const folder of folders) expect(readdirSync(join(root, 'src', folder))).toContain('index.ts');
  });

  test.each([
    ['src/isa/decode.ts', '../vm/index.ts', 'isa may not import vm'],
    ['src/sim/machine.ts', '../maps/hash.ts', 'maps is entered past its door'],
    ['src/lab/run.ts', 'tracebed', 'nothing in src may import the public API'],
    ['src/report/json.ts', 'blessed', 'only tui may know blessed'],
    ['probes/trace/index.ts', '../../src/sim/index.ts', 'probes may import only the public API'],
    ['src/vm/interpreter.ts', '../isa/index.ts', undefined],
    ['src/vm/jit/module.ts', '../interpreter.ts', undefined],
  ])('%s importing %s: %s', (file, specifier, expected) => {
    expect(fault(file.split('/').join(sep), specifier)).toBe(expected);
  });

  test('a planted import is seen in all its forms', () => {
    const planted = `import a from './a.ts';\nexport * from './b.ts';\nimport type { C } from "./c.ts";\nawait import('./d.ts');`;
    expect(imports(planted)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts']);
  });
});
