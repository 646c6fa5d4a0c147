import { describe, expect, test } from 'vitest';
import { sec } from '../../src/base/index.ts';
import { formatAddress, type KernelEvent, type Sock } from '../../src/events/index.ts';
import { tcpStates } from '../../src/uapi/index.ts';
import { play } from './play.ts';

async function playAll(kernel = '6.18'): Promise<KernelEvent[]> {
  const events: KernelEvent[] = [];
  await play('tcp-clients', { duration: sec(8), kernel }, (event) => events.push(event));
  return events;
}

const all = await playAll();
const entries = (name: string) => all.filter((event) => event.kind === 'entry' && event.function === name);
const passes = (name: string) =>
  all.flatMap((event) => (event.kind === 'tracepoint' && event.name === name ? [event] : []));

describe('tcp-clients', () => {
  test('connects, over IPv4 and IPv6, with success and with each kind of failure', () => {
    const results = new Set<unknown>();
    for (const event of all) {
      if (event.kind === 'exit' && event.function === '__x64_sys_connect') results.add(event.returns);
    }
    expect([...results]).toEqual(expect.arrayContaining([0, -110, -111, -113]));
    expect(entries('tcp_v4_connect').length).toBeGreaterThan(50);
    expect(entries('tcp_v6_connect').length).toBeGreaterThan(5);
    const who = new Set(entries('tcp_v4_connect').map((event) => event.task.comm));
    expect([...who].sort()).toEqual(['batch', 'curl', 'dockerd', 'node', 'php-fpm8.2']);
  });

  test('gives a socket its addresses, port and state as the kernel does', () => {
    const [entry] = entries('tcp_v4_connect');
    const first = entry?.kind === 'entry' ? (entry.args.sk as Sock) : undefined;
    expect(first).toMatchObject({ state: tcpStates.CLOSE, sport: 0, dport: 0 });
    const forms = all.flatMap((event) =>
      event.kind === 'change' && event.object.object === 'sock' && event.object.identity === first
        ? [event.object]
        : [],
    );
    expect(forms.slice(0, 4).map(({ state, sport, dport }) => [state, sport > 0, dport > 0])).toEqual([
      [tcpStates.CLOSE, false, true],
      [tcpStates.SYN_SENT, false, true],
      [tcpStates.SYN_SENT, true, true],
      [tcpStates.ESTABLISHED, true, true],
    ]);
    expect(formatAddress(forms[0]!.saddr)).toBe('10.20.0.5');
    const last = forms.at(-1);
    expect(last).toMatchObject({ state: tcpStates.CLOSE });
    expect(last?.fields?.bytes_acked).toBeGreaterThan(0);
    expect(last?.fields?.bytes_received).toBeGreaterThan(0);
  });

  test('accepts on three ports and goes through the states of both who closes first and who closes last', () => {
    const ports = new Set(passes('sock:inet_sock_set_state').map(({ fields }) => fields.sport));
    expect([...ports]).toEqual(expect.arrayContaining([443, 8080]));
    const steps = new Set(
      passes('sock:inet_sock_set_state').map(({ fields }) => `${fields.oldstate} ${fields.newstate}`),
    );
    // LISTEN SYN_RECV ESTABLISHED; FIN_WAIT1 FIN_WAIT2 CLOSE; CLOSE_WAIT LAST_ACK CLOSE; SYN_SENT and its failure.
    const wanted = ['7 10', '10 3', '3 1', '7 2', '2 1', '2 7', '1 4', '4 5', '5 7', '1 8', '8 9', '9 7'];
    expect([...steps].sort()).toEqual(wanted.sort());
    const taken = all.filter((event) => event.kind === 'exit' && event.function === 'inet_csk_accept');
    for (const event of taken) expect(event.kind === 'exit' && event.returns).toMatchObject({ object: 'sock' });
    expect(taken.length).toBeGreaterThan(60);
  });

  test('retransmits, by timer and by loss probe, and drops with a reason', () => {
    expect(passes('tcp:tcp_retransmit_skb').length).toBeGreaterThan(8);
    expect(passes('tcp:tcp_retransmit_skb').some(({ fields }) => fields.state === tcpStates.SYN_SENT)).toBe(true);
    expect(entries('tcp_send_loss_probe').length).toBeGreaterThan(1);
    expect(entries('tcp_drop_reason').length).toBeGreaterThan(3);
    expect(new Set(passes('skb:kfree_skb').map(({ fields }) => fields.reason)).size).toBeGreaterThan(1);
    expect(passes('tcp:tcp_receive_reset').length).toBeGreaterThan(3);
  });

  test('has what kernel 6.1 has of it', async () => {
    const names = new Set((await playAll('6.1')).flatMap((event) => ('function' in event ? [event.function] : [])));
    for (const name of ['tcp_v4_connect', 'tcp_v6_connect', 'inet_csk_accept', 'tcp_set_state', 'kfree_skb_reason']) {
      expect(names).toContain(name);
    }
  });
});
