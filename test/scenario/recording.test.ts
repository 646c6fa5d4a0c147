import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import {
  decodePacket,
  flowOf,
  formatFlow,
  type KernelEvent,
  type SkBuff,
  type TracepointEvent,
} from '../../src/events/index.ts';
import { loadScenario, recordingScenario, type Scenario } from '../../src/scenario/index.ts';
import { play, stage } from './stage.ts';

const folder = fileURLToPath(new URL('../../scenarios/recordings/', import.meta.url));
const profile = loadProfile('6.18');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.trace'))
  .map((file) => file.slice(0, -'.trace'.length));

const playAll = (scenario: Scenario) => play(scenario, stage({ profile, duration: scenario.duration! }));

const dropsOf = (events: readonly KernelEvent[]) =>
  events.filter((event): event is TracepointEvent => event.kind === 'tracepoint' && event.name === 'skb:kfree_skb');

const skbOf = (event: TracepointEvent) => event.fields.skbaddr as SkBuff;

const locationOf = (event: TracepointEvent) => (event.fields.location as { symbol: string }).symbol;

const flow = (skb: SkBuff) => (skb.data ? formatFlow(flowOf(decodePacket(skb.data, { link: 'ethernet' }))!) : null);

function tally(keys: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** What the trace's own lines say, read by a pattern of this test alone. */
function linesOf(name: string): { drops: RegExpMatchArray[]; events: number } {
  const text = readFileSync(`${folder}${name}.trace`, 'utf8');
  const line =
    /^ +(\S+)-(\d+) +\[(\d+)\] \S+ +(\d+\.\d+): kfree_skb: .* location=(\S+)\/0x\S+ reason: (\S+)\n(?: .*<stack trace>\n)?((?: => .*\n)*)/gm;
  const events = text.match(/^ +\S+-\d+ +\[\d+\] \S+ +\d+\.\d+: (?!tracing_mark_write)\w+: /gm)?.length ?? 0;
  return { drops: [...text.matchAll(line)], events };
}

describe.each(names)('the recording %s', (name) => {
  test('gives its drops by reason and location, with task, CPU, time and stack', async () => {
    const lines = linesOf(name);
    const scenario = await loadScenario(name);
    const events = playAll(scenario);
    const drops = dropsOf(events);
    expect(drops.length).toBeGreaterThan(0);
    expect(
      tally(drops.map((drop) => `${profile.dropReasonName(drop.fields.reason as number)} ${locationOf(drop)}`)),
    ).toEqual(tally(lines.drops.map((match) => `${match[6]} ${match[5]}`)));
    const who = ({ cpu, task }: KernelEvent) => `${cpu} ${task.pid} ${task.comm}`;
    expect(drops.map(who)).toEqual(
      lines.drops.map(
        ([, comm, pid, cpu]) => `${Number(cpu)} ${pid} ${comm === '<idle>' ? `swapper/${Number(cpu)}` : comm}`,
      ),
    );
    const begin = lines.drops[0]!;
    for (const [index, drop] of drops.entries()) {
      const elapsed = (Number(lines.drops[index]![4]) - Number(begin[4])) * 1e9;
      expect(Math.abs(drop.time - drops[0]!.time - elapsed)).toBeLessThan(1000);
      expect(drop.stack).toContain(locationOf(drop));
      const recorded = lines.drops[index]![7]!.match(/(?<==> )[^/]+/g);
      if (recorded?.includes(locationOf(drop))) expect(drop.stack).toEqual(recorded);
    }
    // Each drop is three events, every other line one, and nothing is left out.
    expect(events).toHaveLength(lines.events + 2 * lines.drops.length);
    expect(scenario.notes?.(profile).filter((note) => note.includes('left out'))).toEqual([]);
  });

  test('fires the drop function around each drop, with the same buffer', async () => {
    const events = playAll(await loadScenario(name));
    for (const [index, event] of events.entries()) {
      if (event.kind !== 'tracepoint' || event.name !== 'skb:kfree_skb') continue;
      const [before, after] = [events[index - 1]!, events[index + 1]!];
      expect(before).toMatchObject({ kind: 'entry', function: 'sk_skb_reason_drop', time: event.time, cpu: event.cpu });
      expect(before.kind === 'entry' && before.args.skb).toBe(event.fields.skbaddr);
      expect(before.stack[0]).toBe('sk_skb_reason_drop+0x1');
      expect(before.stack).toContain(locationOf(event));
      expect(after).toMatchObject({ kind: 'exit', function: 'sk_skb_reason_drop', time: event.time });
    }
  });
});

test.each([
  ['udp_closed_port', Array(3).fill(['kvb', 72, 'UDP 10.77.0.1:42104 → 10.77.0.2:9999'])],
  [
    'tcp_closed_port',
    [
      ['kvb', 40, 'TCP 10.77.0.1:53896 → 10.77.0.2:9998'],
      ['kvb', 40, 'TCP 10.77.0.1:40112 → 10.77.0.2:9997'],
    ],
  ],
  [
    'bad_checksums',
    [
      ['kvb', 40, 'UDP 10.77.0.1:1111 → 10.77.0.2:5400'],
      ['kvb', 20, 'TCP 10.77.0.1:1112 → 10.77.0.2:5401'],
      ['kvb', 60, 'UDP 10.77.0.1:1113 → 10.77.0.2:5400'],
      ['kvb', 24, 'ICMP 10.77.0.1 → 10.77.0.2'],
    ],
  ],
  ['nft_input_drop', Array(4).fill(['kvb', 92, 'UDP 10.77.0.1:35657 → 10.77.0.2:5300'])],
  [
    'malformed',
    [
      ['kvb', 48, 'UDP 10.77.0.1:53 → 10.77.0.2:1'],
      ['kvb', 37, 'UDP 10.77.0.1:53 → 10.77.0.2:53'],
      ['kvb', 28, 'IP protocol 253 10.77.0.1 → 10.77.0.2'],
      ['kvb', 35, 'UDP 127.0.0.5:53 → 10.77.0.2:53'],
      ['kvb', 20, 'TCP 10.77.0.1:2000 → 10.77.0.2:9996'],
      ['kvb', 33, 'UDP 10.77.0.1:53 → 10.77.0.2:1'],
    ],
  ],
  [
    'rp_filter_and_route',
    [
      ['kvb', 33, 'UDP 192.0.2.9:53 → 10.77.0.2:53'],
      ['kvb', 35, 'UDP 10.77.0.1:53 → 198.51.100.7:53'],
      ['kvb', 32, 'UDP 10.77.0.1:53 → 198.51.100.7:53'],
      ['kvb', 32, 'UDP 10.77.0.1:53 → 198.51.100.7:53'],
    ],
  ],
  [
    'tbf_qdisc',
    [
      ['kvb', 1008, 'UDP 10.77.0.1:55077 → 10.77.0.2:9995'],
      ...Array(9).fill(['kva', 1042, null]),
      ['kvb', 1008, 'UDP 10.77.0.1:55077 → 10.77.0.2:9995'],
      ['kva', 1042, null],
    ],
  ],
  ['neigh_fail', Array(5).fill([undefined, 0, null])],
  ['nft_output_drop', Array(2).fill([undefined, 0, null])],
  ['nocap_unknown_ethertype', Array(2).fill(['kvb', 50, null])],
  ['veth_ring_overflow', Array(4).fill([undefined, 74, 'UDP 10.77.0.1:40845 → 10.77.0.2:5900'])],
])('%s: device, length and flow of each drop, no more than is known', async (name, expected) => {
  const drops = dropsOf(playAll(await loadScenario(name))).map(skbOf);
  expect(drops.map((skb) => [skb.dev?.name, skb.length, flow(skb)])).toEqual(expected);
  for (const skb of drops) {
    if (skb.data === null) expect(skb.missing).toMatch(/./);
    else expect(skb.length + skb.start === skb.data.length || /kept 128 of/.test(skb.missing ?? '')).toBe(true);
  }
});

test.each([
  ['of a queue that its socket leaves behind', 'socket_close', Array(4).fill(5100)],
  ['behind single and outer VLAN tags', 'vlan_unknown', Array(5).fill(22)],
])('packets %s are found', async (_, name, ports) => {
  const drops = dropsOf(playAll(await loadScenario(name))).map(skbOf);
  expect(drops.map((skb) => flowOf(decodePacket(skb.data!, { link: 'ethernet' }))!.destinationPort)).toEqual(ports);
});

test('a segment and its answer of the same length, microseconds apart, are told by their order', async () => {
  const drops = dropsOf(playAll(await loadScenario('tcp_invalid_segments')));
  const of = (reason: string) =>
    drops.filter((drop) => profile.dropReasonName(drop.fields.reason as number) === reason).map(skbOf);
  expect(of('TCP_INVALID_SYN').map(flow)).toEqual(['TCP 10.77.0.1:54270 → 10.77.0.2:5004']);
  expect(of('QUEUE_PURGE').map(flow)).toEqual(Array(8).fill('TCP 10.77.0.2:5004 → 10.77.0.1:54270'));
});

test('the packets that overran the ring are those that never arrived', async () => {
  const drops = dropsOf(playAll(await loadScenario('veth_ring_overflow'))).map(skbOf);
  const ids = drops.map((skb) => (skb.data![18]! << 8) | skb.data![19]!);
  const arrived = readFileSync(`${folder}veth_ring_overflow.b.pcap`);
  for (const skb of drops) expect(arrived.includes(Buffer.from(skb.data!))).toBe(false);
  expect(new Set(ids).size).toBe(4);
});

test('a buffer is one object over its life, and another when its address is used again', async () => {
  const events = playAll(await loadScenario('udp_closed_port'));
  const seen = events.flatMap((event) =>
    event.kind === 'tracepoint' && event.fields.skbaddr ? [[event.name, event.fields.skbaddr as SkBuff] as const] : [],
  );
  const first = seen.slice(0, 4).map(([, skb]) => skb);
  expect(seen.slice(0, 4).map(([name]) => name)).toEqual([
    'net:net_dev_queue',
    'net:netif_rx',
    'net:net_dev_xmit',
    'net:netif_receive_skb',
  ]);
  expect(new Set(first).size).toBe(1);
  const drops = dropsOf(events).map(skbOf);
  expect(drops[0]).toBe(first[0]);
  expect(new Set(drops).size).toBe(3);
  expect(drops[0]!.recordedAddress).toBe(drops[2]!.recordedAddress);
});

test('time 0 is the begin marker, its real time the epoch', async () => {
  const scenario = await loadScenario('udp_closed_port');
  expect(scenario.epoch).toBe(1795229657894440242n);
  const [first] = playAll(scenario);
  // 2324.814563 s on the trace's clock, the marker's mono_ns is 2324809995781.
  expect(first!.time).toBe(2_324_814_563_000 - 2_324_809_995_781);
  expect(scenario.duration).toBe(2_325_086_473_000 - 2_324_809_995_781);
});

describe('without what a match needs', () => {
  const text = readFileSync(`${folder}udp_closed_port.trace`, 'utf8');
  const captures = ['a', 'b'].map((end) => {
    const file = `udp_closed_port.${end}.pcap`;
    return { file, bytes: readFileSync(folder + file) };
  });
  const missing = (source: { text: string; captures?: typeof captures }) => {
    const scenario = recordingScenario({ name: 'x', file: 'x.trace', ...source });
    const [skb] = dropsOf(playAll(scenario)).map(skbOf);
    return [skb!.data === null, skb!.missing];
  };

  test.each([
    ['no capture', { text }, 'the recording has no capture'],
    ['no clock', { text: text.replace(/^.*realtime_ns.*\n/gm, ''), captures }, /no marker with realtime_ns/],
    [
      'another day',
      { text: text.replace(/realtime_ns=17952296/g, 'realtime_ns=17962296'), captures },
      'no captured packet of 106 bytes fits its time',
    ],
  ])('%s: no bytes, and the reason', (_, source, why) => {
    const [none, said] = missing(source);
    expect(none).toBe(true);
    expect(said).toEqual(expect.stringMatching(why));
  });

  test('one capture is enough', () => {
    for (const capture of captures) expect(missing({ text, captures: [capture] })).toEqual([false, undefined]);
  });

  test('two packets that fit equally give none', () => {
    const bytes = Buffer.from(captures[0]!.bytes);
    // The first packet a second time, with another port.
    const record = Buffer.from(bytes.subarray(24, 24 + 16 + 106));
    record[16 + 34] = 0x11;
    const doubled = { file: 'x.pcap', bytes: Buffer.concat([bytes.subarray(0, 24), record, bytes.subarray(24)]) };
    expect(missing({ text, captures: [doubled] })).toEqual([
      true,
      '2 captured packets of 106 bytes fit its time equally well',
    ]);
  });

  test('without device events a packet is found by time alone when only one can be it', () => {
    const bare = text.replace(/^.*: (net_dev_queue|netif_rx|net_dev_xmit|netif_receive_skb): .*\n/gm, '');
    const scenario = recordingScenario({ name: 'x', file: 'x.trace', text: bare, captures });
    const drops = dropsOf(playAll(scenario)).map(skbOf);
    expect(drops.map(flow)).toEqual(Array(3).fill('UDP 10.77.0.1:42104 → 10.77.0.2:9999'));
    expect(drops.map((skb) => skb.dev)).toEqual([null, null, null]);
  });
});

test('orphan stacks are counted and given to no drop', async () => {
  const scenario = await loadScenario('veth_ring_overflow');
  expect(scenario.notes?.(profile)).toEqual(['327 stack traces belong to no event of the trace']);
  for (const drop of dropsOf(playAll(scenario))) expect(drop.stack[2]).toBe('veth_xmit+0x2e3');
});

test('an event that the kernel does not know is counted, not hidden', async () => {
  const text = readFileSync(`${folder}udp_closed_port.trace`, 'utf8').replaceAll(': net_dev_xmit:', ': my_own_event:');
  const scenario = recordingScenario({ name: 'x', file: 'x.trace', text });
  expect(scenario.notes?.(profile)).toContain('6 my_own_event left out: kernel 6.18 has no such tracepoint');
});

test('CONSUMED and NOT_DROPPED_YET are events, and no drops', () => {
  const text = readFileSync(`${folder}udp_closed_port.trace`, 'utf8');
  const consumed = text.replace('reason: NO_SOCKET', 'reason: CONSUMED').replace('reason: NO_SOCKET', 'reason: 0x1');
  const events = playAll(recordingScenario({ name: 'x', file: 'x.trace', text: consumed }));
  expect(dropsOf(events)).toHaveLength(3);
  expect(events.filter((event) => event.kind === 'entry')).toHaveLength(1);
});

test('a drop reason that the kernel does not have is a fault with its place', async () => {
  const scenario = await loadScenario('malformed');
  const old = stage({ profile: loadProfile('6.1'), duration: scenario.duration! });
  const fault = (() => {
    try {
      play(scenario, old);
    } catch (error) {
      return error;
    }
    return undefined;
  })();
  expect(fault).toBeInstanceOf(InputError);
  expect((fault as InputError).message).toBe("kernel 6.1 has no drop reason 'IP_LOCALNET'");
  expect((fault as InputError).at).toMatchObject({ line: 101, column: 165 });
});

test('a datagram that waited in a socket is the one received, however long ago', () => {
  const text = readFileSync(`${folder}udp_closed_port.trace`, 'utf8');
  const [line] = text.match(/^.*kfree_skb: .*\n/m)!;
  const late = line
    .replace('2324.815101', '2325.000000')
    .replace(/location=\S+ reason: \S+/, 'location=__skb_queue_purge_reason+0x80/0x110 reason: QUEUE_PURGE');
  // The first drop happens later, outside of the receive path, and its stack is gone.
  const rest = text.slice(text.indexOf(line) + line.length).replace(/^.*<stack trace>\n( => .*\n)*/, '');
  const kept = `${text.slice(0, text.indexOf(line))}${rest.replace(/.*skbaddr=000000008c6cb0f8.*\n/g, '')}`;
  const captures = [{ file: 'a.pcap', bytes: readFileSync(`${folder}udp_closed_port.a.pcap`) }];
  const scenario = recordingScenario({ name: 'x', file: 'x.trace', text: kept + late, captures });
  const skb = skbOf(dropsOf(playAll(scenario)).at(-1)!);
  expect([flow(skb), skb.length]).toEqual(['UDP 10.77.0.1:42104 → 10.77.0.2:9999', 64]);
});
