import { describe, expect, test } from 'vitest';
import { dropView, FakeRun, someDrops } from './fake-run.ts';
import { type FakeTerminal, held, openDashboard, released } from './terminal.ts';

/** Whatever ends or stops the dashboard, the terminal is as it was before. */
async function open(): Promise<{ terminal: FakeTerminal; run: FakeRun; exit: Promise<number> }> {
  const run = new FakeRun(dropView);
  const opened = await openDashboard(run, 80, 24);
  run.play(1e9, someDrops);
  await opened.terminal.settle();
  return { ...opened, run };
}

const signal =
  (name: string) =>
  ({ terminal }: { terminal: FakeTerminal }): void =>
    void terminal.process.emit(name);

describe('given back', () => {
  test('while it is open the dashboard holds the terminal', async () => {
    const { terminal } = await open();
    expect(terminal.state()).toEqual(held);
  });

  test.each<[string, number, (opened: { terminal: FakeTerminal; run: FakeRun }) => void | Promise<void>]>([
    ['q', 0, ({ terminal }) => terminal.press('q')],
    ['Ctrl-C', 130, ({ terminal }) => terminal.press('Ctrl-C')],
    ['SIGINT', 130, signal('SIGINT')],
    ['SIGTERM', 143, signal('SIGTERM')],
    ['SIGHUP', 129, signal('SIGHUP')],
    ['SIGQUIT', 131, signal('SIGQUIT')],
    ['the run failing', 1, ({ run }) => run.end('failed', new Error('bad event'))],
    ['the input ending', 129, ({ terminal }) => void terminal.input.end()],
    ['the input failing', 129, ({ terminal }) => void terminal.input.emit('error', new Error('EIO'))],
    ['the output failing', 129, ({ terminal }) => void terminal.emit('error', new Error('EIO'))],
  ])('after %s, with exit code %i', async (_, code, act) => {
    const opened = await open();
    await act(opened);
    expect(await opened.exit).toBe(code);
    await opened.terminal.settle();
    expect(opened.terminal.state()).toEqual(released);
    expect(opened.terminal.process.eventNames()).toEqual([]);
    expect(opened.run.listeners).toBe(0);
  });

  test('at the moment of an uncaught exception, before anything is printed', async () => {
    const { terminal } = await open();
    terminal.process.emit('uncaughtExceptionMonitor');
    await terminal.settle();
    expect(terminal.state()).toEqual(released);
  });

  test('when something else exits the process', async () => {
    const { terminal } = await open();
    terminal.process.emit('exit');
    await terminal.settle();
    expect(terminal.state()).toEqual(released);
  });

  test('nothing is drawn after the end', async () => {
    const { terminal, run, exit } = await open();
    await terminal.press('q');
    await exit;
    const { length } = terminal.bytes;
    run.play(2e9, someDrops);
    run.end();
    await terminal.resize(60, 20);
    expect(terminal.bytes.length).toBe(length);
  });

  test('the environment and the process are as before', async () => {
    const before = { ...process.env };
    const listeners = ['exit', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'uncaughtException'].map((name) =>
      process.listenerCount(name),
    );
    const { terminal, exit } = await open();
    expect(process.env).toEqual(before);
    await terminal.press('q');
    await exit;
    const after = ['exit', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'uncaughtException'].map((name) =>
      process.listenerCount(name),
    );
    expect(after).toEqual(listeners);
  });
});

describe('stopped and continued', () => {
  test.each<[string, (terminal: FakeTerminal) => void | Promise<void>]>([
    ['Ctrl-Z', (terminal) => terminal.press('Ctrl-Z')],
    ['SIGTSTP', (terminal) => void terminal.process.emit('SIGTSTP')],
  ])('%s: given back before the stop, taken again after it', async (_, stop) => {
    const { terminal } = await open();
    const before = terminal.text();
    let raw: boolean | undefined;
    let bytes = '';
    terminal.process.onKill = () => {
      raw = terminal.input.raw;
      bytes = terminal.bytes;
    };
    await stop(terminal);
    await terminal.settle();
    expect(terminal.process.kills).toEqual([{ pid: 0, signal: 'SIGTSTP' }]);
    expect(raw).toBe(false);
    const given = bytes.slice(-200);
    for (const sequence of ['\x1b[?1000l', '\x1b[?1006l', '\x1b[?25h', '\x1b[?1049l'])
      expect(given).toContain(sequence);
    expect(terminal.state()).toEqual(held);
    expect(terminal.text()).toBe(before);
  });

  test('SIGCONT after a stop that no one saw: the screen is painted anew', async () => {
    const { terminal } = await open();
    const before = terminal.text();
    terminal.screen.write('\x1b[?1049l$ fg\r\n');
    terminal.input.raw = false;
    terminal.process.emit('SIGCONT');
    await terminal.settle();
    expect(terminal.state()).toEqual(held);
    expect(terminal.text()).toBe(before);
  });

  test('what happens while nothing can be drawn is there afterwards', async () => {
    const { terminal, run } = await open();
    terminal.process.onKill = () => run.play(5e9, someDrops);
    await terminal.press('Ctrl-Z');
    expect(terminal.row(1)).toContain('20 drops');
  });
});
