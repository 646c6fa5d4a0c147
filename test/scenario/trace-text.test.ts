import { describe, expect, test } from 'vitest';
import { formatFault, InputError } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { recordingScenario } from '../../src/scenario/index.ts';
import { play, stage } from './stage.ts';

const profile = loadProfile('6.18');

function eventsOf(text: string): KernelEvent[] {
  const scenario = recordingScenario({ name: 'x', file: 'x.trace', text });
  return play(scenario, stage({ profile, duration: scenario.duration! }));
}

function faultOf(text: string): InputError {
  try {
    eventsOf(text);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('no fault');
}

const tracefs = `# tracer: nop
#
# entries-in-buffer/entries-written: 3/3   #P:4
#
           sshd-77      [002] b..1.     1.000002: netif_receive_skb: dev=eth0 skbaddr=00000000aaaaaaaa len=60
           sshd-77      [002] ..s1.     1.000003: kfree_skb: skbaddr=00000000aaaaaaaa rx_sk=0000000000000000 protocol=2048 location=tcp_v4_rcv+0x91/0x13f0 reason: NO_SOCKET
           sshd-77      [002] ..s1.     1.000004: <stack trace>
 => trace_event_raw_event_kfree_skb+0x6c/0xc0
 => sk_skb_reason_drop+0x90/0x130
 => tcp_v4_rcv+0x91/0x13f0
 => nft_thing+0x1/0x2 [nf_tables]
`;

const traceCmd = `cpus=4
            sshd-77    [002]     1.000002: netif_receive_skb:    dev=eth0 skbaddr=0xffff8880aaaaaaaa len=60
            sshd-77    [002]     1.000003: kfree_skb:            skbaddr=0xffff8880aaaaaaaa rx_sk=(nil) protocol=2048 location=0xffffffff81c0d5a0 reason: NO_SOCKET
            sshd-77    [002]     1.000004: kernel_stack:         <stack trace >
=> trace_event_raw_event_kfree_skb (ffffffff81a0006c)
=> sk_skb_reason_drop (ffffffff81a00090)
=> tcp_v4_rcv (ffffffff81c0d5a0)
`;

const perf = `sshd    77/77    [002]     1.000002:     net:netif_receive_skb: dev=eth0 skbaddr=0xffff8880aaaaaaaa len=60

sshd    77/77    [002]     1.000003:           skb:kfree_skb: skbaddr=0xffff8880aaaaaaaa rx_sk=(nil) protocol=2048 location=0xffffffff81c0d5a0 reason: NO_SOCKET
\tffffffff81a00090 sk_skb_reason_drop+0x90 ([kernel.kallsyms])
\tffffffff81c0d5a0 tcp_v4_rcv+0x91 ([kernel.kallsyms])
\tffffffffc0a0d5a0 nft_thing+0x1 ([nf_tables])
\t    7f1234567890 __send+0x10 (/usr/lib/libc.so.6)
\t          10acb3 __libc_sendto+0x13 (/usr/lib/libc.so.6)
\t               0 [unknown] ([unknown])

`;

describe('a trace text', () => {
  test.each([
    ['tracefs', tracefs, 'tcp_v4_rcv+0x91', 'nft_thing+0x1 [nf_tables]'],
    ['trace-cmd report', traceCmd, 'tcp_v4_rcv', 'tcp_v4_rcv'],
    ['perf script', perf, 'tcp_v4_rcv+0x91', 'nft_thing+0x1 [nf_tables]'],
  ])('of %s gives the same events', (_, text, location, outermost) => {
    const events = eventsOf(text);
    expect(events.map((event) => (event.kind === 'tracepoint' ? event.name : event.kind))).toEqual([
      'net:netif_receive_skb',
      'entry',
      'skb:kfree_skb',
      'exit',
    ]);
    expect(events[2]).toMatchObject({
      time: 1000,
      cpu: 2,
      task: { pid: 77, comm: 'sshd', uid: 0 },
      fields: { location: { symbol: location }, protocol: 0x800, reason: 3, rx_sk: null },
    });
    expect(events[2]!.stack.at(-1)).toBe(outermost);
    expect(events[0]).toMatchObject({ fields: { len: 60 } });
  });

  test('tells the process where it has the column for it', () => {
    const text = tracefs.replaceAll('sshd-77      [', 'a b-c-77 (   70) [');
    expect(eventsOf(text)[0]!.task).toEqual({ pid: 77, tgid: 70, comm: 'a b-c', uid: 0, gid: 0 });
    const unknown = tracefs.replaceAll('sshd-77      [', 'sshd-77 (-----) [');
    expect(eventsOf(unknown)[0]!.task.tgid).toBe(77);
  });

  test('may have the form of older kernels', () => {
    const old = tracefs.replace(' rx_sk=0000000000000000', '').replace(' reason: NO_SOCKET', '');
    expect(eventsOf(old)[2]).toMatchObject({ fields: { reason: 2 } });
  });

  test('keeps a reason that is a number, and a socket as one object', () => {
    const text = tracefs
      .replace('rx_sk=0000000000000000', 'rx_sk=00000000bbbbbbbb')
      .replace('reason: NO_SOCKET', 'reason: 0x20003');
    const [, entry, traced] = eventsOf(text);
    if (entry?.kind !== 'entry' || traced?.kind !== 'tracepoint') throw new Error('other events');
    expect(traced.fields).toMatchObject({ reason: 0x20003, rx_sk: { object: 'struct', type: 'sock' } });
    expect(entry.args.sk).toBe(traced.fields.rx_sk);
  });

  test('may print frames as names alone, with addresses, and the writer of a marker with its own', () => {
    const bare = tracefs.replace(/^( => \w+)\+\S+(.*)$/gm, '$1$2 <ffffffff81ebe6ec>');
    const marker = 'x-1 [000] ...1. 1.000001: tracing_mark_write <ffffffff8149ab1a>: begin x\n';
    const drop = eventsOf(marker + bare)[2]!;
    expect(drop.stack).toEqual([
      'trace_event_raw_event_kfree_skb',
      'sk_skb_reason_drop',
      'tcp_v4_rcv',
      'nft_thing [nf_tables]',
    ]);
  });

  test('may be of a task that is called like a frame', () => {
    expect(eventsOf(tracefs.replaceAll('sshd-77', '=> fn+0x1-77'))[2]!.task.comm).toBe('=> fn+0x1');
  });

  test('leaves the stack empty where none was recorded', () => {
    expect(eventsOf(tracefs.replace(/.*<stack trace>\n(.*\n)*/, ''))[2]!.stack).toEqual([]);
  });

  test('may drop a buffer without an address', () => {
    expect(eventsOf(tracefs.replaceAll('aaaaaaaa', '00000000'))).toHaveLength(4);
  });

  test('plays lines in order of time, whatever their order', () => {
    const late =
      '           sshd-77      [001] b..1.     1.000001: netif_receive_skb: dev=eth0 skbaddr=00000000cccccccc len=1\n';
    expect(eventsOf(tracefs + late).map((event) => event.time)).toEqual([0, 1000, 2000, 2000, 2000]);
  });
});

const lines = tracefs.split('\n');

/** Where a text stands in a line. */
function columnOf(line: number, text: string): number {
  return lines[line - 1]!.indexOf(text) + 1;
}

/** The trace with one line changed. */
function changed(line: number, change: (text: string) => string): string {
  return lines.map((text, index) => (index === line - 1 ? change(text) : text)).join('\n');
}

test.each<[string, string, string, { line: number; column: number }]>([
  ['an empty file', '', 'the trace is empty', { line: 1, column: 1 }],
  ['a header alone', '# tracer: nop\n#\n', 'the trace holds no events', { line: 1, column: 1 }],
  ['another text', 'Dear reader,\n', 'this is not a trace', { line: 1, column: 1 }],
  ['a garbled CPU', changed(5, (t) => t.replace('[002]', '[0#2]')), 'this is not a trace', { line: 5, column: 19 }],
  [
    'a garbled time',
    changed(6, (t) => t.replace('1.000003', '1x000003')),
    'this line of the trace cannot be read',
    { line: 6, column: 30 },
  ],
  [
    'a clock that counts no seconds',
    changed(5, (t) => t.replace('1.000002', '17129732076872')),
    "the trace's clock does not count seconds",
    { line: 5, column: 30 },
  ],
  ['no event name', changed(6, (t) => t.replace('kfree_skb:', 'kfree_skb')), 'no event name', { line: 6, column: 51 }],
  [
    'a garbled drop',
    changed(6, (t) => t.replace('protocol=2048', 'protocol=#')),
    'this kfree_skb cannot be read',
    { line: 6, column: columnOf(6, 'protocol=') },
  ],
  ['a frame of no stack', ` => f+0x1/0x2\n${tracefs}`, 'a stack frame belongs to no stack', { line: 1, column: 1 }],
  ['a cut in a frame', tracefs.slice(0, -20), 'the trace is cut off in the middle of a line', { line: 11, column: 15 }],
  [
    'a cut in a line',
    tracefs.slice(0, tracefs.indexOf('1.000003')),
    'the trace is cut off in the middle of a line',
    { line: 6, column: columnOf(6, '1.000003') },
  ],
  [
    'a cut in a drop',
    tracefs.slice(0, tracefs.indexOf('location=')),
    'the trace is cut off in the middle of a line',
    { line: 6, column: columnOf(6, 'location=') },
  ],
])('%s is refused with its place', (_, text, message, place) => {
  const fault = faultOf(text);
  expect([fault.message, fault.at?.file, fault.at?.line, fault.at?.column]).toEqual([
    message,
    'x.trace',
    place.line,
    place.column,
  ]);
  expect(fault.expected ?? '').not.toBe('');
  expect(fault.hint ?? '').not.toBe('');
  expect(formatFault(fault)).toContain(`x.trace:${place.line}`);
});

test('a reason that is cut off at the end of the file is refused', () => {
  const cut = tracefs.slice(0, tracefs.indexOf('NO_SOCKET') + 6);
  expect(faultOf(cut).message).toMatch(/cut off|no drop reason 'NO_SOC'/);
});

test('no cut or change of one character goes through as something else than a fault or a trace', () => {
  for (let size = 0; size < tracefs.length; size += 3) {
    try {
      eventsOf(tracefs.slice(0, size));
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
    try {
      eventsOf(`${tracefs.slice(0, size)}\u0001${tracefs.slice(size + 1)}`);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  }
});
