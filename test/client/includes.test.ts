import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelForEach, load } from './small-kernel.ts';

/** Where `#include`d files are looked for: beside the file that asks, in the folders of -I, and behind one of them. */
kernelForEach();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'includes-'));
  const files = {
    'a/own.h': '#include "beside.h"\n#include <shared.h>\n',
    'a/beside.h': '#define BESIDE 1\n',
    'a/shared.h': '#include_next <shared.h>\n#define FIRST 10\n',
    'b/shared.h': '#define SECOND 100\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test('quoted ones stand beside the file that asks, #include_next goes on behind its folder', () => {
  const text = `#include <own.h>
    _Static_assert(BESIDE + FIRST + SECOND == 111, "each was found");
    _Static_assert(__has_include(<shared.h>) && __has_include("linux/sched.h") && !__has_include("nowhere.h"), "asked");
    int f(void *ctx) { return 0; }`;
  const cflags = [`-I${folder}/a`, `-I${folder}/b`];
  using bpf = load(text, { cflags });
  expect(bpf.spec.programs.map(({ name }) => name)).toEqual(['f']);
});
