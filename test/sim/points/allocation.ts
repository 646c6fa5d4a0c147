import { expect, test } from 'vitest';
import { loadProfile } from '../../../src/btf/index.ts';
import { BPF } from '../../../src/client/index.ts';
import { binary, buildPacket, type KernelEvent, netDevice, skBuff, type Task } from '../../../src/events/index.ts';
import { boot, type Machine } from '../../../src/sim/index.ts';
import { createJit } from '../../../src/vm/index.ts';

/**
 * Between an attach point and a ring nothing is allocated: bytes of the heap for each event on the main paths, in
 * compiled code. A row is a text, what it is attached to, and what happens there again
 * and again.
 */
type Moment = 'time' | 'cpu' | 'task' | 'stack';
type Happening = {
  [Kind in KernelEvent['kind']]: Omit<Extract<KernelEvent, { kind: Kind }>, Moment>;
}[KernelEvent['kind']];
export type Row = readonly [name: string, text: string, attach: (bpf: BPF) => unknown, happens: readonly Happening[]];

const profile = loadProfile('6.18');
const task: Task = { pid: 43, tgid: 42, comm: 'curl', uid: 0, gid: 0 };
const stack = ['tcp_v4_connect+0x1', 'inet_stream_connect+0x3b'];
export const eth0 = netDevice('eth0', 2, { mac: '02:00:00:00:00:01' });
const data = buildPacket({
  ethernet: { source: '02:00:00:00:00:02', destination: '02:00:00:00:00:01' },
  ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
  udp: { sourcePort: 1, destinationPort: 2 },
  payload: 'a payload',
});
export const app = binary('/usr/bin/app', { functions: ['main'] });
export const skb = skBuff({ data, dev: eth0 });
export const location = { symbol: 'tcp_v4_rcv+0x1' };

export const connect: Happening = { kind: 'entry', function: 'tcp_v4_connect', args: { addr_len: 16 } };
export const connected: Happening = { kind: 'exit', function: 'tcp_v4_connect', returns: -111 };
export const received: Happening = { kind: 'packet', device: eth0, direction: 'receive', data };
export const sent: Happening = { ...received, direction: 'transmit' };
export const dropFields = { skbaddr: skb, location, rx_sk: null, protocol: 2048, reason: 2 };
export const onConnect = (bpf: BPF) => bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'f' });

/** All events of one form: reading the time of one of many forms makes a number, which is not what is looked for. */
const form = {
  ...{ kind: '', time: 0.5, cpu: 0, task, stack, userStack: undefined, function: '', args: {}, returns: 0, name: '' },
  ...{ fields: {}, binary: '', device: eth0, direction: '', data },
};

/** Of one try: so few that a collection falls into one try of many, whatever an event allocates. */
const rounds = 2_000;
/** A call into WebAssembly costs V8 40 bytes where it has met several; whatever is made for an event comes on top. */
const most = 48;

/** Fires the events so often, each 10 us behind the one before. */
function play(machine: Machine, events: readonly { time: number }[]): void {
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < events.length; index++) {
      const event = events[index] as { time: number };
      event.time += 10_000 * events.length;
      machine.fire(event as KernelEvent);
    }
  }
}

/**
 * The most of eight tries in a row, once that is less than the limit: V8 compiles beside us, and what it has not
 * compiled yet makes numbers. A collection gives one try less than nothing, never eight.
 */
function settled(bytesOfTry: () => number): number {
  const tries: number[] = [];
  const last = () => Math.max(...tries.slice(-8));
  do tries.push(bytesOfTry());
  while (tries.length < 8 || (last() >= most && tries.length < 200));
  return last();
}

/** A few rows a file: code that has met many machines allocates where it no longer knows what it meets. */
export function allocatesNothing(rows: readonly Row[]): void {
  test.each(rows)('%s', (_name, text, attach, happens) => {
    const processes = [{ pid: 42, binaries: [app] }];
    using machine = boot({ profile, cpus: 1, engine: createJit(), devices: [eth0], processes });
    using bpf = new BPF(machine, { text });
    attach(bpf);
    // Times as a machine that is up for a while has them: no int32 holds them.
    const events = happens.map((event, index) => ({ ...form, ...event, time: 1e12 + 0.5 + 10_000 * index }));
    for (let warm = 0; warm < 20; warm++) play(machine, events);
    expect(
      settled(() => {
        const before = process.memoryUsage().heapUsed;
        play(machine, events);
        return (process.memoryUsage().heapUsed - before) / rounds / events.length;
      }),
    ).toBeLessThan(most);
    expect(machine.traps).toEqual([]);
    expect(machine.ledger.produced(0)).toBeGreaterThanOrEqual(20 * rounds);
  });
}
