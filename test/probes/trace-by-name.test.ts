import {
  createRun,
  defineScenario,
  loadProfile,
  loadScenario,
  type Scenario,
  sec,
  type TracedRecord,
  us,
} from 'tracebed';
import { describe, expect, test } from 'vitest';
import { parsePoint } from '../../probes/trace/by-name/plan.ts';
import tool from '../../probes/trace/index.ts';

const profile = loadProfile('6.18');

async function run(args: string[], from: string | Scenario, toolOptions: Record<string, string | boolean> = {}) {
  const records: TracedRecord[] = [];
  const session = createRun({
    tool,
    args,
    toolOptions,
    scenario: typeof from === 'string' ? await loadScenario(from) : from,
    profile,
    seed: 1,
    cpus: undefined,
    duration: sec(0.2),
    speed: 'max',
    ringPages: 16,
  });
  session.records.subscribe((batch) => records.push(...batch));
  session.advance(session.duration);
  expect(session.failure).toBeUndefined();
  expect(session.warnings()).toEqual([]);
  return { session, records };
}

/** One of each: calls with strings, results that fail, a system call. */
const scenario = defineScenario({
  name: 'moments',
  summary: 'known arguments',
  cpus: 2,
  duration: sec(0.1),
  events: ({ on, task, after, concurrently }) => {
    const cat = on({ task: task({ pid: 71, tgid: 70, comm: 'cat' }), cpu: 1 });
    const name = { object: 'user', content: '/etc/hosts' } as const;
    return concurrently(
      after(us(10), cat.call('do_sys_openat2', { dfd: -100, filename: name }, { takes: us(5), returns: -2 })),
      after(us(30), cat.call('tcp_v4_connect', { addr_len: 16 }, { takes: us(5), returns: -111 })),
      after(us(50), cat.call('tcp_connect', {}, { takes: us(5), returns: 0 })),
    );
  },
});

describe('functions', () => {
  test('arguments by name, with their C types told apart', async () => {
    const { session, records } = await run(['do_sys_openat2'], scenario);
    using _ = session;
    expect(records.map(({ cells }) => cells)).toEqual([
      {
        time: '0.000010000',
        cpu: '1',
        pid: '71',
        comm: 'cat',
        point: 'do_sys_openat2',
        args: 'dfd=-100 filename="/etc/hosts" how=NULL',
      },
    ]);
    expect(records[0]!.json).toEqual({
      pid: 71,
      tgid: 70,
      comm: 'cat',
      point: 'do_sys_openat2',
      args: { dfd: -100, filename: '/etc/hosts', how: null },
    });
  });

  test.each([
    ['r:tcp_v4_connect', 'ret=-111 (ECONNREFUSED)'],
    ['do_sys_openat2%return', 'ret=-2 (ENOENT)'],
    ['r:tcp_connect', 'ret=0'],
  ])('%s: %s', async (point, args) => {
    const { session, records } = await run([point], scenario);
    using _ = session;
    expect(records.map(({ cells }) => cells.args)).toEqual([args]);
  });

  test('several by a pattern, each with its own arguments', async () => {
    const { session, records } = await run(['tcp_*connect'], scenario);
    using _ = session;
    expect(records.map(({ cells }) => `${cells.point} ${cells.args}`)).toEqual([
      'tcp_v4_connect sk=NULL uaddr=NULL addr_len=16',
      'tcp_connect sk=NULL',
    ]);
  });

  test('what arguments point to, in network order where the type says so', async () => {
    const fields = ['sk->__sk_common.skc_daddr', 'sk->__sk_common.skc_dport', 'sk->sk_protocol'];
    const { session, records } = await run(['tcp_connect', ...fields], 'slow-connect');
    using _ = session;
    expect(records[0]!.json.args).toEqual({
      'sk->__sk_common.skc_daddr': expect.stringMatching(/^10\.20\.0\.\d+$/),
      'sk->__sk_common.skc_dport': expect.any(Number),
      'sk->sk_protocol': 6,
    });
    expect([5432, 6379, 443, 80]).toContain((records[0]!.json.args as Record<string, number>)[fields[1]!]);
  });

  test('through two pointers, to text and to bit-fields', async () => {
    const { session, records } = await run(
      ['sk_skb_reason_drop', 'skb->dev->name', 'skb->pkt_type', 'skb->len', 'reason'],
      'udp_closed_port',
    );
    using _ = session;
    expect(records[0]!.cells.args).toBe(
      'skb->dev->name="kvb" skb->pkt_type=0 skb->len=72 reason=SKB_DROP_REASON_NO_SOCKET',
    );
  });

  test('a pointer that leads nowhere is a fault, not a number', async () => {
    const { session, records } = await run(['tcp_connect', 'sk->sk_protocol'], scenario);
    using _ = session;
    expect(records[0]!.cells.args).toBe('sk->sk_protocol=(fault)');
    expect(records[0]!.json.args).toEqual({ 'sk->sk_protocol': null });
  });
});

describe('tracepoints', () => {
  test('fields by name: what the kernel prints by name, code addresses, numbers', async () => {
    const { session, records } = await run(['skb:kfree_skb', 'location', 'reason', 'protocol'], 'udp_closed_port');
    using _ = session;
    expect(records).toHaveLength(3);
    expect(records[0]!.cells.args).toBe('location=__udp4_lib_rcv+0x4bc reason=NO_SOCKET protocol=2048');
  });

  test('user strings, and only one process', async () => {
    const { session, records } = await run(['syscalls:sys_enter_openat', 'filename'], 'syscalls', { pid: '2201' });
    using _ = session;
    expect(records.length).toBeGreaterThan(0);
    for (const { json } of records) {
      expect(json.tgid).toBe(2201);
      expect((json.args as Record<string, string>).filename).toMatch(/^[/\w]/);
    }
  });

  test('byte arrays named as addresses are addresses; -K adds the stack', async () => {
    const { session, records } = await run(['sock:inet_sock_set_state'], 'slow-connect', { kernelStack: true });
    using _ = session;
    expect(records[0]!.cells.args).toMatch(
      /oldstate=TCP_\w+ newstate=TCP_\w+ .* saddr=10\.20\.0\.5 daddr=10\.20\.0\.\d+ saddr_v6=::ffff:10\.20\.0\.5 /,
    );
    expect((records[0]!.json.stack as string[])[0]).toMatch(/^\w+\+0x/);
    if (session.view.kind !== 'records') throw new Error('trace shows records');
    expect(session.view.detail(records[0]!).map(({ title }) => title)).toEqual([
      'sock:inet_sock_set_state',
      'Arguments',
      'Kernel stack',
    ]);
  });
});

describe('what is refused', () => {
  test.each<[string[], RegExp, RegExp]>([
    [['tcp_v4_conect'], /no function 'tcp_v4_conect'/, /did you mean tcp_v4_connect/],
    [['skb:kfree_skbs'], /no tracepoint 'skb:kfree_skbs'/, /did you mean skb:kfree_skb/],
    [['tcp_v4_connect', 'sock'], /no field 'sock'/, /one of sk, uaddr, addr_len/],
    [['tcp_v4_connect', 'sk->sk_protocl'], /has no member 'sk_protocl'/, /did you mean sk_protocol/],
    [['tcp_v4_connect', 'addr_len->x'], /addr_len is no pointer/, /addr_len/],
    [['skb:kfree_skb', 'reason.x'], /lead nowhere/, /trace a function/],
    [['*'], /matches \d+ points/, /at most 128/],
    [['tcp connect'], /a format is wanted here/, /"%d", arg1/],
  ])('%j', async (args, message, rest) => {
    const fault = await run(args, scenario).catch((caught) => caught);
    expect(fault).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
    expect(`${fault.expected} ${fault.hint}`).toMatch(rest);
  });
});

test.each([
  ['tcp_connect', 'kprobe', 'tcp_connect'],
  ['p:tcp_connect', 'kprobe', 'tcp_connect'],
  ['r:tcp_connect', 'kretprobe', 'tcp_connect'],
  ['tcp_connect%return', 'kretprobe', 'tcp_connect'],
  ['skb:kfree_skb', 'tracepoint', 'skb:kfree_skb'],
  ['t:skb:kfree_skb', 'tracepoint', 'skb:kfree_skb'],
  ['/^tcp_v[46]_rcv$/', 'kprobe', '/^tcp_v[46]_rcv$/'],
])('%s is a %s of %s', (text, kind, name) => {
  expect(parsePoint(text)).toEqual({ kind, name });
});
