import { afterEach, beforeEach, expect } from 'vitest';
import { type KernelProfile, loadProfile } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';
import { BPF, type BpfOptions, loadObject, type PacketSocket } from '../../src/client/index.ts';
import { buildPacket, netDevice, type PacketEvent, type PacketSpec } from '../../src/events/index.ts';
import type { ObjectSpec } from '../../src/object/index.ts';
import { boot, type Machine, type PacketFate } from '../../src/sim/index.ts';
import type { DeviceInfo } from '../../src/sys/index.ts';
import type { Engine } from '../../src/vm/index.ts';
import { engines } from '../vm/engines.ts';

/** What the tests of programs on packets share: devices, packets, and a machine for each test that they arrive at. */
export const mac = (last: number): string => `02:00:00:00:00:0${last}`;
export const eth0 = netDevice('eth0', 2, { mac: mac(1) });
export const eth1 = netDevice('eth1', 3, { mac: mac(3) });
export const down = netDevice('eth2', 4, { mac: mac(4), up: false });
export const jumbo = netDevice('eth3', 5, { mac: mac(5), mtu: 9000 });
export const tun = netDevice('tun0', 6, { type: 65534 });
export const va = netDevice('va', 7, { mac: mac(7), peer: 'vb' });
export const lo = netDevice('lo', 1, { type: 772, mtu: 65536 });
const vb = netDevice('vb', 8, { mac: mac(8), peer: 'va' });
const devices = [eth0, eth1, down, jumbo, tun, va, vb];
const idle = { pid: 0, tgid: 0, comm: 'swapper/0', uid: 0, gid: 0 };

export const addresses = { source: '10.0.0.2', destination: '10.0.0.1' };
export function packet(spec: PacketSpec, to = mac(1)): Uint8Array {
  return buildPacket({ ethernet: { source: mac(2), destination: to }, ...spec });
}
const ports = { sourcePort: 53, destinationPort: 4000 };
export const udp = (payload = 'abcd', to?: string): Uint8Array => packet({ ipv4: addresses, udp: ports, payload }, to);
export const tcp = packet({ ipv4: addresses, tcp: { ...ports, sourcePort: 80 }, payload: 'GET /' });
export const icmp = packet({ ipv4: addresses, icmp: { type: 8 }, payload: 'ping' });
export const arp = packet({
  arp: { operation: 'request', senderMac: mac(2), senderAddress: '10.0.0.2', targetAddress: '10.0.0.1' },
});
export const tagged = packet({ vlans: [{ id: 5, priority: 3 }], ipv4: addresses, udp: ports });

/** The leaves of an array, in order. */
export const numbers = (bpf: BPF, table: string): number[] => [...bpf.table(table).values()].map(Number);

export const lengths = (socket: PacketSocket): number[] => [...socket.drain()].map(({ data }) => data.length);

/** Keeps what tracers are told. */
const watcher = `
struct told { u32 what; u32 value; u64 location; };
BPF_PERF_OUTPUT(told);
static inline int tell(void *ctx, u32 what, u32 value, u64 location) {
  struct told t = { what, value, location };
  told.perf_submit(ctx, &t, sizeof(t));
  return 0;
}
TRACEPOINT_PROBE(skb, kfree_skb) { return tell(args, 1, args->reason, (u64)args->location); }
TRACEPOINT_PROBE(xdp, xdp_exception) { return tell(args, 2, args->act, 0); }
TRACEPOINT_PROBE(xdp, xdp_redirect) { return tell(args, 3, args->to_ifindex, 0); }
TRACEPOINT_PROBE(xdp, xdp_redirect_err) { return tell(args, 4, args->err, 0); }
TRACEPOINT_PROBE(net, netif_receive_skb) { return tell(args, 5, args->len, 0); }
TRACEPOINT_PROBE(net, net_dev_queue) { return tell(args, 6, args->len, 0); }
TRACEPOINT_PROBE(net, net_dev_xmit) { return tell(args, 7, args->len, 0); }
TRACEPOINT_PROBE(net, netif_rx) { return tell(args, 8, args->len, 0); }
`;
const toldNames = ['', '', 'xdp_exception', 'xdp_redirect', 'xdp_redirect_err', 'receive', 'queue', 'xmit', 'rx'];

const [interpreter, jit] = engines as [Engine, Engine];

/** One engine and one kernel for a describe.each: both of each are seen. */
export const stages = [
  { engine: interpreter, kernel: '6.18' },
  { engine: jit, kernel: '6.1' },
] as const;
export type StageOptions = (typeof stages)[number];

/** The machine of the test that runs, and what happens at its devices. Behind each test its ledger adds up. */
export class NetworkStage {
  readonly #profile: KernelProfile;
  readonly #engine: Engine;
  #watcher: ObjectSpec | undefined;
  #machine: Machine | undefined;
  #objects: Disposable[] = [];

  constructor({ engine, kernel }: StageOptions) {
    this.#engine = engine;
    this.#profile = loadProfile(kernel);
    beforeEach(() => {
      this.#machine = boot({ profile: this.#profile, cpus: 2, engine: this.#engine, devices, memory: 32 << 20 });
    });
    afterEach(() => this.#close());
  }

  #close(): void {
    const { machine } = this;
    for (const object of this.#objects.splice(0)) object[Symbol.dispose]();
    const { ledger } = machine;
    for (let cpu = 0; cpu < 2; cpu++) {
      const sum = ledger.delivered(cpu) + ledger.lost(cpu) + ledger.filtered(cpu);
      expect(ledger.produced(cpu), 'the ledger adds up').toBe(sum);
    }
    expect(machine.traps).toEqual([]);
    machine[Symbol.dispose]();
  }

  get machine(): Machine {
    return this.#machine as Machine;
  }

  load(text: string, options: Partial<BpfOptions> = {}): BPF {
    const bpf = new BPF(this.machine, { text, ...options });
    this.#objects.push(bpf);
    return bpf;
  }

  receive(data: Uint8Array, more: Partial<PacketEvent> = {}): PacketFate {
    return this.#at('receive', data, more);
  }

  transmit(data: Uint8Array, more: Partial<PacketEvent> = {}): PacketFate {
    return this.#at('transmit', data, more);
  }

  #at(direction: PacketEvent['direction'], data: Uint8Array, more: Partial<PacketEvent>): PacketFate {
    const { machine } = this;
    const event = { kind: 'packet', time: machine.clock() + 10, cpu: 0, task: idle, stack: [], device: eth0 } as const;
    machine.fire({ ...event, direction, data, ...more });
    return machine.packetFate;
  }

  device(name: string): DeviceInfo | undefined {
    return this.machine.devices().find((one) => one.name === name);
  }

  /** What tracers were told since, in order: `REASON @ function` of drops, the name of a tracepoint and its number. */
  watch(): () => string[] {
    const { machine } = this;
    this.#watcher ??= compileC(watcher, { file: 'watcher.c', profile: this.#profile, cpus: 2 }).object as ObjectSpec;
    const object = loadObject(machine, this.#watcher);
    this.#objects.push(object);
    const lines: string[] = [];
    const decode = (view: DataView, at: number): string => {
      const what = view.getUint32(at, true);
      const value = view.getUint32(at + 4, true);
      if (what !== 1) return `${toldNames[what]} ${value | 0}`;
      const place = machine.symbols.lookup(view.getBigUint64(at + 8, true));
      return `${this.#profile.dropReasonName(value)} @ ${place?.name}`;
    };
    const buffer = object.perfBuffer('told', { pages: 8, decode });
    buffer.records.subscribe((records) => lines.push(...records));
    object.autoAttach();
    return () => {
      buffer.poll();
      return lines.splice(0);
    };
  }
}
