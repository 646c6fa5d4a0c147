import { createRun, defineScenario, loadProfile, sec, type TextView, us } from 'tracebed';
import { describe, expect, test } from 'vitest';
import tool from '../../probes/funclatency/index.ts';

const profile = loadProfile('6.18');

/** Three calls of known length on two threads, each with a call inside. */
const scenario = defineScenario({
  name: 'calls',
  summary: 'known latencies',
  cpus: 2,
  duration: sec(3),
  events: ({ on, task, concurrently, after }) => {
    const curl = on({ task: task({ pid: 500, comm: 'curl' }), cpu: 0 });
    const wget = on({ task: task({ pid: 600, comm: 'wget' }), cpu: 1 });
    const connect = (place: typeof curl, micros: number) =>
      place.call('tcp_v4_connect', {}, { takes: us(micros), returns: 0 }, [
        place.call('tcp_connect', {}, { takes: us(10), returns: 0 }),
      ]);
    return concurrently(
      after(us(100), connect(curl, 100)),
      after(us(150), connect(wget, 3000)),
      after(sec(2), connect(curl, 120)),
    );
  },
});

function run(args: string[], toolOptions: Record<string, string | boolean> = {}) {
  const session = createRun({
    tool,
    args,
    toolOptions,
    scenario,
    profile,
    seed: 1,
    cpus: undefined,
    duration: undefined,
    speed: 'max',
    ringPages: 8,
  });
  const texts: string[] = [];
  session.ticks.subscribe(() => texts.push((session.view as TextView).lines.join('\n')));
  session.advance(session.duration);
  expect(session.failure).toBeUndefined();
  expect(session.warnings()).toEqual([]);
  return { session, texts, json: (session.view as TextView).json };
}

const bar = (stars: number): string => `|${'*'.repeat(stars).padEnd(40)}|`;

describe('printed as BCC prints it', () => {
  test('one function, microseconds', () => {
    const { session, texts } = run(['tcp_v4_connect'], { microseconds: true });
    using _ = session;
    expect(texts).toEqual([
      [
        'Tracing 1 functions for "tcp_v4_connect"... Hit Ctrl-C to end.',
        '',
        '     usecs               : count     distribution',
        `         0 -> 1          : 0        ${bar(0)}`,
        `         2 -> 3          : 0        ${bar(0)}`,
        `         4 -> 7          : 0        ${bar(0)}`,
        `         8 -> 15         : 0        ${bar(0)}`,
        `        16 -> 31         : 0        ${bar(0)}`,
        `        32 -> 63         : 0        ${bar(0)}`,
        `        64 -> 127        : 2        ${bar(40)}`,
        `       128 -> 255        : 0        ${bar(0)}`,
        `       256 -> 511        : 0        ${bar(0)}`,
        `       512 -> 1023       : 0        ${bar(0)}`,
        `      1024 -> 2047       : 0        ${bar(0)}`,
        `      2048 -> 4095       : 1        ${bar(20)}`,
        '',
        'avg = 1073 usecs, total: 3220 usecs, count: 3',
        '',
        'Detaching...',
      ].join('\n'),
    ]);
  });

  test('-F: a section for each function; a nested one does not disturb the outer', () => {
    const { session, texts, json } = run(['tcp_*connect'], { function: true, milliseconds: true });
    using _ = session;
    expect(texts[0]).toContain('\n\nFunction = tcp_connect\n');
    expect(texts[0]).toContain('\n\nFunction = tcp_v4_connect\n');
    expect(json.histograms).toEqual([
      { function: 'tcp_connect', slots: [{ low: 0n, high: 1n, count: 3 }] },
      {
        function: 'tcp_v4_connect',
        slots: [
          { low: 0n, high: 1n, count: 2 },
          { low: 2n, high: 3n, count: 1 },
        ],
      },
    ]);
  });

  test('-i starts anew each interval; -T puts the time above', () => {
    const { session, texts } = run(['tcp_v4_connect'], { interval: '1', timestamp: true });
    using _ = session;
    const counts = texts.map((text) => /count: (\d+)/.exec(text)?.[1]);
    expect(counts.slice(0, 3)).toEqual(['2', undefined, '1']);
    expect(texts[0]).toContain('\n\n00:00:01\n     nsecs  ');
    expect(texts[1]).toBe('\n00:00:02');
  });
});

test('--pid times one process', () => {
  const { session, json } = run(['tcp_v4_connect'], { pid: '600' });
  using _ = session;
  expect(json).toMatchObject({ unit: 'nsecs', count: 1, total: 3_000_000, average: 3_000_000 });
});

test.each<[string[], Record<string, string | boolean>, RegExp, RegExp]>([
  [['tcp_v4_conect'], {}, /no function 'tcp_v4_conect'/, /did you mean tcp_v4_connect/],
  [['no_such_*'], {}, /no function matches 'no_such_\*'/, /tracebed events/],
  [['tcp_v4_connect'], { interval: 'soon' }, /--interval cannot be 'soon'/, /above 0/],
])('%j %j is refused', (args, options, message, rest) => {
  let fault: unknown;
  try {
    run(args, options);
  } catch (caught) {
    fault = caught;
  }
  expect(fault).toMatchObject({ message: expect.stringMatching(message) });
  const { expected, hint } = fault as { expected?: string; hint?: string };
  expect(`${expected} ${hint}`).toMatch(rest);
});
