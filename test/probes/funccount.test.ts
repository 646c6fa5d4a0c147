import { expect, test } from 'vitest';
import { tracebed } from '../cli/console.ts';

const scenario = 'test/probes/scenarios/counted-calls.ts';

test('funccount -D prints the program with the macros that the options set', async () => {
  const { out, code } = await tracebed([
    'run',
    'funccount',
    'vfs_read',
    '--scenario',
    scenario,
    '--',
    '-D',
    '-p',
    '600',
  ]);
  expect(code).toBe(0);
  const lines = out.split('\n');
  expect(lines[0]).toBe('#define PROCESS 600');
  expect(lines).toContain('int count_place(void *ctx)');
  const begin = lines.indexOf('Tracing 1 functions for "vfs_read"... Hit Ctrl-C to end.');
  expect(lines.slice(begin + 1, begin + 5)).toEqual([
    '',
    'FUNC                                    COUNT',
    'vfs_read                                    2',
    'Detaching...',
  ]);
});
