import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.ts';
import { listScenarios, loadScenario } from '../../src/scenario/index.ts';
import { registerStripping } from './strip-types.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracebed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const recordings = fileURLToPath(new URL('../../scenarios/recordings/', import.meta.url));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function names(files: readonly string[], end: string): string[] {
  return files
    .filter((file) => file.endsWith(end))
    .map((file) => file.slice(0, -end.length))
    .sort();
}

test('the bundled scenarios have a line each, scripts first', async () => {
  const all = await listScenarios();
  const scripts = names(readdirSync(join(recordings, '..')), '.ts');
  const recorded = names(readdirSync(recordings), '.trace');
  expect(all.map((scenario) => scenario.name)).toEqual([...scripts, ...recorded]);
  expect(scripts).toContain('drop-storm');
  expect(recorded).toContain('udp_closed_port');
  for (const scenario of all) {
    expect(scenario.summary).toMatch(/^[^\n]{20,100}$/);
    expect(await loadScenario(scenario.name)).toMatchObject({ name: scenario.name, summary: scenario.summary });
  }
});

describe('a trace file', () => {
  test('takes the captures that lie beside it by name', async () => {
    for (const end of ['trace', 'a.pcap', 'b.pcap']) {
      copyFileSync(`${recordings}udp_closed_port.${end}`, join(folder, `mine.${end}`));
    }
    writeFileSync(join(folder, 'mine2.pcap'), 'not of this trace');
    const scenario = await loadScenario(join(folder, 'mine.trace'));
    expect(scenario).toMatchObject({ name: 'mine', summary: 'recorded: 3 drops in 51 events', cpus: 2 });
  });

  test('with a broken capture beside it is refused by the capture', async () => {
    copyFileSync(`${recordings}udp_closed_port.trace`, join(folder, 'broken.trace'));
    writeFileSync(join(folder, 'broken.pcap'), Uint8Array.of(1, 2, 3, 4, 5));
    await expect(loadScenario(join(folder, 'broken.trace'))).rejects.toMatchObject({
      message: expect.stringContaining('not a pcap file'),
      at: { file: join(folder, 'broken.pcap'), offset: 0 },
    });
  });
});

test.each<[string, () => string, typeof InputError | typeof UsageError, RegExp]>([
  ['a name that is nearly one', () => 'drop-strom', UsageError, /no scenario 'drop-strom'/],
  ['a name that is none', () => 'zzz', UsageError, /no scenario 'zzz'/],
  ['a file that is not there', () => join(folder, 'no.trace'), InputError, /no such scenario file/],
  ['a folder', () => folder, InputError, /this is a directory/],
  ['a capture', () => `${recordings}udp_closed_port.a.pcap`, InputError, /a capture, not a scenario/],
  ['a binary file', () => file('trace.dat', Uint8Array.of(0x17, 8, 0x44, 0, 1)), InputError, /a binary file/],
  ['a text', () => file('letter.txt', 'Dear reader,\n'), InputError, /not a trace/],
  ['an empty file', () => file('empty.trace', ''), InputError, /the trace is empty/],
])('%s is refused', async (_, name, type, message) => {
  const loading = loadScenario(name());
  await expect(loading).rejects.toThrow(message);
  await expect(loading).rejects.toBeInstanceOf(type);
});

test('a near name is offered', async () => {
  await expect(loadScenario('drop-strom')).rejects.toMatchObject({ hint: 'did you mean drop-storm?' });
});

/*
 * Modules of users go through Node's own loader, which this test runner stands in for: so they are loaded in a Node
 * process of its own, from the sources, whose types are stripped on the way in as those of users are.
 */
describe('a module of a user', () => {
  const door = (module: string) => new URL(`../../src/${module}/index.ts`, import.meta.url).href;
  const main = `${registerStripping}
const { createScheduler, loadScenario } = await import(${JSON.stringify(door('scenario'))});
const { formatFault, Random } = await import(${JSON.stringify(door('base'))});
const { loadProfile } = await import(${JSON.stringify(door('btf'))});
const profile = loadProfile('6.18');
const results = {};
for (const path of process.argv.slice(1)) {
  const lines = [];
  try {
    const scenario = await loadScenario(path);
    const scheduler = createScheduler();
    lines.push(scenario.name);
    scenario.events({ profile, random: new Random(1), cpus: 2, duration: 1e9, scheduler }).subscribe({
      next: (event) => lines.push(event.time + ' ' + event.name),
      error: (fault) => lines.push(formatFault(fault)),
    });
    scheduler.advanceTo(1e9);
  } catch (fault) {
    lines.push(fault.constructor.name + ' ' + formatFault(fault));
  }
  results[path] = lines;
}
console.log(JSON.stringify(results));
`;
  const scenario = (body: string) => `import { defineScenario, ms } from 'tracebed';
import { take } from 'rxjs';
import { name } from './lib/name.ts';
interface Unused { readonly a: number }
export default defineScenario({
  name,
  summary: 'mine',
  events: (script) => script.every(ms(1), (index: number) => {
    ${body}
    return script.tracepoint('sched:sched_switch', { prev_pid: index });
  }).pipe(take(2)),
});
`;
  const files: readonly (readonly [string, string, readonly (string | RegExp)[]])[] = [
    ['good.ts', scenario(''), ['mine', '1000000 sched:sched_switch', '2000000 sched:sched_switch']],
    [
      'plain.js',
      scenario('')
        .replace(/interface.*\n/, '')
        .replace(': number', ''),
      ['mine', '1000000 sched:sched_switch', '2000000 sched:sched_switch'],
    ],
    [
      'throws.ts',
      scenario("if (index === 1) throw new Error('no more');"),
      ['mine', '1000000 sched:sched_switch', /throws\.ts:9:28: the scenario failed: no more$/],
    ],
    [
      'fault.ts',
      scenario("script.syscall('opnat', {});"),
      ['mine', /fault\.ts:9:12: the scenario failed: no system call 'opnat'\n {2}hint: did you mean openat/],
    ],
    [
      'syntax.ts',
      'const a = 1;\nexport default {;\n',
      [/^InputError .*syntax\.ts:2:17: the scenario cannot be read: .*\n {2}export default \{;\n {18}\^/],
    ],
    [
      'enum.ts',
      'enum A { b }\nexport default A;\n',
      [/^InputError .*enum\.ts:1:1: .*enum is not supported.*\n.*\n.*\n {2}hint: only types/],
    ],
    [
      'within.ts',
      "import './lib/bad.ts';\nexport default 1;\n",
      [/^InputError .*lib\/bad\.ts:1:9: the scenario cannot be loaded: /],
    ],
    [
      'early.ts',
      'const none = undefined as any;\nexport default none.events;\n',
      [/^InputError .*early\.ts:2:21: the scenario cannot be loaded: Cannot read/],
    ],
    [
      'missing.mjs',
      "import './nowhere.js';\n",
      [/^InputError .*missing\.mjs: the scenario cannot be loaded: Cannot find module/],
    ],
    ['number.mjs', 'export default 7;\n', [/^InputError .*number\.mjs: the module exports no scenario/]],
  ];

  mkdirSync(join(folder, 'lib'));
  file('lib/name.ts', "export const name: string = 'mine';\n");
  file('lib/bad.ts', 'let a = ;\n');
  const paths = files.map(([name, source]) => file(name, source));
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', main, ...paths], { encoding: 'utf8' });
  const results = JSON.parse(output) as Record<string, string[]>;

  test.each(files)('%s', (name, _, expected) => {
    const lines = results[join(folder, name)]!;
    expect(lines).toHaveLength(expected.length);
    for (const [index, line] of expected.entries()) {
      if (typeof line === 'string') expect(lines[index]).toBe(line);
      else expect(lines[index]).toMatch(line);
    }
  });
});
