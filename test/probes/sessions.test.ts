import { describe, expect, test } from 'vitest';
import { toolNames } from '../../src/lab/index.ts';
import { tracebed } from '../cli/console.ts';
import { readSessions, words } from './sessions.ts';

/**
 * Trailing spaces are left out on both sides: an editor takes them from the files. Which address an object has depends on
 * all else that the simulated kernel holds: only which are the same is compared.
 */
function trimmed(text: string): string {
  const addresses: string[] = [];
  const numbered = text.replace(/\bffff8880[0-9a-f]{8}\b/g, (address) => {
    if (!addresses.includes(address)) addresses.push(address);
    return `object-${addresses.indexOf(address)}`.padEnd(16);
  });
  return numbered.trimEnd().replace(/ +$/gm, '');
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

/** One command for each tool: that of its first session which runs to its end, or one of these. */
const commands = new Map(
  [
    ...[
      'tracebed run drop-monitor',
      'tracebed run trace syscalls:sys_enter_openat filename --duration 2s',
      'tracebed run funclatency tcp_v4_connect',
    ],
    ...sessions
      .filter(({ output }) => !/^tracebed: /m.test(output))
      .map(({ command }) => command)
      .reverse(),
  ].map((command) => [words(command)[2] as string, command] as const),
);

test.each(toolNames())('%s says the same when its programs are interpreted', async (tool) => {
  const [, run, , ...rest] = words(commands.get(tool) as string);
  const [compiled, interpreted] = await Promise.all(
    ['jit', 'interpreter'].map((engine) => tracebed([run as string, tool, '--engine', engine, ...rest])),
  );
  expect(compiled?.out).not.toBe('');
  expect(interpreted?.out).toBe(compiled?.out);
});
