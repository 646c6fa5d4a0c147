import { describe, expect, test } from 'vitest';
import { ms, sec, UsageError } from '../../src/base/index.ts';
import { LabRun } from '../../src/lab/create.ts';
import type { RecordsView, Run, RunOptions, Speed, Tool, TracedRecord, WallClock } from '../../src/lab/index.ts';
import { createRun, watchRecords } from '../../src/lab/index.ts';
import { smallKernel } from './small-kernel.ts';
import { eventAt, noProfile, timed } from './staged.ts';

/** Real time as the test tells it: every look at the clock takes `look` ms, a sleep its time. */
class ToldClock implements WallClock {
  time = 0;
  breaths = 0;
  readonly look: number;

  constructor(look: number) {
    this.look = look;
  }

  now(): number {
    this.time += this.look;
    return this.time;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.time += milliseconds;
  }

  async breathe(): Promise<void> {
    this.breaths++;
  }
}

function options(speed: Speed, count = 100): RunOptions {
  const events = Array.from({ length: count }, (_, i) => eventAt(ms(10 * (i + 1))));
  return {
    tool: {} as Tool,
    args: [],
    toolOptions: {},
    scenario: { name: 'staged', summary: '', events: timed(events) },
    profile: noProfile,
    seed: 1,
    cpus: 2,
    duration: sec(10),
    speed,
    ringPages: 8,
  };
}

function staged(speed: Speed, look = 0.01, count = 100) {
  const kernel = smallKernel(2, 10);
  const view: RecordsView = {
    kind: 'records',
    noun: 'thing',
    levels: [],
    columns: [],
    take: () => kernel.taken.splice(0),
    detail: () => [],
  };
  const clock = new ToldClock(look);
  const run: Run = new LabRun(options(speed, count), kernel.machine, { ...kernel.tool, view }, 2, sec(10), clock);
  const batches: (readonly TracedRecord[])[] = [];
  run.records.subscribe((batch) => batches.push(batch));
  return { run, clock, batches };
}

describe('start', () => {
  test.each([1, 10, 0.5])('at speed %d takes the virtual time divided by it', async (speed) => {
    const { run, clock } = staged(speed);
    await run.start();
    expect(run).toMatchObject({ state: 'ended', time: sec(1), events: 100 });
    expect(clock.time).toBeGreaterThanOrEqual(1000 / speed);
    expect(clock.time).toBeLessThan(1000 / speed + 40);
  });

  test('at max it goes on at once, with a breath between slices', async () => {
    const { run, clock } = staged('max', 1);
    let slices = 0;
    run.onSlice(() => slices++);
    await run.start();
    expect(run.state).toBe('ended');
    expect(slices).toBeGreaterThan(5);
    expect(clock.breaths).toBe(slices);
  });

  test('a machine too slow for the speed forgives the lag rather than catch up for ever', async () => {
    const { run, clock } = staged(1000, 20);
    await run.start();
    expect(run.state).toBe('ended');
    expect(clock.breaths).toBeGreaterThan(10);
  });

  test('the records are the same at any speed', async () => {
    const results = await Promise.all(
      ([1, 333, 'max'] as const).map(async (speed) => {
        const { run, batches } = staged(speed);
        await run.start();
        return batches;
      }),
    );
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test('pause holds it, resume and speed let it go on', async () => {
    const { run, clock } = staged(1);
    const stop = run.onSlice(() => {
      if (run.time < ms(500)) return;
      stop();
      run.pause();
    });
    const ended = run.start();
    while (run.state !== 'paused') await Promise.resolve();
    const held = clock.time;
    for (let i = 0; i < 100; i++) await Promise.resolve();
    expect(clock.time - held).toBeLessThan(20);
    run.setSpeed(100);
    run.resume();
    await ended;
    expect(run.state).toBe('ended');
    expect(clock.time).toBeLessThan(700);
  });

  test('stop ends it, also a paused one, and completes what is watched', async () => {
    const { run } = staged(1);
    let completed = 0;
    run.records.subscribe({ complete: () => completed++ });
    run.ticks.subscribe({ complete: () => completed++ });
    run.printed.subscribe({ complete: () => completed++ });
    run.pause();
    expect(run.state).toBe('paused');
    const ended = run.start();
    run.stop();
    await ended;
    expect(run.state).toBe('ended');
    expect(completed).toBe(3);
  });

  test('a disposed run resolves and plays no more', async () => {
    const { run } = staged(1);
    run.advance(ms(50));
    run.pause();
    const ended = run.start();
    run[Symbol.dispose]();
    await ended;
    run.advance(sec(1));
    expect(run.events).toBe(5);
  });

  test.each([0, -1, Number.NaN])('a speed of %d is none', (speed) => {
    const { run } = staged(1);
    expect(() => run.setSpeed(speed)).toThrow(UsageError);
    expect(() => createRun(options(speed))).toThrow(UsageError);
  });
});

test('what a run tells of itself', () => {
  const { run } = staged('max');
  const tree = watchRecords(run);
  expect(run.state).toBe('ready');
  run.advance(ms(55));
  expect(run).toMatchObject({ state: 'running', time: ms(55), events: 5, speed: 'max', duration: sec(10) });
  expect(tree.count).toBe(5);
  expect(run.ledger()).toMatchObject({ balanced: true, total: { produced: 5, delivered: 5, pending: 0 } });
  expect(run.eventMeter.trend(run.time)).toEqual([5]);
  expect(run.warnings()).toEqual([]);
});
