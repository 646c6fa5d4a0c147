import { describe, expect, test } from 'vitest';
import { tracebed } from './console.ts';

describe('help', () => {
  test.each([
    [['--help'], 'Usage: tracebed [options] [command]'],
    [[], 'Usage: tracebed [options] [command]'],
    [['run', '--help'], 'Usage: tracebed run [TOOL] [ARGUMENT...] [options] [-- tool options]'],
    [['help', 'run'], 'Usage: tracebed run [TOOL] [ARGUMENT...] [options] [-- tool options]'],
    [['list', '--help'], 'Usage: tracebed list [options]'],
    [['run', 'tcplife', '--help'], 'Usage: tracebed run tcplife [options]'],
    [['run', 'tcplife', '--', '--help'], 'Usage: tracebed run tcplife [options]'],
    [['run', 'trace', '--', '-h'], 'Usage: tracebed run trace PROBE [FIELD...] [options]'],
    [['events', '-h'], 'Usage: tracebed events [options] [pattern]'],
    [['scenario', '--help'], 'Usage: tracebed scenario [options] [command]'],
    [['scenario', 'show', '--help'], 'Usage: tracebed scenario show [options] <name|file>'],
    [['scenario', 'record', '--help'], 'Usage: tracebed scenario record [options] <name|file> <out>'],
  ])('%j has examples', async (argv, usage) => {
    const { code, out, err } = await tracebed(argv);
    expect(out.split('\n')[0]).toBe(usage);
    expect(out).toMatch(/\nExamples:\n {2}tracebed /);
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  test('the version', async () => {
    expect(await tracebed(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("a tool's option whose long flag the run has too", () => {
  test('stands by its short flag before --, whole behind it', async () => {
    const calls = ['run', 'opensnoop', '--no-summary', '--scenario', 'processes'];
    const short = await tracebed([...calls, '-d', '1']);
    const long = await tracebed([...calls, '--', '--duration', '1']);
    const virtual = await tracebed([...calls, '--duration', '2s', '-d', '1']);
    expect(short).toMatchObject({ code: 0, err: '' });
    expect(long.out).toBe(short.out);
    expect(virtual.out).toBe(short.out);
  });

  test('a word behind -- is an argument where the tool stands before it, and the tool where it does not', async () => {
    const argument = ['tcpconnlat', '--no-summary', '--duration', '1s'];
    const [before, behind, all] = await Promise.all([
      tracebed(['run', ...argument, '20']),
      tracebed(['run', ...argument, '--', '20']),
      tracebed(['run', '--no-summary', '--duration', '1s', '--', 'tcpconnlat', '20']),
    ]);
    expect(before.out.split('\n').length).toBeGreaterThan(2);
    expect(behind).toEqual(before);
    expect(all).toEqual(before);
  });

  test('is listed in help by its short flag', async () => {
    const { out } = await tracebed(['run', 'opensnoop', '--help']);
    expect(out).toMatch(/\n {2}-d <duration> +end after so many seconds/);
  });
});

describe('a tool that is only asked for something', () => {
  test('prints it and plays nothing', async () => {
    const { code, out, err } = await tracebed(['run', 'tcpconnect', '--ebpf', '-t', '-P', '80']);
    expect(out).toMatch(/^#define WANTED port == 80\n\/\/ Connects that a task begins/);
    expect(out).not.toContain('ledger');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });
});

describe('wrong usage is one message and exit code 2', () => {
  test.each([
    [['rum'], "tracebed: unknown command 'rum'\n  hint: did you mean run?\n"],
    [['--nope'], "tracebed: unknown option '--nope'\n  hint: --help shows what it takes\n"],
    [['list', '--formal', 'x'], "tracebed: unknown option '--formal'\n  hint: did you mean --format?\n"],
    [['list', '--format', 'x'], "tracebed: --format cannot be 'x'\n  expected: text, json\n"],
    [['run', '--seed', 'x'], "tracebed: --seed cannot be 'x'\n  expected: a whole number from 0 to 4294967295\n"],
    [['run', '--seed'], "tracebed: option '--seed <n>' argument missing\n  hint: --help shows what it takes\n"],
    [['scenario', 'show'], "tracebed: missing required argument 'name|file'\n  hint: --help shows what it takes\n"],
    [['scenario', 'record', 'x'], "tracebed: missing required argument 'out'\n  hint: --help shows what it takes\n"],
    [['scenario', 'shove', 'x'], "tracebed: unknown command 'shove'\n  hint: did you mean show?\n"],
    [
      ['list', 'x'],
      "tracebed: too many arguments for 'list'. Expected 0 arguments but got 1.\n  hint: --help shows what it takes\n",
    ],
  ])('%j', async (argv, err) => {
    expect(await tracebed(argv)).toEqual({ code: 2, out: '', err });
  });
});
