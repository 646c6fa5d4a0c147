import { describe, expect, test } from 'vitest';
import { sec } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { createRun, loadTool, type Run, watchRecords } from '../../src/lab/index.ts';
import { loadScenario } from '../../src/scenario/index.ts';
import { tracebed } from '../cli/console.ts';

async function stormRun(over: { ringPages?: number; duration?: number } = {}): Promise<Run> {
  return createRun({
    tool: await loadTool('drop-monitor'),
    args: [],
    toolOptions: {},
    scenario: await loadScenario('drop-storm'),
    profile: loadProfile('6.18'),
    seed: 1,
    cpus: 4,
    duration: over.duration ?? sec(2),
    speed: 'max',
    ringPages: over.ringPages ?? 64,
  });
}

interface Ledger {
  readonly produced: number;
  readonly delivered: number;
  readonly lost: number;
  readonly filtered: number;
  readonly pending: number;
}

function expectBalanced(ledger: Ledger): void {
  expect(ledger.produced).toBe(ledger.delivered + ledger.lost + ledger.filtered);
}

describe('a storm', () => {
  test('of 100,000 events keeps within its limits, and every drop is accounted for', async () => {
    using run = await stormRun();
    const tree = watchRecords(run, { records: 2000, recordsPerGroup: 20, groupsPerLevel: 300 });
    for (let time = 0; time <= sec(2); time += sec(0.1)) {
      run.advance(time);
      expectBalanced(run.ledger().total);
      expect(tree.size.records).toBeLessThanOrEqual(2000);
      for (const groups of tree.size.groups) expect(groups).toBeLessThanOrEqual(300);
    }
    expect(run.events).toBeGreaterThan(100_000);
    expect(run.state).toBe('ended');
    const { total, balanced, cpus } = run.ledger();
    expect(balanced).toBe(true);
    expect(total).toMatchObject({ produced: tree.count, delivered: tree.count, lost: 0, pending: 0 });
    cpus.forEach(expectBalanced);
    expect(run.warnings()).toEqual([]);
  });

  test('over rings of one page loses records, and all that are lost are counted', async () => {
    const argv = ['run', '--scenario', 'drop-storm', '--duration', '300ms', '--ring-pages', '1', '--format', 'json'];
    const { code, out, err } = await tracebed(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    const summary = JSON.parse(lines.at(-1)!) as {
      records: number;
      ledger: Ledger & { balanced: boolean; cpus: Ledger[] };
    };
    const { ledger } = summary;
    expect(ledger.lost).toBeGreaterThan(0);
    expect(ledger.balanced).toBe(true);
    expect(ledger.delivered).toBe(summary.records);
    expect(lines.filter((line) => line.startsWith('{"type":"drop"'))).toHaveLength(ledger.delivered);
    for (const row of [ledger, ...ledger.cpus]) expectBalanced(row);
    const whole = await stormRun({ duration: sec(0.3) });
    whole.advance(sec(0.3));
    expect(whole.ledger().total).toMatchObject({ produced: ledger.produced, lost: 0 });
    whole[Symbol.dispose]();
  });

  test('cut into slices is the same storm, losses too', async () => {
    const results = await Promise.all(
      [[sec(0.1)], [1, 77_777, sec(0.03), sec(0.03) + 1, sec(0.1)]].map(async (slices) => {
        using run = await stormRun({ duration: sec(0.1), ringPages: 1 });
        const records: string[] = [];
        run.records.subscribe((batch) => records.push(...batch.map((record) => JSON.stringify(record.json))));
        for (const until of slices) run.advance(until);
        return { records, ledger: run.ledger(), events: run.events, state: run.state };
      }),
    );
    expect(results[0]?.ledger.total.lost).toBeGreaterThan(0);
    expect(results[1]).toEqual(results[0]);
  });

  test('of another seed is another storm', async () => {
    const argv = ['run', '--scenario', 'drop-storm', '--duration', '20ms', '--format', 'json'];
    const [one, again, other] = await Promise.all(['1', '1', '2'].map((seed) => tracebed([...argv, '--seed', seed])));
    expect(again).toEqual(one);
    expect(other!.out).not.toBe(one!.out);
  });
});
