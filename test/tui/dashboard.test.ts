import { describe, expect, test } from 'vitest';
import { drop, dropView, FakeRun, histogram, logView, someDrops } from './fake-run.ts';
import { type FakeTerminal, openDashboard } from './terminal.ts';

/** What the user sees and does, through a terminal that presses keys and reads cells back. */
const sizes = [
  [120, 36],
  [80, 24],
  [40, 10],
] as const;

async function open(
  columns = 80,
  rows = 24,
  run = new FakeRun(dropView),
): Promise<{ terminal: FakeTerminal; run: FakeRun; exit: Promise<number> }> {
  const { terminal, exit } = await openDashboard(run, columns, rows);
  if (run.view === dropView) run.play(2.5e9, someDrops);
  await terminal.settle();
  return { terminal, run, exit };
}

describe.each(sizes)('at %ix%i', (columns, rows) => {
  test('the first page: reasons by count, the totals, the keys', async () => {
    const { terminal } = await open(columns, rows);
    expect(terminal.row(0)).toContain('drop-monitor');
    expect(terminal.row(0)).toContain('00:02.500');
    expect(terminal.row(1)).toContain('10 drops');
    expect(terminal.text()).toMatch(/0 lost/);
    expect(terminal.selected()).toMatch(/^› NO_SOCKET +6 +60\.0%/);
    expect(terminal.find('NETFILTER_DROP').y).toBe(terminal.find('› NO_SOCKET').y + 1);
    expect(terminal.row(rows - 1)).toContain('q quit');
  });

  test('levels open one after the other down to a packet, and close again', async () => {
    const { terminal } = await open(columns, rows);
    await terminal.press('Enter');
    expect(terminal.selected()).toContain('› __udp4_lib_rcv');
    await terminal.press('Enter');
    expect(terminal.selected()).toContain('› UDP 10.77.0.1');
    await terminal.press('Enter');
    expect(terminal.selected()).toContain('› 0.500000');
    await terminal.press('Down', 'Enter');
    expect(terminal.text()).toContain('length 44');
    expect(terminal.text()).toContain('{bold}stay{/bold}');
    await terminal.press('Bksp');
    expect(terminal.selected()).toContain('› 0.400000');
    await terminal.press('Esc', 'Bksp', 'Bksp');
    expect(terminal.selected()).toContain('› NO_SOCKET');
    await terminal.press('Bksp');
    expect(terminal.selected()).toContain('› NO_SOCKET');
  });

  test('help lists the keys over the page, and gives it back', async () => {
    const { terminal } = await open(columns, rows);
    const before = terminal.text();
    await terminal.press('?');
    expect(terminal.text()).toContain('open the selected row');
    await terminal.press('End');
    expect(terminal.text()).toContain('wheel');
    await terminal.press('?');
    expect(terminal.text()).toBe(before);
    await terminal.press('?', 'Esc');
    expect(terminal.text()).toBe(before);
  });

  test('no line is longer than the screen and the last one is the footer, on every page', async () => {
    const { terminal, run } = await open(columns, rows);
    run.lost = 12345678;
    run.warned = ['program kfree_skb trapped 12 times: a message that is quite long and goes on and on and on'];
    for (const key of ['Enter', 'Enter', 'Enter', 'Enter', '?', 'c', 't']) {
      await terminal.press(key);
      expect(terminal.screen.buffer.active.baseY).toBe(0);
      expect(terminal.row(rows - 1)).toContain('q quit');
    }
  });

  test('a tool of text: its lines, scrolled', async () => {
    const { terminal, run } = await open(columns, rows, new FakeRun(histogram, 'funclatency'));
    run.play(1e9);
    await terminal.settle();
    expect(terminal.text()).toContain('549755813888');
    expect(terminal.text()).not.toContain('usecs : count');
    await terminal.press('Home');
    expect(terminal.text()).toContain('usecs : count');
    await terminal.press('PgDn');
    expect(terminal.text()).not.toContain('usecs : count');
    await terminal.press('End');
    expect(terminal.text()).toContain('549755813888');
  });

  test('a text whose begin comes first', async () => {
    const { terminal, run } = await open(columns, rows, new FakeRun({ ...histogram, first: 'begin' }, 'filetop'));
    run.play(1e9);
    await terminal.settle();
    expect(terminal.text()).toContain('usecs : count');
    expect(terminal.text()).not.toContain('549755813888');
  });
});

describe('moving', () => {
  test('arrows, letters, pages and ends', async () => {
    const { terminal } = await open();
    await terminal.press('Down');
    expect(terminal.selected()).toContain('NETFILTER_DROP');
    await terminal.press('j', 'j', 'j');
    expect(terminal.selected()).toContain('UNHANDLED_PROTO');
    await terminal.press('k');
    expect(terminal.selected()).toContain('NETFILTER_DROP');
    await terminal.press('Home');
    expect(terminal.selected()).toContain('NO_SOCKET');
    await terminal.press('PgDn');
    expect(terminal.selected()).toContain('UNHANDLED_PROTO');
    await terminal.press('PgUp');
    expect(terminal.selected()).toContain('NO_SOCKET');
  });

  test('the selection stays on its group when rows change places', async () => {
    const { terminal, run } = await open();
    await terminal.press('Down');
    run.play(
      3e9,
      Array.from({ length: 20 }, (_, i) => drop(2.6e9 + i, ['NETFILTER_DROP', 'x', 'y'])),
    );
    await terminal.settle();
    expect(terminal.selected()).toMatch(/NETFILTER_DROP +23/);
    expect(terminal.find('› NETFILTER_DROP').y).toBe(terminal.find('NO_SOCKET').y - 1);
  });

  test('a table longer than the screen scrolls with the selection', async () => {
    const { terminal, run } = await open(80, 24);
    run.play(
      3e9,
      Array.from({ length: 40 }, (_, i) => drop(2.6e9, [`REASON_${String(i).padStart(2, '0')}`, 'x', 'y'])),
    );
    await terminal.press('s', 's', 's', 's', 'End');
    expect(terminal.selected()).toContain('UNHANDLED_PROTO');
    expect(terminal.text()).not.toContain('REASON_00 ');
    await terminal.press('Home');
    expect(terminal.selected()).toContain('NETFILTER_DROP');
  });

  test('a record page scrolls, and goes to the next and the one before', async () => {
    const { terminal } = await open();
    await terminal.press('Enter', 'Enter', 'Enter', 'Enter');
    expect(terminal.text()).toContain('length 45');
    await terminal.press('End');
    expect(terminal.text()).toContain('function_59+0x10');
    expect(terminal.text()).not.toContain('length 45');
    await terminal.press('Home', 'n');
    expect(terminal.text()).toContain('length 44');
    await terminal.press('p', 'p');
    expect(terminal.text()).toContain('length 45');
    expect(terminal.text()).toContain('That is the first one.');
  });

  test('what the selected row holds is shown below, and can be hidden', async () => {
    const { terminal } = await open();
    expect(terminal.text()).toContain('── NO_SOCKET: locations');
    await terminal.press('Down');
    expect(terminal.text()).toContain('nf_hook_slow');
    await terminal.press('Tab');
    expect(terminal.text()).not.toContain('nf_hook_slow');
  });
});

describe('filter', () => {
  test('narrows while it is typed; Enter keeps it, Esc clears it', async () => {
    const { terminal } = await open();
    await terminal.press('/', 'n', 'e', 't', 'f');
    expect(terminal.selected()).toContain('NETFILTER_DROP');
    expect(terminal.text()).not.toContain('NO_SOCKET');
    expect(terminal.row(23)).toContain('filter: netf');
    await terminal.press('Enter');
    expect(terminal.row(3)).toContain('filter: netf');
    expect(terminal.row(23)).toContain('q quit');
    await terminal.press('Esc');
    expect(terminal.text()).toContain('NO_SOCKET');
  });

  test('reaches below the groups shown', async () => {
    const { terminal } = await open();
    await terminal.press('/', 't', 'c', 'p', 'Enter');
    expect(terminal.selected()).toMatch(/NO_SOCKET +1 /);
  });

  test('keys that mean something elsewhere are text while it is typed', async () => {
    const { terminal } = await open();
    await terminal.press('/', 'q', 's', 'Space', '?');
    expect(terminal.row(23)).toContain('filter: qs ?');
    expect(terminal.text()).toContain('Nothing matches “qs ?”');
    await terminal.press('Bksp', 'Bksp', 'Bksp', 'Bksp', 'Bksp');
    expect(terminal.row(23)).toContain('q quit');
    expect(terminal.text()).toContain('NO_SOCKET');
  });
});

describe('sorting', () => {
  test('s goes through the orders, S turns one round', async () => {
    const { terminal } = await open();
    expect(terminal.text()).toContain('↓COUNT');
    await terminal.press('S');
    expect(terminal.text()).toContain('↑COUNT');
    expect(terminal.find('UNHANDLED_PROTO').y).toBeLessThan(terminal.find('NO_SOCKET').y);
    await terminal.press('s');
    expect(terminal.text()).toContain('↓RATE');
    await terminal.press('s', 's', 's');
    expect(terminal.text()).toContain('REASON↓');
    expect(terminal.find('NETFILTER_DROP').y).toBeLessThan(terminal.find('NO_SOCKET').y);
  });

  test('records by any of their columns, numbers as numbers', async () => {
    const { terminal } = await open();
    await terminal.press('Enter', 'Enter', 'Enter', 's', 's', 's');
    expect(terminal.text()).toContain('↓LEN');
    expect(terminal.find('0.100000').y).toBeLessThan(terminal.find('0.500000').y);
  });
});

describe('the run', () => {
  test('space pauses and goes on', async () => {
    const { terminal, run } = await open();
    await terminal.press('Space');
    expect(run.state).toBe('paused');
    expect(terminal.row(0)).toContain('PAUSED');
    await terminal.press('Space');
    expect(run.state).toBe('running');
    expect(terminal.row(0)).toContain('▸ 1×');
  });

  test('+ and - step through the speeds, to the ends and no further', async () => {
    const { terminal, run } = await open();
    await terminal.press('+');
    expect(run.speed).toBe(2);
    expect(terminal.row(0)).toContain('▸ 2×');
    await terminal.press(...'+++++++++'.split(''));
    expect(run.speed).toBe('max');
    await terminal.press('-');
    expect(run.speed).toBe(1000);
    await terminal.press(...'-------------'.split(''));
    expect(run.speed).toBe(0.01);
  });

  test('r counts anew, the ledger goes on', async () => {
    const { terminal, run } = await open();
    await terminal.press('r');
    expect(terminal.row(1)).toContain(' 0 drops');
    expect(terminal.row(2)).toContain('10 produced = 10 delivered');
    expect(terminal.text()).toContain('No drop yet.');
    expect(terminal.row(23)).toContain('Counting anew from 00:02.500');
    run.play(3e9, someDrops.slice(0, 2));
    await terminal.settle();
    expect(terminal.selected()).toMatch(/NO_SOCKET +2 /);
  });

  test('a loss is in the header, in capitals', async () => {
    const { terminal, run } = await open();
    run.lost = 66;
    run.slice();
    await terminal.settle();
    expect(terminal.row(2)).toContain('76 produced = 10 delivered + 66 LOST');
  });

  test('the ledger by CPU', async () => {
    const { terminal } = await open();
    await terminal.press('c');
    expect(terminal.text()).toMatch(/CPU +PRODUCED +DELIVERED +LOST/);
    expect(terminal.text()).toContain('produced = delivered + lost + filtered on every CPU.');
  });

  test('what programs print', async () => {
    const { terminal, run } = await open();
    run.printed.next(['<idle>-0 [000] dropped 98 bytes']);
    await terminal.press('t');
    expect(terminal.text()).toContain('dropped 98 bytes');
  });

  test('at its end it stays, and says so', async () => {
    const { terminal, run, exit } = await open();
    run.end();
    await terminal.settle();
    expect(terminal.row(0)).toContain('ENDED');
    await terminal.press('Enter');
    expect(terminal.text()).toContain('__udp4_lib_rcv');
    await terminal.press('Space');
    expect(terminal.row(23)).toContain('The scenario has ended.');
    await terminal.press('q');
    expect(await exit).toBe(0);
  });

  test('a run without a record says so at its end', async () => {
    const run = new FakeRun(dropView);
    const { terminal } = await openDashboard(run, 80, 24);
    expect(terminal.text()).toContain('No drop yet.');
    run.end();
    await terminal.settle();
    expect(terminal.text()).toContain('The scenario ended without a drop.');
  });
});

describe('a log', () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => drop((from + i) * 1e9, [], { comm: `task-${from + i}` }));

  test('its end is followed until the user looks elsewhere, and again from its end', async () => {
    const run = new FakeRun(logView, 'trace');
    const { terminal } = await openDashboard(run, 80, 24);
    run.play(50e9, lines(0, 50));
    await terminal.settle();
    expect(terminal.selected()).toContain('task-49');
    await terminal.press('Up', 'Up');
    run.play(51e9, lines(50, 51));
    await terminal.settle();
    expect(terminal.selected()).toContain('task-47');
    await terminal.press('End');
    run.play(52e9, lines(51, 53));
    await terminal.settle();
    expect(terminal.selected()).toContain('task-52');
    await terminal.press('Enter');
    expect(terminal.text()).toContain('length 98');
  });
});

describe('the mouse', () => {
  test('a click selects, a second one opens', async () => {
    const { terminal } = await open();
    await terminal.clickOn('NETFILTER_DROP');
    expect(terminal.selected()).toContain('NETFILTER_DROP');
    await terminal.clickOn('NETFILTER_DROP');
    expect(terminal.selected()).toContain('nf_hook_slow');
  });

  test('a click on a title sorts, on it again turns round', async () => {
    const { terminal } = await open();
    await terminal.clickOn('RATE');
    expect(terminal.text()).toContain('↓RATE');
    await terminal.clickOn('RATE');
    expect(terminal.text()).toContain('↑RATE');
  });

  test('a click on a group above goes back to it, on a key below acts', async () => {
    const { terminal } = await open();
    await terminal.press('Enter', 'Enter', 'Enter', 'Enter');
    await terminal.clickOn('UDP 10.77.0.1');
    expect(terminal.selected()).toContain('0.500000');
    await terminal.press('Bksp', 'Bksp');
    await terminal.clickOn('all');
    expect(terminal.selected()).toContain('NO_SOCKET');
    await terminal.clickOn('Space pause');
    expect(terminal.row(0)).toContain('PAUSED');
  });

  test('the wheel moves rows and pages', async () => {
    const { terminal } = await open();
    await terminal.wheel('down');
    expect(terminal.selected()).toContain('UNHANDLED_PROTO');
    await terminal.wheel('up');
    expect(terminal.selected()).toContain('NO_SOCKET');
    await terminal.press('?');
    await terminal.wheel('down', 2);
    expect(terminal.row(3)).toContain('7–');
  });
});

describe('export', () => {
  const exported = (terminal: FakeTerminal): Record<string, unknown> =>
    JSON.parse([...terminal.files.values()].at(-1) ?? '');

  test('writes what is shown, under a name that is never taken', async () => {
    const { terminal } = await open();
    await terminal.press('e');
    expect(terminal.row(23)).toContain('Written to tracebed-drops-2.500s.json');
    await terminal.press('e');
    expect([...terminal.files.keys()]).toEqual(['tracebed-drops-2.500s.json', 'tracebed-drops-2.500s-2.json']);
    expect(exported(terminal)).toMatchObject({
      type: 'export',
      version: 1,
      tool: 'drop-monitor',
      scenario: 'udp_closed_port',
      time: 2.5e9,
      ledger: { total: { produced: 10, delivered: 10, lost: 0 } },
      level: 'reason',
      path: {},
      rows: [
        { reason: 'NO_SOCKET', count: 6, share: 0.6, firstSeen: 1e8, lastSeen: 6e8 },
        { reason: 'NETFILTER_DROP', count: 3 },
        { reason: 'UNHANDLED_PROTO', count: 1 },
      ],
    });
  });

  test('the records of a flow, as filtered, and one record', async () => {
    const { terminal } = await open();
    await terminal.press('Enter', 'Enter', 'Enter', '/', '4', '5', 'Enter', 'e');
    expect(exported(terminal)).toMatchObject({
      level: 'drop',
      filter: '45',
      path: { reason: 'NO_SOCKET', location: '__udp4_lib_rcv+0x4bc' },
      rows: [{ time: 5e8, cpu: 0, reason: 'NO_SOCKET', length: '45' }],
    });
    await terminal.press('Enter', 'e');
    expect(exported(terminal)).toMatchObject({
      record: { length: '45' },
      sections: [{ title: 'Packet' }, { title: 'Stack' }],
    });
  });

  test('a text', async () => {
    const { terminal } = await open(80, 24, new FakeRun(histogram, 'funclatency'));
    await terminal.press('e');
    expect(exported(terminal)).toMatchObject({ histogram: { buckets: [1, 2, 3] } });
  });

  test('a folder that cannot be written to is told, and nothing ends', async () => {
    const { terminal } = await open();
    terminal.files.set = () => {
      throw new Error('EACCES: permission denied');
    };
    await terminal.press('e');
    expect(terminal.row(23)).toContain('Not written: EACCES: permission denied');
  });
});

describe('the screen', () => {
  test('a resize lays all out anew, down to 40x10 and back', async () => {
    const { terminal } = await open(120, 36);
    const before = terminal.text();
    await terminal.resize(40, 10);
    expect(terminal.selected()).toMatch(/^› NO_SOCKET +6 +60\.0%$/);
    expect(terminal.row(9)).toContain('q quit');
    await terminal.resize(120, 36);
    expect(terminal.text()).toBe(before);
  });

  test.each([
    [20, 5],
    [1, 1],
    [10, 3],
    [250, 70],
  ])('%ix%i is drawn without a fault', async (columns, rows) => {
    const { terminal, exit } = await open(columns, rows);
    await terminal.press('Enter', '?', 'Esc', 'Enter', 'Enter', 'Enter', 'End', 'q');
    expect(await exit).toBe(0);
  });

  test('wide signs keep the columns in line', async () => {
    const { terminal, run } = await open();
    run.play(3e9, [drop(2.9e9, ['日本語_REASON', 'x', 'y']), drop(2.9e9, ['emoji😀', 'x', 'y'])]);
    await terminal.settle();
    // Cells, not characters: column 33 is the last digit of the count.
    const digit = (name: string): string | undefined => {
      const y = Array.from({ length: 24 }, (_, i) => i).find((i) => terminal.row(i).includes(name)) ?? 0;
      return terminal.screen.buffer.active
        .getLine(y)
        ?.getCell(terminal.find('↓COUNT').x + 5)
        ?.getChars();
    };
    expect(digit('NO_SOCKET')).toBe('6');
    expect(digit('日本語')).toBe('1');
    expect(digit('emoji')).toBe('1');
  });

  test.each([
    [8, true],
    [4, false],
    [1, false],
  ])('with a colour depth of %i bits, colours beyond 16: %s', async (depth, many) => {
    const run = new FakeRun(dropView);
    const { terminal } = await openDashboard(run, 80, 24, depth);
    run.play(1e9, someDrops);
    await terminal.settle();
    expect(terminal.bytes.includes('38;5;')).toBe(many);
    expect(terminal.selected()).toContain('NO_SOCKET');
  });

  test('Ctrl-L paints all of it again', async () => {
    const { terminal } = await open();
    const before = terminal.text();
    terminal.screen.write('\x1b[2J garbage');
    await terminal.press('Ctrl-L');
    expect(terminal.text()).toBe(before);
  });
});
