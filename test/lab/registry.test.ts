import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { formatFault } from '../../src/base/index.ts';
import { loadTool, toolNames } from '../../src/lab/index.ts';

/** What runs a user's tool is tried by test/docs; here, what is no tool. */
const folder = mkdtempSync(join(tmpdir(), 'tracebed-tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('every tool of the package has a name, a line and a scenario', async () => {
  for (const name of toolNames()) {
    const tool = await loadTool(name);
    expect(tool.name).toBe(name);
    expect(tool.summary).not.toBe('');
    expect(tool.scenario).not.toBe('');
  }
});

test.each<[string, () => string, RegExp]>([
  ['a name that is nearly one', () => 'funclatencie', /no tool 'funclatencie'.*did you mean funclatency/s],
  ['a name that is none', () => 'zzz', /no tool 'zzz'.*tools are: /s],
  ['a file that is not there', () => './no-such-tool.ts', /no-such-tool\.ts: there is no such file/],
  ['a folder', () => `${folder}/`, /no file of a tool.*\.ts or \.js/s],
  ['a file of C', () => file('tool.bpf.c', ''), /no file of a tool/],
  ['no TypeScript', () => file('broken.ts', 'export default {;\n'), /broken\.ts:1:17: the tool cannot be read/],
])('%s is refused', async (_what, name, form) => {
  const fault: unknown = await loadTool(name()).catch((caught: unknown) => caught);
  expect(formatFault(fault)).toMatch(form);
});
