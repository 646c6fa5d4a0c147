import { createRun, loadProfile, loadScenario, loadTool, sec } from 'tracebed';
import { describe, expect, test } from 'vitest';
import { type FakeTerminal, openDashboard } from '../tui/terminal.ts';

const profile = loadProfile('6.18');

/** A tool's dashboard when its run is over. */
async function open(
  name: string,
  args: string[],
  toolOptions: Record<string, string | boolean | string[]>,
  scenario: string,
  [columns, rows]: readonly [number, number],
): Promise<FakeTerminal> {
  const run = createRun({
    tool: await loadTool(name),
    args,
    toolOptions,
    scenario: await loadScenario(`test/probes/scenarios/${scenario}.ts`),
    profile,
    seed: 1,
    cpus: undefined,
    duration: sec(1),
    speed: 'max',
    ringPages: 8,
  });
  const { terminal } = await openDashboard(run, columns, rows);
  run.advance(run.duration);
  await terminal.settle();
  return terminal;
}

describe.each([[120, 36] as const, [80, 24] as const])('at %ix%i', (...size) => {
  test('rows: a column for each of BCC, with its unit, and the value without what stands around it', async () => {
    const terminal = await open('tcpstates', [], {}, 'three-connections', size);
    expect(terminal.text()).toMatch(/ SKADDR +↓COUNT/);
    await terminal.press('Enter');
    expect(terminal.text()).toMatch(/ C-PID +C-COMM +LADDR/);
    expect(terminal.text()).not.toContain('->');
  });

  test('a stack is on the page of its row', async () => {
    const terminal = await open('tcpdrop', [], {}, 'three-connections', size);
    expect(terminal.selected()).toMatch(/192\.0\.2\.9:5555 +10\.0\.0\.1:8080/);
    await terminal.press('Enter');
    expect(terminal.text()).toContain('tcp_v4_rcv+0xd6b');
  });

  test("a message of trace's, and its page", async () => {
    const terminal = await open('trace', ['vfs_read "%d bytes", arg3'], {}, 'counted-calls', size);
    expect(terminal.text()).toMatch(/ PID +TID +COMM +FUNC +MESSAGE/);
    expect(terminal.text()).toMatch(/ 500 +501 +copier +vfs_read +4096 bytes/);
    await terminal.press('Enter');
    expect(terminal.text()).toMatch(/message +128 bytes/);
  });

  test('counts by function', async () => {
    const terminal = await open('funccount', ['vfs_*'], {}, 'counted-calls', size);
    expect(terminal.text()).toMatch(/^ FUNC {36}COUNT$/m);
    expect(terminal.text()).toMatch(/^ vfs_write {35}2$/m);
    expect(terminal.text()).toMatch(/^ vfs_read {36}4$/m);
  });

  test('a histogram, and counts below a tab', async () => {
    const signature = 'p::vfs_read(struct file *file, char *buf, size_t count)';
    const specifiers = { count: [`${signature}:size_t:count`], histogram: [`${signature}:size_t:count`] };
    const terminal = await open(
      'argdist',
      [],
      { ...specifiers, stringSize: '80', interval: '1' },
      'counted-calls',
      size,
    );
    await terminal.press('Home');
    expect(terminal.text()).toMatch(/^ {9}COUNT {6}EVENT$/m);
    expect(terminal.text()).toMatch(/^ {9}2 {10}count = 128$/m);
    await terminal.press('End');
    expect(terminal.text()).toMatch(/128 -> 255 +: 2 +\|\*{40}\|/);
  });
});
