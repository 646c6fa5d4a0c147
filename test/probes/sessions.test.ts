import { describe, expect, test } from 'vitest';
import { tracebed } from '../cli/console.ts';
import { readSessions, words } from './sessions.ts';

/** Trailing spaces are left out on both sides: an editor takes them from the files. */
function trimmed(text: string): string {
  return text.trimEnd().replace(/ +$/gm, '');
}

const sessions = readSessions();

describe.each([...new Set(sessions.map(({ file }) => file))])('%s', (file) => {
  test.each(sessions.filter((session) => session.file === file))('$command', async ({ command, output }) => {
    const [name, ...argv] = words(command);
    expect(name).toBe('tracebed');
    const { code, out, err } = await tracebed(argv);
    expect(trimmed(out + err)).toBe(trimmed(output));
    expect(code).toBe(err === '' ? 0 : 2);
  });
});
