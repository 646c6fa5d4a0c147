import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { from } from 'rxjs';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError, ms, Random, sec } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import type { Argument, KernelEvent, KernelObject } from '../../src/events/index.ts';
import {
  defineScenario,
  loadScenario,
  recordedScenario,
  recordLines,
  recordScenario,
  type Scenario,
} from '../../src/scenario/index.ts';
import { Slots } from '../../src/scenario/record-format.ts';
import { readRecordLines } from '../../src/scenario/record-read.ts';
import { play, smallProfile, stage } from './stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracebed-'));
afterAll(() => rmSync(folder, { recursive: true }));

function record(events: readonly KernelEvent[]): string[] {
  const lines: string[] = [];
  const scenario: Scenario = { name: 'x', summary: 'y', events: () => from(events) };
  expect(recordLines(scenario, stage({ duration: Number.MAX_SAFE_INTEGER }), (line) => lines.push(line))).toBe(
    events.length,
  );
  return lines;
}

/** Which of the objects in the events are the same, as numbers in order of appearance. */
function identities(events: readonly KernelEvent[]): number[] {
  const ids = new Map<unknown, number>();
  const id = (thing: unknown): number => {
    if (!ids.has(thing)) ids.set(thing, ids.size);
    return ids.get(thing)!;
  };
  return events.flatMap((event) => [
    id(event.task),
    id(event.stack),
    ...Object.values(event.kind === 'entry' ? event.args : event.kind === 'tracepoint' ? event.fields : {}).flatMap(
      (value) => (typeof value === 'object' && value !== null && 'object' in value ? [id(value)] : []),
    ),
  ]);
}

const device = fc.record({ object: fc.constant('net_device' as const), name: fc.string(), ifindex: fc.nat() });
const skb = fc.record({
  object: fc.constant('sk_buff' as const),
  data: fc.option(fc.uint8Array({ maxLength: 20 })),
  mac: fc.constant(-1),
  network: fc.constant(0),
  transport: fc.nat(40),
  start: fc.nat(40),
  length: fc.nat(),
  protocol: fc.nat(65535),
  dev: fc.option(device),
  sk: fc.constant(null),
});
const plain: fc.Arbitrary<Argument> = fc.oneof(
  fc.integer(),
  fc.bigInt(),
  fc.string(),
  fc.uint8Array({ maxLength: 8 }),
  fc.constant(null),
  fc.record({ symbol: fc.string() }),
);
const struct = fc.record({
  object: fc.constant('struct' as const),
  type: fc.string(),
  fields: fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(plain, device), { maxKeys: 3 }),
});
const user = fc.record({
  object: fc.constant('user' as const),
  content: fc.oneof(fc.string(), fc.uint8Array({ maxLength: 5 })),
});

/** Events whose tasks, stacks and objects are picked from few, so that they recur. */
const eventList = fc
  .record({
    tasks: fc.array(
      fc.record({ pid: fc.nat(), tgid: fc.nat(), comm: fc.string({ maxLength: 15 }), uid: fc.nat(), gid: fc.nat() }),
      { minLength: 1, maxLength: 3 },
    ),
    stacks: fc.array(fc.array(fc.string(), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    objects: fc.array(fc.oneof(skb, device, struct, user), { minLength: 1, maxLength: 4 }),
    drafts: fc.array(
      fc.record({
        gap: fc.nat(1000),
        cpu: fc.nat(7),
        pick: fc.nat(1000),
        kind: fc.constantFrom('entry', 'exit', 'tracepoint'),
        name: fc.string(),
        values: fc.array(plain, { maxLength: 3 }),
        returns: fc.oneof(fc.integer(), fc.bigInt()),
      }),
      { maxLength: 20 },
    ),
  })
  .map(({ tasks, stacks, objects, drafts }) => {
    let time = 0;
    return drafts.map(({ gap, cpu, pick, kind, name, values, returns }): KernelEvent => {
      time += gap;
      const moment = { time, cpu, task: tasks[pick % tasks.length]!, stack: stacks[pick % stacks.length]! };
      const named = Object.fromEntries(values.map((value, index) => [`v${index}`, value]));
      const all = { ...named, object: objects[pick % objects.length] as KernelObject };
      if (kind === 'exit') return { kind, ...moment, function: name, returns };
      return kind === 'entry'
        ? { kind, ...moment, function: name, args: all }
        : { kind: 'tracepoint', ...moment, name, fields: all };
    });
  });

describe('a recorded scenario', () => {
  test('reads back as the same events, identities and all', () => {
    fc.assert(
      fc.property(eventList, (events) => {
        const read = [...readRecordLines(record(events), 'x')];
        expect(read).toEqual(events);
        expect(identities(read)).toEqual(identities(events));
      }),
      { numRuns: 200 },
    );
  });

  test('of a file plays as its original, and records to the same bytes', async () => {
    const profile = loadProfile('6.18');
    const original = await loadScenario('drop-storm');
    const path = join(folder, 'storm.jsonl');
    const options = { profile, cpus: 4, duration: ms(2) };
    const count = recordScenario(original, stage({ ...options, random: new Random(7) }), path);
    expect(count).toBeGreaterThan(50);
    const copy = await loadScenario(path);
    expect(copy).toMatchObject({ name: 'drop-storm', cpus: 4, duration: ms(2) });
    const again = join(folder, 'again.jsonl');
    recordScenario({ ...copy, summary: original.summary }, stage({ ...options, random: new Random(7) }), again);
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    expect(copy.notes?.(profile)).toEqual([]);
    expect(copy.notes?.(loadProfile('6.1'))).toEqual([expect.stringContaining('recorded on kernel 6.18')]);
  });

  test.each(['tcp-clients', 'disk', 'processes'])('of %s keeps what changes, and who is who', async (name) => {
    const profile = loadProfile('6.18');
    const options = { profile, cpus: 2, duration: ms(400) };
    const original = await loadScenario(name);
    const lines: string[] = [];
    recordLines(original, stage({ ...options, random: new Random(7) }), (line) => lines.push(line));
    const events = [...readRecordLines(lines, 'x')];
    expect(events).toEqual(play(original, stage({ ...options, random: new Random(7) })));
    expect(record(events).slice(1)).toEqual(lines.slice(1));
  });

  test('of a trace keeps its epoch', async () => {
    const path = join(folder, 'trace.jsonl');
    const original = await loadScenario('udp_closed_port');
    recordScenario(original, stage({ profile: loadProfile('6.18'), duration: sec(1) }), path);
    expect((await loadScenario(path)).epoch).toBe(original.epoch);
  });

  const event: KernelEvent = {
    kind: 'tracepoint',
    time: 5,
    cpu: 0,
    task: { pid: 1, tgid: 1, comm: 'a', uid: 0, gid: 0 },
    stack: ['f+0x1'],
    name: 'a:b',
    fields: { x: 1 },
  };
  const good = record([event, { ...event, time: 6 }]);

  test.each<[string, (lines: string[]) => string[], RegExp, number]>([
    ['another JSON', (lines) => ['{"a":1}', ...lines.slice(1)], /not a recording/, 1],
    [
      'a later version',
      (lines) => [lines[0]!.replace('"version":1', '"version":2'), ...lines.slice(1)],
      /of version 2/,
      1,
    ],
    ['a header without CPUs', (lines) => [lines[0]!.replace('"cpus"', '"cups"'), ...lines.slice(1)], /no cpus/, 1],
    ['a garbled line', (lines) => [...lines.slice(0, 3), '[5,0,', ...lines.slice(4)], /not JSON/, 4],
    ['no last line', (lines) => lines.slice(0, -1), /cut off/, 6],
    ['a line missing', (lines) => lines.filter((_, index) => index !== 4), /has 1 events, its last line says 2/, 5],
    ['an undefined task', (lines) => lines.filter((line) => !line.includes('"task"')), /no task 0 was defined/, 3],
    ['time going back', (lines) => lines.map((line) => line.replace('[6,', '[4,')), /from 5 back to 4/, 5],
    ['an unknown kind', (lines) => lines.map((line) => line.replace('"tracepoint"', '"frame"')), /kind "frame"/, 4],
    ['an unknown value', (lines) => lines.map((line) => line.replace('{"x":1}', '{"x":{"hex":"0"}}')), /a value/, 4],
    ['something behind the end', (lines) => [...lines, '{}'], /more behind/, 7],
  ])('%s is refused with its line', (_, change, message, line) => {
    const read = () => [...readRecordLines(change([...good]), 'x.jsonl')];
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ at: expect.objectContaining({ file: 'x.jsonl', line }) }));
  });

  test('a fault in the file reaches who plays it', async () => {
    const path = join(folder, 'bad.jsonl');
    writeFileSync(path, good.slice(0, 4).join('\n'));
    const scenario = await loadScenario(path);
    expect(() => play(scenario, stage({ profile: smallProfile() }))).toThrow(/cut off/);
  });

  test('a folder that is not there is refused', () => {
    const scenario: Scenario = { name: 'x', summary: 'y', events: () => from([]) };
    expect(() => recordScenario(scenario, stage(), join(folder, 'no/where.jsonl'))).toThrow(/no such folder/);
  });
});

test('slots go to what has been out of use for longest', () => {
  const slots = new Slots<object>(2);
  const [a, b, c] = [{}, {}, {}];
  expect([slots.give(a), slots.give(b)]).toEqual([0, 1]);
  expect(slots.use(a)).toBe(0);
  expect(slots.give(c)).toBe(1);
  expect([slots.use(b), slots.use(a), slots.use(c)]).toEqual([undefined, 0, 1]);
});

test('a recording that cannot be written fails at once, with what the writer said', async () => {
  const scenario = await loadScenario('drop-storm');
  let lines = 0;
  const emit = (): void => {
    if (++lines === 10) throw new Error('the disk is full');
  };
  expect(() => recordLines(scenario, stage({ profile: loadProfile('6.18'), duration: sec(1) }), emit)).toThrow(
    'the disk is full',
  );
  expect(lines).toBe(10);
});

test('user events, activities and raw arguments come back as they were', async () => {
  const scenario = await loadScenario('app');
  const events: KernelEvent[] = [];
  const lines: string[] = [];
  const once = () => stage({ duration: ms(40), profile: loadProfile('6.18') });
  recordLines(scenario, once(), (line) => lines.push(line));
  const on = once();
  const playing = scenario.events(on).subscribe((event) => events.push(event));
  on.scheduler.advanceTo(ms(40));
  playing.unsubscribe();
  const read = [...readRecordLines(lines, 'app.trace')];
  const known: ReadonlySet<string> = new Set(events.map((event) => event.kind));
  expect([...known].sort()).toEqual(['activity', 'entry', 'exit', 'tracepoint', 'userEntry', 'userExit', 'userMarker']);
  expect(read).toEqual(events);
  expect(JSON.parse(lines[0]!).processes).toEqual(scenario.processes);
});

test('what a scenario says of /proc and of containers is in its recording', () => {
  const scenario = defineScenario({
    name: 'boxes',
    summary: 'nothing happens',
    files: { '/proc/loadavg': '0.42 0.17 0.05 2/99 1234\n' },
    containerMaps: [{ path: '/sys/fs/bpf/boxes', mountNamespaces: [4026532400] }],
    events: ({ quiet }) => quiet(ms(1)),
  });
  const lines: string[] = [];
  recordLines(scenario, stage({ duration: ms(1), profile: loadProfile('6.18') }), (line) => lines.push(line));
  const path = join(folder, 'boxes.tbs');
  writeFileSync(path, lines.join('\n'));
  expect(recordedScenario(path)).toMatchObject({ files: scenario.files, containerMaps: scenario.containerMaps });
});
