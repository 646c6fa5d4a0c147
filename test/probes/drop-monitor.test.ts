import { readdirSync, readFileSync } from 'node:fs';
import { createRun, loadProfile, loadScenario, type TracedRecord } from 'tracebed';
import { describe, expect, test } from 'vitest';
import tool from '../../probes/drop-monitor/index.ts';
import { advisedReasons, reasonAdvice } from '../../probes/drop-monitor/reasons.ts';

const recordings = new URL('../../scenarios/recordings/', import.meta.url);
const names = readdirSync(recordings)
  .filter((name) => name.endsWith('.trace'))
  .map((name) => name.slice(0, -'.trace'.length));

const profile = loadProfile('6.18');

async function run(scenario: string, toolOptions: Record<string, string | boolean> = {}, ringPages = 64) {
  const records: TracedRecord[] = [];
  const session = createRun({
    tool,
    args: [],
    toolOptions,
    scenario: await loadScenario(scenario),
    profile,
    seed: 1,
    cpus: undefined,
    duration: undefined,
    speed: 'max',
    ringPages,
  });
  session.records.subscribe((batch) => records.push(...batch));
  session.advance(session.duration);
  expect(session.failure).toBeUndefined();
  return { session, records };
}

const dropLine =
  /^\s*(?<comm>.+)-(?<pid>\d+)\s+\[(?<cpu>\d+)\].*: kfree_skb: .*protocol=(?<protocol>\d+) location=(?<location>\S+) reason: (?<reason>\S+)$/;

/** What a trace's own kfree_skb lines say, each as one text. */
function recordedDrops(name: string): string[] {
  return readFileSync(new URL(`${name}.trace`, recordings), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const { comm = '', pid, cpu, protocol, location = '', reason } = dropLine.exec(line)?.groups ?? {};
      if (reason === undefined) return [];
      const place = location.replace(/\/0x[0-9a-f]+$/, '');
      return [`${comm === '<idle>' ? 'swapper/0' : comm}-${pid} ${Number(cpu)} ${protocol} ${place} ${reason}`];
    });
}

describe('recordings', () => {
  test.each(names)('%s: every drop of the trace, by task, CPU, protocol, location and reason', async (name) => {
    const { session, records } = await run(name);
    using _ = session;
    const seen = records.map(({ cpu, json }) => {
      const { comm, pid, ethertype, location, reason } = json;
      return `${String(comm).replace(/^swapper\/\d+/, 'swapper/0')}-${pid} ${cpu} ${ethertype} ${location} ${reason}`;
    });
    const expected = recordedDrops(name);
    expect(expected.length).toBeGreaterThan(0);
    expect(seen).toEqual(expected);
    expect(session.ledger().balanced).toBe(true);
    expect(session.ledger().total).toMatchObject({ delivered: expected.length, lost: 0, pending: 0 });
  });

  test('a TCP drop gives all that its bytes say', async () => {
    const { session, records } = await run('tcp_closed_port');
    using _ = session;
    const { stack, packet, skb, ...json } = records[0]!.json as Record<string, unknown> & { stack: string[] };
    expect(json).toEqual({
      pid: 26034,
      tgid: 26034,
      comm: 'python3',
      reason: 'NO_SOCKET',
      location: 'tcp_v4_rcv+0x91',
      device: 'kvb',
      ifindex: null,
      protocol: 'TCP',
      ethertype: 0x0800,
      src: '10.77.0.1',
      sport: 53896,
      dst: '10.77.0.2',
      dport: 9998,
      length: 40,
      tcp_flags: ['SYN'],
      fragment: false,
      network: 14,
      transport: 34,
      missing: null,
    });
    expect(stack.slice(1, 3)).toEqual(['sk_skb_reason_drop+0x90', 'tcp_v4_rcv+0x91']);
    expect(packet).toMatch(/^02000000000b02000000000a0800 ?45/);
    expect(skb).toMatch(/^0xffff8880/);
    expect(records[0]!.groups).toEqual(['NO_SOCKET', 'tcp_v4_rcv+0x91', 'TCP 10.77.0.1:53896 → 10.77.0.2:9998']);
  });

  test('a packet that no capture holds says so and invents nothing', async () => {
    const { session, records } = await run('tbf_qdisc');
    using _ = session;
    const drop = records.find(({ json }) => json.reason === 'QDISC_DROP')!;
    expect(drop.json).toMatchObject({
      protocol: 'IPv4',
      src: null,
      sport: null,
      dst: null,
      packet: null,
      length: 1042,
    });
    expect(drop.json.missing).toMatch(/no bytes in its linear part/);
    expect(drop.groups[2]).toBe('IPv4, no packet bytes');
    expect(drop.cells).toMatchObject({ source: '?', destination: '?', device: 'kva' });
  });
});

describe('options', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['malformed', { reason: 'ip_noproto,SKB_DROP_REASON_OTHERHOST' }, ['OTHERHOST', 'IP_NOPROTO']],
    ['malformed', { protocol: 'tcp' }, ['PKT_TOO_SMALL']],
    ['malformed', { port: '9996' }, ['PKT_TOO_SMALL']],
    ['tbf_qdisc', { device: 'kvb' }, ['NO_SOCKET', 'NO_SOCKET']],
    ['tbf_qdisc', { pid: '26466' }, ['NOT_SPECIFIED']],
  ])('%s with %j', async (scenario, options, reasons) => {
    const { session, records } = await run(scenario, options);
    using _ = session;
    expect(records.map(({ json }) => json.reason)).toEqual(reasons);
    const { produced, delivered, filtered } = session.ledger().total;
    expect(produced).toBe(delivered + filtered);
    expect(filtered).toBeGreaterThan(0);
  });

  test('--snaplen cuts, and --no-stack leaves the stack out', async () => {
    const { session, records } = await run('udp_closed_port', { snaplen: '40', stack: false });
    using _ = session;
    expect(records[0]!.json).toMatchObject({ sport: 42104, dport: 9999, stack: [] });
    expect(String(records[0]!.json.packet)).toHaveLength(80);
  });

  test.each<[Record<string, string>, RegExp, RegExp]>([
    [{ reason: 'NO_SOKET' }, /no drop reason 'NO_SOKET'/, /did you mean NO_SOCKET/],
    [{ protocol: 'tpc' }, /no IP protocol 'tpc'/, /tcp/],
    [{ snaplen: '300' }, /--snaplen cannot be '300'/, /0 to 256/],
    [{ port: 'http' }, /--port cannot be 'http'/, /1 to 65535/],
    [{ device: 'a-name-that-is-too-long' }, /no device can be called/, /15 bytes/],
  ])('%j is refused', async (options, message, rest) => {
    const failure = await run('udp_closed_port', options).then(
      () => undefined,
      (fault) => fault,
    );
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
    expect(`${failure.expected} ${failure.hint}`).toMatch(rest);
  });
});

describe('the page of one drop', () => {
  test('says what happened, why, what the packet is, and where in the kernel', async () => {
    const { session, records } = await run('udp_closed_port');
    using _ = session;
    if (session.view.kind !== 'records') throw new Error('drop-monitor shows records');
    const sections = session.view.detail(records[2]!);
    expect(sections.map(({ title }) => title)).toEqual(['Drop', 'Why: NO_SOCKET', 'Packet', 'Bytes', 'Kernel stack']);
    const text = sections.flatMap(({ lines }) => lines).join('\n');
    expect(text).toContain('counted   3 drops of this reason at this location so far');
    expect(text).toContain('2026-11-21T02:54:17');
    expect(text).toMatch(/UDP {7}port 42104 → 9999, length 72, checksum 0x[0-9a-f]{4} right/);
    expect(text).toMatch(/^0000 {2}02 00 00 00 00 0b 02 00 {2}00 00 00 0a 08 00 45 00 {2}/m);
    expect(text).toContain('network header at 000e, transport header at 0022');
    expect(text).toContain('__udp4_lib_rcv+0x4bc');
  });

  test('every reason of 6.18 has its advice, and no other has', () => {
    const reasons: string[] = [];
    for (let value = 2; profile.dropReasonName(value) !== undefined; value++) {
      reasons.push(profile.dropReasonName(value)!);
    }
    expect(reasons.filter((name) => name !== 'MAX').sort()).toEqual([...advisedReasons].sort());
    expect(reasonAdvice('reason 0x10002').next).toContain('source at the location');
  });
});
