import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { formatFault, InputError } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { createRun, type Tool } from '../../src/lab/index.ts';
import { assembleObject } from '../../src/object/index.ts';
import { loadScenario } from '../../src/scenario/index.ts';
import { type Outcome, tracebed } from '../cli/console.ts';

const recordings = fileURLToPath(new URL('../../scenarios/recordings/', import.meta.url));
const trace = readFileSync(`${recordings}udp_closed_port.trace`, 'utf8');
const capture = readFileSync(`${recordings}udp_closed_port.a.pcap`);

const folder = mkdtempSync(join(tmpdir(), 'tracebed-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes files into a folder of their own and runs the first as a scenario. The folder is `DIR` in what comes out. */
async function runOn(files: Record<string, string | Uint8Array>): Promise<Outcome> {
  const own = mkdtempSync(join(folder, 'x'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
  const outcome = await tracebed(['run', '--scenario', join(own, Object.keys(files)[0]!), '--format', 'json']);
  return { ...outcome, err: outcome.err.replaceAll(own, 'DIR') };
}

function scripted(body: string): Record<string, string> {
  const text = `import { defineScenario, ms } from 'tracebed';

export default defineScenario({
  name: 'mine',
  summary: 'of a user',
  events: ({ every, tracepoint, entry }) =>
    every(ms(10), (index: number) => {
      ${body}
    }),
});
`;
  return { 'mine.ts': text };
}

/** One message on standard error: its first line as given, no stack of the program. */
function expectFault(outcome: Outcome, code: number, first: string): void {
  const lines = outcome.err.split('\n');
  expect(lines[0]).toBe(`tracebed: ${first}`);
  expect(outcome.err).not.toMatch(/^\s+at /m);
  expect(outcome.err.match(/tracebed: /g)).toHaveLength(1);
  expect(outcome.code).toBe(code);
}

describe('a file that cannot be taken', () => {
  test.each<[string, Record<string, string | Uint8Array>, string]>([
    [
      'a truncated trace',
      { 'a.trace': trace.slice(0, 2600) },
      'DIR/a.trace:27:35: the trace is cut off in the middle of a line',
    ],
    ['an empty trace', { 'a.trace': '' }, 'DIR/a.trace:1:1: the trace is empty'],
    [
      'a capture with a bad magic',
      { 'a.trace': trace, 'a.a.pcap': Buffer.concat([Buffer.from('XXXX'), capture.subarray(4)]) },
      'DIR/a.a.pcap: byte 0: not a pcap file: its magic is 0x58585858',
    ],
    [
      'a truncated capture',
      { 'a.trace': trace, 'a.a.pcap': capture.subarray(0, 500) },
      'DIR/a.a.pcap: byte 412: the capture is cut off in a packet: 72 of 128 bytes',
    ],
    ['a capture for a scenario', { 'a.pcap': capture }, 'DIR/a.pcap: byte 0: this is a capture, not a scenario'],
  ])('%s', async (_, files, first) => {
    const outcome = await runOn(files);
    expectFault(outcome, 1, first);
    expect(outcome.out).toBe('');
  });

  test('a garbled trace: its line', async () => {
    const garbled = trace.replace('kfree_skb: skbaddr=', 'kfree\u0001skb skb ddr');
    const outcome = await runOn({ 'a.trace': garbled });
    const line = garbled.slice(0, garbled.indexOf('\u0001')).split('\n').length;
    expect(outcome.err).toMatch(new RegExp(`^tracebed: DIR/a\\.trace:${line}:\\d+: `));
    expect(outcome.code).toBe(1);
  });
});

describe('a scenario of a user that goes wrong', () => {
  test('throws: where, and what was written before is kept', async () => {
    const outcome = await runOn(
      scripted(`if (index === 3) throw new Error('out of ideas');
      return tracepoint('skb:kfree_skb', { reason: 'NO_SOCKET', location: { symbol: 'udp_rcv+0x1' } });`),
    );
    expectFault(outcome, 1, 'DIR/mine.ts:8:30: the scenario failed: out of ideas');
    const lines = outcome.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map((line) => line.type)).toEqual(['run', 'drop', 'drop', 'drop', 'summary']);
    expect(lines.at(-1)).toMatchObject({ state: 'failed', records: 3, ledger: { balanced: true, delivered: 3 } });
  });

  test('calls a function that the kernel does not have', async () => {
    const outcome = await runOn(scripted("return entry('no_such_function', {});"));
    expect(outcome.err).toMatch(/^tracebed: .*no_such_function/);
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.out.trimEnd().split('\n').at(-1)!)).toMatchObject({ state: 'failed' });
  });

  test('is no TypeScript', async () => {
    const outcome = await runOn(scripted('return return;'));
    expect(outcome.err).toMatch(/^tracebed: DIR\/mine\.ts:8:\d+: the scenario cannot be read: /);
    expect(outcome.code).toBe(1);
  });
});

describe('names that are not there', () => {
  test.each([
    [['run', 'drop-monitr'], 2, "there is no tool 'drop-monitr'", 'did you mean drop-monitor?'],
    [['run', '--scenario', 'drop-strom'], 2, "no scenario 'drop-strom'", 'did you mean drop-storm?'],
    [['run', '--scenario', 'no/such.trace'], 1, 'no/such.trace: there is no such scenario file', undefined],
    [['run', '--kernel', '5.0'], 2, "--kernel cannot be '5.0'", undefined],
    [
      ['run', 'drop-monitor', '--reason', 'NO_SCKET'],
      2,
      "Linux 6.18.44 has no drop reason 'NO_SCKET'",
      'did you mean NO_SOCKET?',
    ],
    [['run', 'drop-monitor', '--resaon', 'x'], 2, "unknown option '--resaon'", 'did you mean --reason?'],
    [['run', 'drop-monitor', 'x'], 2, "drop-monitor does not take 'x'", undefined],
    [['events', 'tcp_sendmsgg'], 2, "nothing to attach to matches 'tcp_sendmsgg' in kernel 6.18", undefined],
    [['scenario', 'show', 'quiet-nigt'], 2, "no scenario 'quiet-nigt'", 'did you mean quiet-night?'],
  ])('%j', async (argv, code, first, hint) => {
    const outcome = await tracebed(argv);
    expectFault(outcome, code, first);
    if (hint !== undefined) expect(outcome.err.split('\n')[1]).toBe(`  hint: ${hint}`);
  });
});

test('a tool that does not assemble: the line of its program', async () => {
  const tool: Tool = {
    name: 'broken',
    summary: '',
    arguments: [],
    options: [],
    examples: [],
    scenario: 'udp_closed_port',
    start: ({ profile }) => {
      assembleObject('.license "GPL"\n.section "kprobe/f"\nf:\n  r0 = r11\n  exit\n', {
        file: 'broken.bpf.s',
        profile,
      });
      throw new Error('it assembled');
    },
  };
  const options = {
    tool,
    args: [],
    toolOptions: {},
    seed: 1,
    cpus: 2,
    duration: undefined,
    speed: 'max',
    ringPages: 8,
  } as const;
  const scenario = await loadScenario('udp_closed_port');
  let fault: unknown;
  try {
    createRun({ ...options, scenario, profile: loadProfile('6.18') });
  } catch (thrown) {
    fault = thrown;
  }
  expect(fault).toBeInstanceOf(InputError);
  expect(formatFault(fault)).toMatch(/^broken\.bpf\.s:4:\d+: /);
});
