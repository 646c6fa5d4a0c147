import fc from 'fast-check';
import { concat, from, NEVER, Observable, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { InputError, ms, Random, sec, us } from '../../src/base/index.ts';
import { wakeupLatency } from '../../src/lab/index.ts';
import { Player } from '../../src/lab/player.ts';
import { createScheduler, type Scenario } from '../../src/scenario/index.ts';
import { smallKernel } from './small-kernel.ts';
import { eventAt, noProfile, timed } from './staged.ts';

interface Staged {
  readonly events: Scenario['events'];
  readonly room?: number;
  readonly duration?: number;
  readonly interval?: number;
}

function staged({ events, room = 1000, duration = sec(1), interval }: Staged) {
  const kernel = smallKernel(2, room, interval === undefined ? {} : { interval });
  const stage = {
    profile: noProfile,
    random: new Random(1),
    cpus: 2,
    duration,
    scheduler: createScheduler(),
  };
  const scenario: Scenario = { name: 'staged', summary: '', events };
  const player = new Player(kernel.machine, kernel.tool, scenario, stage, {
    drained: () => {},
    ticked: () => {},
    printed: () => {},
  });
  const playTo = (until: number): void => {
    do player.step(until);
    while (!player.ended && player.time < until);
  };
  return { ...kernel, player, playTo };
}

describe('a player', () => {
  test('reads a fixed time after the first wake-up, all that has come by then', () => {
    const { playTo, log } = staged({ events: timed([us(10), us(500), us(1010), us(1011)].map((at) => eventAt(at))) });
    playTo(sec(1));
    expect(wakeupLatency).toBe(ms(1));
    expect(log).toEqual(['read 10000,500000,1010000 at 1010000', 'read 1011000 at 1011000', 'last tick at 1011000']);
  });

  test('a burst overruns a small ring, and what is lost is counted', () => {
    const burst = Array.from({ length: 10 }, (_, i) => eventAt(us(i), i % 2));
    const { playTo, taken, lost, player } = staged({ events: timed(burst), room: 3 });
    playTo(sec(1));
    expect(taken).toHaveLength(6);
    expect(lost).toEqual([2, 2]);
    expect(player.events).toBe(10);
  });

  test('ticks at its interval and a last time at the end, after the reader', () => {
    const events = timed([eventAt(ms(5)), eventAt(ms(9)), eventAt(ms(21))]);
    const { playTo, log } = staged({ events, interval: ms(10) });
    playTo(sec(1));
    expect(log).toEqual([
      'read 5000000 at 6000000',
      'read 9000000 at 10000000',
      'tick at 10000000',
      'tick at 20000000',
      'read 21000000 at 21000000',
      'last tick at 21000000',
    ]);
  });

  test('ends at its duration, with events of that moment and none after', () => {
    const events = concat(from([sec(0.5), sec(1), sec(1) + 1].map((at) => eventAt(at))), NEVER);
    const { playTo, player, taken } = staged({ events: () => events });
    playTo(sec(7));
    expect(player).toMatchObject({ ended: true, time: sec(1), failure: undefined, events: 2 });
    expect(taken.map((record) => record.time)).toEqual([sec(0.5), sec(1)]);
  });

  test('a scenario that emits ahead of its time is played at the times it names, and waited for', () => {
    const { playTo, player, log } = staged({ events: () => of(eventAt(ms(3)), eventAt(ms(8))) });
    playTo(ms(5));
    expect(player.ended).toBe(false);
    playTo(sec(1));
    expect(log).toEqual(['read 3000000 at 4000000', 'read 8000000 at 8000000', 'last tick at 8000000']);
    expect(player.time).toBe(ms(8));
  });

  test('stop reads what waits and ticks a last time', () => {
    const { playTo, player, log } = staged({ events: timed([eventAt(us(10)), eventAt(sec(1))]) });
    playTo(us(20));
    player.stop();
    player.stop();
    expect(log).toEqual(['read 10000 at 20000', 'last tick at 20000']);
    expect(player).toMatchObject({ ended: true, time: us(20), failure: undefined });
  });
});

describe('a failure keeps what was written', () => {
  const written = eventAt(us(10));
  const cases: Record<string, { events: Scenario['events']; message: string; at: number }> = {
    'an error of the Observable': {
      events: (stage) =>
        concat(
          timed([written])(stage),
          throwError(() => new Error('boom')),
        ),
      message: 'scenario staged failed at 10us: boom',
      at: us(10),
    },
    'an exception of scheduled work': {
      events: (stage) =>
        new Observable((subscriber) => {
          stage.scheduler.schedule(() => subscriber.next(written), written.time);
          stage.scheduler.schedule(() => {
            throw new TypeError('not a thing');
          }, us(30));
        }),
      message: 'scenario staged failed at 30us: not a thing',
      at: us(30),
    },
    'an event that the kernel refuses': {
      events: timed([written, eventAt(us(40), 0, 'refused'), eventAt(us(50))]),
      message: 'scenario staged failed at 40us: no such function',
      at: us(40),
    },
    'something that is no event': {
      events: (stage) =>
        new Observable((subscriber) => {
          stage.scheduler.schedule(() => subscriber.next(written), written.time);
          stage.scheduler.schedule(() => subscriber.next(JSON.parse('null')), us(20));
        }),
      message: 'scenario staged failed at 20us: it emits something that is no event',
      at: us(20),
    },
    'an event that comes late': {
      events: (stage) =>
        new Observable((subscriber) => {
          stage.scheduler.schedule(() => subscriber.next(written), written.time);
          stage.scheduler.schedule(() => subscriber.next(eventAt(us(15))), us(20));
        }),
      message: 'scenario staged failed at 20us: an event of 15us comes late',
      at: us(20),
    },
  };

  test.each(Object.entries(cases))('%s', (_, { events, message, at }) => {
    const { playTo, player, log } = staged({ events });
    playTo(sec(1));
    expect(player.failure).toBeInstanceOf(InputError);
    expect(player).toMatchObject({ ended: true, time: at, events: 1, failure: { message } });
    expect(log).toEqual([`read 10000 at ${at}`, `last tick at ${at}`]);
  });

  test('a scenario that cannot even begin', () => {
    const fault = new InputError('bad trace', { at: { file: 'x.trace', line: 3 } });
    const { playTo, player } = staged({
      events: () => {
        throw fault;
      },
    });
    playTo(sec(1));
    expect(player.failure).toBe(fault);
  });
});

test('a run cut into any slices is the same run', () => {
  const moments = fc.array(fc.tuple(fc.integer({ min: 0, max: ms(20) }), fc.integer({ min: 0, max: 1 })), {
    minLength: 1,
    maxLength: 40,
  });
  const cuts = fc.array(fc.integer({ min: 0, max: ms(25) }), { maxLength: 12 });
  fc.assert(
    fc.property(moments, cuts, fc.integer({ min: 1, max: 5 }), (list, slices, room) => {
      const events = timed(list.map(([at, cpu]) => eventAt(at, cpu)).sort((a, b) => a.time - b.time));
      const options: Staged = { events, room, duration: ms(18), interval: ms(4) };
      const whole = staged(options);
      whole.playTo(ms(30));
      const sliced = staged(options);
      for (const until of [...slices.sort((a, b) => a - b), ms(30)]) sliced.playTo(until);
      expect(sliced.log).toEqual(whole.log);
      expect(sliced.taken).toEqual(whole.taken);
      expect(sliced.lost).toEqual(whole.lost);
      expect(sliced.player.time).toBe(whole.player.time);
    }),
  );
});
