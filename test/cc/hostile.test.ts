import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';

/** Texts that nobody writes, found by mutation: each has a diagnostic with its place, soon. */
const profile = loadProfile('6.1');
const around = (text: string): string => `int kprobe__vfs_read(void *ctx) {\n${text}\nreturn 0; }`;

test.each([
  [
    'a pointer to a pointer, ten thousand times',
    around(`int ${'*'.repeat(10_000)}p;`),
    2,
    /a pointer of more than 32 levels/,
  ],
  ['an array of arrays, ten thousand times', around(`int a${'[1]'.repeat(10_000)};`), 2, /nests more than 200 deep/],
  [
    'a hundred thousand unknown names',
    around(`${'unknown, '.repeat(100_000)}0;`),
    2,
    /undeclared identifier 'unknown'/,
  ],
  ['brackets, ten thousand deep', around(`return ${'('.repeat(10_000)}1;`), 2, /nests more than 200 deep/],
])('%s', (_what, text, line, message) => {
  const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
  expect(object).toBeUndefined();
  expect(diagnostics[0]).toMatchObject({ at: { file: 'tool.c', line }, message: expect.stringMatching(message) });
  expect(diagnostics.length).toBeLessThanOrEqual(20);
});
