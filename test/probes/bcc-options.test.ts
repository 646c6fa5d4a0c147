import { readFileSync } from 'node:fs';
import { listTools, type Tool } from 'tracebed';
import { describe, expect, test } from 'vitest';
import { tracebed } from '../cli/console.ts';

/** bcc-options.txt: a tool's name, then indented its options. */
interface Listed {
  readonly tool: string;
  /** `-p, --pid PID` */
  readonly options: readonly string[];
  /** `-4 | -6` */
  readonly exclusions: readonly string[];
}

function readTable(): Listed[] {
  const text = readFileSync(new URL('bcc-options.txt', import.meta.url), 'utf8').replace(/^#.*\n/gm, '');
  return [...text.matchAll(/^(\w+)\n((?: {2}.*\n)*)/gm)].map(([, tool = '', lines = '']) => {
    const entries = lines
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    return {
      tool,
      options: entries.filter((entry) => !entry.includes('|')),
      exclusions: entries.filter((entry) => entry.includes('|')),
    };
  });
}

const tools = new Map((await listTools()).map((tool) => [tool.name, tool]));

function metavar(name: string): string {
  return name.includes('|') ? `{${name.replaceAll('|', ',')}}` : name.toUpperCase().replaceAll('-', '_');
}

/** `-p, --pid <pid>` as BCC writes it: `-p, --pid PID`. */
function asBcc(tool: Tool): string[] {
  return tool.options.map(({ flags }) => flags.replace(/<(.*)>/, (_, name: string) => metavar(name)));
}

describe.each(readTable())('$tool', ({ tool: name, options, exclusions }) => {
  const tool = tools.get(name) as Tool;

  test('has every option of BCC, by the same names', () => {
    const ours = new Set(asBcc(tool).map((one) => one.toLowerCase()));
    expect(options.filter((option) => !ours.has(option.toLowerCase()))).toEqual([]);
  });

  test('has --ebpf', () => {
    expect(asBcc(tool)).toContain('--ebpf');
  });

  test.each(exclusions)('%s', async (text) => {
    const flags = text.split(' | ');
    const words = flags.flatMap((flag) => {
      const option = tool.options.find(({ flags: all }) => all.startsWith(`${flag},`));
      return option?.flags.includes('<') ? [flag, '1'] : [flag];
    });
    const first = tool.arguments.filter(({ required }) => required).map(() => 'vfs_read');
    const { code, err } = await tracebed(['run', name, ...first, '--', ...words]);
    expect(err).toContain(`${flags.join(' and ')} exclude each other`);
    expect(code).toBe(2);
  });
});
