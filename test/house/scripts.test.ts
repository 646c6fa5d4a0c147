import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** npm runs scripts in sh on Linux and macOS and in cmd.exe on Windows: what both read alike is a program and its words. */
const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const { scripts } = JSON.parse(text) as { readonly scripts: Readonly<Record<string, string>> };
const programs = new Set(['node', 'npm', 'tsc', 'biome', 'vitest']);

test.each(Object.entries(scripts))('%s needs no shell of Linux', (_, script) => {
  for (const command of script.split(' && ')) {
    expect(programs).toContain(command.split(' ')[0]);
    expect(command).not.toMatch(/['"`$%;|<>&*~\\]/);
  }
});
