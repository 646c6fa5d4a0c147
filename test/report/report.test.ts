import { describe, expect, test } from 'vitest';
import { closing, type ReportFormat, report } from '../../src/report/index.ts';
import { drop, dropView, type StagedRun, stagedRun, textView } from './staged-run.ts';

/** Everything that a report writes for a run that takes the course given. */
function written(run: StagedRun, format: ReportFormat, course: () => void, tracePipe = false): string[] {
  let text = '';
  const finish = report(
    run,
    format,
    (piece) => {
      expect(piece.endsWith('\n')).toBe(true);
      text += piece;
    },
    { tracePipe },
  );
  course();
  finish();
  return text.slice(0, -1).split('\n');
}

describe('aligned lines', () => {
  test('a header, a line a record, groups and ledger at the end', () => {
    const run = stagedRun(dropView);
    const lines = written(run, 'table', () => {
      run.records.next([drop(1e6, 'NO_SOCKET', 'udp_rcv+0x1'), drop(2e6, 'NO_SOCKET', 'tcp_rcv+0x2')]);
      run.records.next([drop(3e6, 'NO_SOCKET', 'udp_rcv+0x1'), drop(1.5e9, 'TC_EGRESS', 'xmit+0x3')]);
      run.printed.next(['not asked for']);
    });
    expect(lines).toEqual([
      '     TIME(s) COMM       LEN FLOW',
      '    0.001000 ping        98 UDP 10.0.0.1:1 → 10.0.0.2:2',
      '    0.002000 ping        98 UDP 10.0.0.1:1 → 10.0.0.2:2',
      '    0.003000 ping        98 UDP 10.0.0.1:1 → 10.0.0.2:2',
      '    1.500000 ping        98 UDP 10.0.0.1:1 → 10.0.0.2:2',
      '',
      '4 drops of 42 events in 1.5s',
      '',
      'REASON     LOCATION     COUNT  SHARE  FIRST(s)   LAST(s)',
      'NO_SOCKET  udp_rcv+0x1      2  50.0%  0.001000  0.003000',
      'NO_SOCKET  tcp_rcv+0x2      1  25.0%  0.002000  0.002000',
      'TC_EGRESS  xmit+0x3         1  25.0%  1.500000  1.500000',
      '',
      'ledger:   produced 10  = delivered 6  + lost 3  + filtered 1',
      '  CPU 0:  produced 7   = delivered 4  + lost 2  + filtered 1',
      '  CPU 1:  produced 3   = delivered 2  + lost 1  + filtered 0',
    ]);
  });

  test('keeps a column of the time that the tool brings', () => {
    const time = { key: 'time', title: 'TIME', align: 'left' as const, width: 8, priority: 1 };
    const run = stagedRun({ ...dropView, columns: [time] });
    const record = { ...drop(1, 'A', 'b'), cells: { time: '12:00:01' } };
    expect(written(run, 'table', () => run.records.next([record])).slice(0, 2)).toEqual(['TIME', '12:00:01']);
  });

  test('what a task calls itself does not steer the terminal; wide letters keep the columns', () => {
    const run = stagedRun(dropView);
    const evil = { ...drop(0, 'A', 'b'), cells: { comm: '\x1b[2Jx', len: '1', flow: '' } };
    const wide = { ...drop(0, 'A', 'b'), cells: { comm: '日本', len: '2', flow: '' } };
    const lines = written(run, 'table', () => run.records.next([evil, wide]));
    expect(lines.slice(1, 3)).toEqual(['    0.000000 ?[2Jx        1', '    0.000000 日本         2']);
  });

  test('a cell that is too long takes the room of those behind it: the line falls into step again', () => {
    const run = stagedRun(dropView);
    const long = { ...drop(0, 'A', 'b'), cells: { comm: 'kworker/u8', len: '98', flow: 'UDP' } };
    const short = { ...drop(0, 'A', 'b'), cells: { comm: 'ping', len: '98', flow: 'UDP' } };
    const [head, ...lines] = written(run, 'table', () => run.records.next([long, short])).slice(0, 3);
    expect(head).toBe('     TIME(s) COMM       LEN FLOW');
    expect(lines).toEqual(['    0.000000 kworker/u8  98 UDP', '    0.000000 ping        98 UDP']);
  });

  test('says what is wrong, and one of a thing is singular', () => {
    const run = stagedRun(dropView, { events: 1, warnings: () => ['program p trapped once: x'] });
    const lines = written(run, 'table', () => run.records.next([drop(0, 'A', 'b')]));
    expect(lines).toContain('1 drop of 1 event in 1.5s');
    expect(lines.at(-1)).toBe('warning: program p trapped once: x');
  });

  test.each([
    ['table', 'note: 3 drops without bytes', 'warning: mind this'],
    ['json', '{"type":"note","message":"3 drops without bytes"}', '{"type":"warning","message":"mind this"}'],
  ] as const)('as %s, what the scenario left out stands before what is wrong', (format, note, warning) => {
    const run = stagedRun(dropView, { notes: () => ['3 drops without bytes'], warnings: () => ['mind this'] });
    const lines = written(run, format, () => run.records.next([drop(0, 'A', 'b')]));
    expect(lines.filter((line) => line === note || line === warning)).toEqual([note, warning]);
  });

  test('prints a text at each tick', () => {
    const run = stagedRun(textView());
    const lines = written(run, 'table', () => {
      run.ticks.next({ time: 1e9, last: false });
      run.ticks.next({ time: 2.5e9, last: true });
    });
    const text = ['usecs : count', '0 -> 1 : 3'];
    expect(lines.slice(0, 6)).toEqual([...text, ...text, '', '42 events in 1.5s']);
  });

  test('lines of trace_printk when asked for', () => {
    const run = stagedRun(textView());
    expect(written(run, 'table', () => run.printed.next(['a\tb']), true)[0]).toBe('a?b');
  });
});

describe('what a dashboard leaves on the terminal', () => {
  test('how much there was, the groups, the ledger', () => {
    const run = stagedRun(dropView);
    const close = closing(run);
    run.records.next([drop(1e6, 'NO_SOCKET', 'udp_rcv+0x1')]);
    expect(close({ summary: true }).split('\n').slice(0, 5)).toEqual([
      '',
      '1 drop of 42 events in 1.5s',
      '',
      'REASON     LOCATION     COUNT   SHARE  FIRST(s)   LAST(s)',
      'NO_SOCKET  udp_rcv+0x1      1  100.0%  0.001000  0.001000',
    ]);
    expect(close({ summary: false })).toBe('');
  });

  test('the text as it stood last', () => {
    const run = stagedRun(textView());
    expect(closing(run)({ summary: false })).toBe('usecs : count\n0 -> 1 : 3\n');
    expect(closing(run)({ summary: true })).toMatch(/^usecs : count\n0 -> 1 : 3\n\n42 events in 1\.5s\n\nledger:/);
  });
});

describe('JSON lines', () => {
  const parse = (lines: string[]): Record<string, unknown>[] => lines.map((line) => JSON.parse(line));

  test('a run of records', () => {
    const run = stagedRun(dropView, { warnings: () => ['mind this'] });
    const lines = parse(
      written(run, 'json', () => {
        run.records.next([drop(5, 'A', 'x', { address: 2n ** 63n, bytes: new Uint8Array([1, 255]), no: undefined })]);
        run.records.next([drop(6, 'B', 'y'), drop(7, 'B', 'y')]);
      }),
    );
    expect(lines).toEqual([
      {
        type: 'run',
        schema: 1,
        tool: 'drop-monitor',
        args: ['one'],
        options: { wide: true, top: '5' },
        scenario: 'storm',
        epoch_ns: '1795229657894440242',
        seed: 7,
        cpus: 2,
        duration_ns: 60e9,
        kernel: '6.18',
        release: '6.18.44',
        ring_pages: 8,
      },
      { type: 'drop', time_ns: 5, cpu: 1, reason: 'A', address: '9223372036854775808', bytes: '01ff' },
      { type: 'drop', time_ns: 6, cpu: 1, reason: 'B' },
      { type: 'drop', time_ns: 7, cpu: 1, reason: 'B' },
      { type: 'warning', message: 'mind this' },
      {
        type: 'summary',
        state: 'ended',
        time_ns: 1.5e9,
        events: 42,
        records: 3,
        groups: [
          { reason: 'B', location: 'y', count: 2, first_ns: 6, last_ns: 7 },
          { reason: 'A', location: 'x', count: 1, first_ns: 5, last_ns: 5 },
        ],
        ledger: {
          balanced: true,
          produced: 10,
          delivered: 6,
          lost: 3,
          filtered: 1,
          pending: 0,
          cpus: [
            { cpu: 0, produced: 7, delivered: 4, lost: 2, filtered: 1, pending: 0 },
            { cpu: 1, produced: 3, delivered: 2, lost: 1, filtered: 0, pending: 0 },
          ],
        },
      },
    ]);
  });

  test('a text at each tick, and the trace pipe when asked for', () => {
    const run = stagedRun(textView());
    const lines = parse(
      written(
        run,
        'json',
        () => {
          run.printed.next(['hello']);
          run.ticks.next({ time: 1e9, last: false });
          run.ticks.next({ time: 2e9, last: true });
        },
        true,
      ),
    );
    expect(lines.map((line) => line.type)).toEqual(['run', 'trace_printk', 'histogram', 'histogram', 'summary']);
    expect(lines[1]).toEqual({ type: 'trace_printk', line: 'hello' });
    expect(lines.slice(2, 4)).toEqual([
      { type: 'histogram', time_ns: 1e9, last: false, buckets: [3] },
      { type: 'histogram', time_ns: 2e9, last: true, buckets: [3] },
    ]);
    expect(lines[4]).not.toHaveProperty('groups');
  });
});
