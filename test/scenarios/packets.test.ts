import { describe, expect, test } from 'vitest';
import { Random, sec } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { BPF } from '../../src/client/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { createScheduler, loadScenario } from '../../src/scenario/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';
import { engines } from '../vm/engines.ts';

const text = `
BPF_HASH(reasons, u32, u64);
BPF_HASH(handled, u32, u64);
TRACEPOINT_PROBE(skb, kfree_skb) { u32 reason = args->reason; reasons.increment(reason); return 0; }
int kprobe__tcp_v4_connect(struct pt_regs *ctx) { handled.increment(1); return 0; }
int kprobe__tcp_v4_syn_recv_sock(struct pt_regs *ctx) { handled.increment(2); return 0; }

/** Nothing of the scanner's, and no datagram to port 9. */
int guard(struct xdp_md *ctx) {
  void *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = (void *)(long)ctx->data;
  struct iphdr *ip = (void *)(eth + 1);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > end || eth->h_proto != htons(ETH_P_IP)) return XDP_PASS;
  if (ip->saddr == htonl(0xcb007142)) return XDP_DROP;
  return ip->protocol == IPPROTO_UDP && udp->dest == htons(9) ? XDP_DROP : XDP_PASS;
}
int closed(struct __sk_buff *skb) {
  void *end = (void *)(long)skb->data_end;
  struct ethhdr *eth = (void *)(long)skb->data;
  struct iphdr *ip = (void *)(eth + 1);
  struct tcphdr *tcp = (void *)(ip + 1);
  if ((void *)(tcp + 1) > end || eth->h_proto != htons(ETH_P_IP) || ip->protocol != IPPROTO_TCP) return TC_ACT_OK;
  return tcp->dest == htons(443) ? TC_ACT_SHOT : TC_ACT_OK;
}`;

describe.each(engines)('the scenario packets on the $name', (engine) => {
  const profile = loadProfile('6.18');

  /** Plays it with what `attach` puts on the device. @returns drops by reason, and connections by who opened them */
  async function course(attach: (bpf: BPF) => void) {
    const scenario = await loadScenario('packets');
    using machine: Machine = boot({ profile, cpus: 2, engine, devices: scenario.devices ?? [] });
    using bpf = new BPF(machine, { text });
    attach(bpf);
    const scheduler = createScheduler();
    const passed = () => machine.packetFate === 'passed' || machine.packetFate === 'sent';
    const stage = { profile, random: new Random(1), cpus: 2, duration: sec(10), scheduler, passed };
    const playing = scenario.events(stage).subscribe((event: KernelEvent) => machine.fire(event));
    scheduler.advanceTo(sec(10));
    playing.unsubscribe();
    const named = (value: number): string => profile.dropReasonName(value) ?? String(value);
    const reasons = [...bpf.table<number, number>('reasons').items()].map(([value, count]) => [named(value), count]);
    const [opened = 0, accepted = 0] = [1, 2].map((key) => bpf.table<number, number>('handled').get(key));
    return { reasons: Object.fromEntries(reasons), opened, accepted, device: machine.devices()[1] };
  }

  test('drops what is wrong, and keeps its connections', async () => {
    const { reasons, opened, accepted } = await course(() => undefined);
    expect(reasons).toEqual({ NO_SOCKET: 860, IP_CSUM: 4, PKT_TOO_SMALL: 4, UDP_CSUM: 4 });
    expect([opened, accepted > 30]).toEqual([24, true]);
  });

  test('an XDP program takes the scan and the flood away: the kernel never has them', async () => {
    const { reasons, opened, device } = await course((bpf) => bpf.attachXdp('eth0', 'guard'));
    expect(reasons).toEqual({ IP_CSUM: 4, PKT_TOO_SMALL: 4, UDP_CSUM: 4 });
    expect([opened, device?.dropped]).toEqual([24, 860]);
  });

  test('a classifier closes a port: nobody connects, and each attempt is told', async () => {
    const { reasons, opened, accepted } = await course((bpf) => bpf.attachTc('eth0', 'ingress', 'closed'));
    expect(reasons).toMatchObject({ NO_SOCKET: 860 });
    expect(reasons.TC_INGRESS).toBeGreaterThan(30);
    expect([opened, accepted]).toEqual([24, 0]);
  });
});
