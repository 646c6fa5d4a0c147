import { type Observable, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { InputError, ms, Random, sec, us } from '../../src/base/index.ts';
import { buildPacket, type KernelEvent, skBuff } from '../../src/events/index.ts';
import { defineScenario, perSecond, type ScenarioDefinition, type Script } from '../../src/scenario/index.ts';
import { play, smallProfile, stage } from './stage.ts';

const scenario = (events: ScenarioDefinition['events']) => defineScenario({ name: 'test', summary: 'A test.', events });

const times = (events: readonly KernelEvent[]) => events.map((event) => event.time);

const skb = skBuff({
  data: buildPacket({
    ethernet: { source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' },
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
    udp: { sourcePort: 1, destinationPort: 2 },
  }),
});

describe('generators', () => {
  const tick = (script: Script) => () => script.tracepoint('sched:sched_switch', { prev_pid: 1 });

  test.each<[string, (script: Script) => Observable<KernelEvent>, number[]]>([
    ['every', (s) => s.every(us(10), tick(s), 3), [10, 20, 30]],
    ['burst', (s) => s.burst(3, us(5), tick(s)), [0, 5, 10]],
    ['after', (s) => s.after(us(7), tick(s)), [7]],
    ['after an observable', (s) => s.after(us(7), s.burst(2, us(1), tick(s))), [7, 8]],
    [
      'sequence',
      (s) => s.sequence(s.every(us(2), tick(s), 2), s.quiet(us(10)), s.burst(2, us(1), tick(s))),
      [2, 4, 14, 15],
    ],
    [
      'sequence of what is made when its turn comes',
      (s) =>
        s.sequence(
          tick(s),
          s.quiet(us(3)),
          () => [tick(s)(), tick(s)()],
          () => s.after(us(2), tick(s)),
        ),
      [0, 3, 3, 5],
    ],
    ['concurrently, one at once', (s) => s.concurrently(tick(s), s.after(us(2), tick(s))), [0, 2]],
    ['repeat an event', (s) => s.repeat(tick(s), us(9), 2), [0, 9]],
    ['concurrently', (s) => s.concurrently(s.every(us(4), tick(s), 2), s.every(us(3), tick(s), 3)), [3, 4, 6, 8, 9]],
    ['repeat', (s) => s.repeat(s.burst(2, us(1), tick(s)), us(9), 2), [0, 1, 10, 11]],
    ['lasting', (s) => s.lasting(us(25), s.every(us(10), tick(s))), [10, 20]],
    ['ramp, even', (s) => s.ramp(100_000, 100_000, us(30), tick(s)), [10, 20, 30]],
    ['ramp, rising', (s) => s.ramp(0, 2e6, us(4), tick(s)), [2, 2.828, 3.464, 4]],
    ['none', (s) => s.burst(0, 1, tick(s)), []],
  ])('%s', (_, events, expected) => {
    expect(times(play(scenario(events))).map((time) => time / 1e3)).toEqual(expected);
  });

  test('what events returns may be an event alone; nothing is told', () => {
    expect(times(play(scenario((s) => tick(s)())))).toEqual([0]);
    const nothing = (value: unknown) => () => play(scenario(() => value as Observable<KernelEvent>));
    expect(nothing(undefined)).toThrow(/^events of scenario \w+ returned undefined$/);
    expect(nothing(null)).toThrow(/returned null$/);
    expect(nothing('x')).toThrow(/returned x$/);
  });

  test.each(['sequence', 'concurrently', 'lasting', 'after', 'repeat'] as const)(
    '%s takes no event that is made already: it would hold the time that it was made at',
    (word) => {
      const given = (s: Script) => {
        const event = tick(s)() as never;
        return word === 'lasting' || word === 'after' ? s[word](us(1), event) : s[word](event);
      };
      expect(() => play(scenario(given))).toThrow(`${word} was given an event that is made already`);
    },
  );

  test('a ramp makes what its rates promise', () => {
    const events = play(scenario((s) => s.ramp(1000, 3000, sec(2), tick(s))));
    expect(events).toHaveLength(4000);
    expect(events.filter((event) => event.time <= sec(1))).toHaveLength(1500);
  });

  test('poisson keeps its rate, and a seed its times', () => {
    const one = scenario((s) => s.poisson(perSecond(1000), tick(s)));
    const first = play(one, stage({ duration: sec(10) }));
    expect(first.length).toBeGreaterThan(9600);
    expect(first.length).toBeLessThan(10_400);
    expect(times(play(one, stage({ duration: sec(10) })))).toEqual(times(first));
    const other = play(one, stage({ duration: sec(10), random: new Random(2) }));
    expect(times(other)).not.toEqual(times(first));
  });

  test('two poissons of one scenario are independent', () => {
    const made = (n: number) =>
      times(
        play(
          scenario((s) => {
            const both = [s.poisson(ms(1), tick(s), 5), s.poisson(ms(1), tick(s), 5)];
            return both[n]!;
          }),
        ),
      );
    expect(made(0)).not.toEqual(made(1));
  });

  test('a course that a generator began goes on beside the next', () => {
    const events = play(scenario((s) => s.burst(2, us(3), (i) => s.call(`f${i}`, {}, { takes: us(5) }))));
    expect(
      events.map((event) => `${event.time / 1e3} ${event.kind} ${(event as { function: string }).function}`),
    ).toEqual(['0 entry f0', '3 entry f1', '5 exit f0', '8 exit f1']);
  });

  test('what a maker throws reaches the player', () => {
    const failing = scenario((s) =>
      s.every(us(1), () => {
        throw new Error('no such luck');
      }),
    );
    expect(() => play(failing)).toThrow('no such luck');
    expect(() => play(scenario((s) => s.every(0, tick(s))))).toThrow(InputError);
  });

  test('a scenario can be cut by its player at any time', () => {
    const seen: number[] = [];
    const on = stage();
    scenario((s) => s.every(us(1), tick(s)))
      .events(on)
      .pipe(take(3))
      .subscribe((event) => seen.push(event.time));
    on.scheduler.advanceTo(sec(1));
    expect(seen).toEqual([us(1), us(2), us(3)]);
    expect(on.scheduler.next).toBeUndefined();
  });
});

describe('call', () => {
  const line = (event: KernelEvent) =>
    `${event.time} ${event.kind} ${labelOf(event)} < ${event.stack.slice(1).join(' < ')}`;

  test('nested calls lie within their caller, on its stack', () => {
    const events = play(
      scenario((s) => {
        const app = s.on({ cpu: 1, task: s.task({ pid: 7, comm: 'app' }), stack: ['entry+0x1'] });
        const inner = app.call('inner', { a: 1 }, { takes: 30, returns: 5 });
        return app.call('outer', { sk: null }, { takes: 100, returns: -111 }, [
          inner,
          (inside) => inside.tracepoint('sched:sched_switch', { prev_pid: 7 }),
          app.call('last', {}, { takes: 10, after: 0 }),
        ]);
      }),
    );
    expect(events.map(line).map((text) => text.replace(/(outer)\+0x[0-9a-f]+/g, '$1+site'))).toEqual([
      '0 entry outer < entry+0x1',
      '20 entry inner < outer+site < entry+0x1',
      '50 exit inner < outer+site < entry+0x1',
      '70 tracepoint sched:sched_switch < entry+0x1',
      '70 entry last < outer+site < entry+0x1',
      '80 exit last < outer+site < entry+0x1',
      '100 exit outer < entry+0x1',
    ]);
    expect(events.every((event) => event.cpu === 1 && event.task.comm === 'app')).toBe(true);
    expect(events[0]).toMatchObject({ args: { sk: null } });
    expect(events.at(-1)).toMatchObject({ returns: -111 });
  });

  test('equal stacks are one array', () => {
    const events = play(scenario((s) => s.burst(3, 1, () => s.call('f', {}, { takes: 1 }, [s.call('g')]))));
    expect(new Set(events.map((event) => event.stack)).size).toBe(2);
  });

  test('a call shorter than what it calls is refused', () => {
    const short = scenario((s) => s.call('f', {}, { takes: 5 }, [s.call('g', {}, { takes: 6 })]));
    expect(() => play(short)).toThrow('f takes 5ns, what it calls takes 6ns');
  });

  test('a system call passes its tracepoints and carries its registers', () => {
    const filename = { object: 'user', content: '/etc/hosts' } as const;
    const events = play(scenario((s) => s.syscall('openat', { dfd: -100, filename }, { takes: us(3), returns: 4 })));
    expect(
      events.map((event) => (event.kind === 'tracepoint' ? event.name : `${event.kind} ${labelOf(event)}`)),
    ).toEqual([
      'raw_syscalls:sys_enter',
      'syscalls:sys_enter_openat',
      'entry __x64_sys_openat',
      'exit __x64_sys_openat',
      'raw_syscalls:sys_exit',
      'syscalls:sys_exit_openat',
    ]);
    expect(events[2]).toMatchObject({ args: { dfd: -100, filename } });
    const [, entry] = play(scenario((s) => s.syscall('read', { fd: 3, buf: null, count: 9 })));
    expect(entry).toMatchObject({
      args: { regs: { type: 'pt_regs', fields: { orig_ax: 0, di: 3, si: null, dx: 9 } } },
    });
    expect(() => play(scenario((s) => s.syscall('opnat', {})))).toThrow("no system call 'opnat'");
    expect(() => play(scenario((s) => s.syscall('openat', { path: 1 })))).toThrow("openat has no argument 'path'");
  });
});

describe('drop', () => {
  const drops = (s: Script) =>
    s.after(0, () =>
      s.drop({ skb, reason: 'NO_SOCKET', location: '__udp4_lib_rcv+0x4bc', stack: ['ip_protocol_deliver_rcu+0xb3'] }),
    );

  test('fires the drop function and the tracepoint, in order', () => {
    const events = play(scenario(drops));
    expect(events).toMatchObject([
      { kind: 'entry', function: 'sk_skb_reason_drop', args: { sk: null, skb, reason: 3 } },
      {
        kind: 'tracepoint',
        name: 'skb:kfree_skb',
        fields: { skbaddr: skb, location: { symbol: '__udp4_lib_rcv+0x4bc' }, rx_sk: null, protocol: 0x800, reason: 3 },
        stack: ['sk_skb_reason_drop+0x90', '__udp4_lib_rcv+0x4bc', 'ip_protocol_deliver_rcu+0xb3'],
      },
      { kind: 'exit', function: 'sk_skb_reason_drop' },
    ]);
  });

  test.each([
    ['kfree_skb_reason', { skb, reason: 2 }, ['skbaddr', 'location', 'protocol', 'reason']],
    ['kfree_skb', { skb }, ['skbaddr', 'location', 'protocol']],
  ])('an older kernel has %s', (dropFunction, args, fields) => {
    const profile = smallProfile({ dropFunction, reasons: { NO_SOCKET: 2 } });
    const [entry, traced] = play(scenario(drops), stage({ profile }));
    expect(entry).toMatchObject({ function: dropFunction });
    expect((entry as { args: unknown }).args).toEqual(args);
    expect(Object.keys((traced as { fields: object }).fields)).toEqual(fields);
  });

  test('a reason that the kernel does not have is refused', () => {
    const profile = smallProfile({ reasons: {} });
    expect(() => play(scenario(drops), stage({ profile }))).toThrow("kernel small has no drop reason 'NO_SOCKET'");
  });
});

test('a name for a scenario is a word', () => {
  expect(() => defineScenario({ name: 'a b', summary: '', events: (s) => s.quiet(1) })).toThrow(InputError);
});

/** What happens, by its name. */
function labelOf(event: KernelEvent): string {
  return 'name' in event ? event.name : 'function' in event ? event.function : event.kind;
}
