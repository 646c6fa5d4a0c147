import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { InputError, ms, us } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import {
  decodePacket,
  flowOf,
  formatFlow,
  type KernelEvent,
  netDevice,
  type PacketEvent,
  sock,
} from '../../src/events/index.ts';
import {
  defineScenario,
  type PacketSource,
  packetBytes,
  readCapture,
  recordLines,
  type Script,
  TcpConnection,
  TcpListener,
} from '../../src/scenario/index.ts';
import { readRecordLines } from '../../src/scenario/record-read.ts';
import { boot } from '../../src/sim/index.ts';
import { play, stage } from './stage.ts';

const eth0 = netDevice('eth0', 2, { mac: '02:00:00:00:00:01' });
const tun0 = netDevice('tun0', 3, { type: 65534 });
const ipv4 = { source: '10.0.0.2', destination: '10.0.0.1' };
const udp = { sourcePort: 53, destinationPort: 4000 };
const profile = loadProfile('6.18');

const scenario = (events: (script: Script) => Observable<KernelEvent>) =>
  defineScenario({ name: 'test', summary: 'A test.', devices: [eth0], events });

/** What a packet event is about: `receive UDP 10.0.0.2:53 → 10.0.0.1:4000`, and what of its headers is wrong. */
function packetText({ direction, data, device }: PacketEvent): string {
  const layers = decodePacket(data, { link: device.type === 65534 ? 'none' : 'ethernet' });
  const wrong = layers.some((layer) => 'checksumState' in layer && layer.checksumState === 'wrong') ? ' (wrong)' : '';
  const tcp = layers.find((layer) => layer.kind === 'tcp');
  const payload = layers.find((layer) => layer.kind === 'payload')?.bytes.length ?? 0;
  const flow = flowOf(layers);
  const what = tcp === undefined ? '' : ` flags ${tcp.flags.toString(2)} +${payload}`;
  return `${direction} ${flow === undefined ? `${data.length} bytes` : formatFlow(flow)}${what}${wrong}`;
}

const isPacket = (event: KernelEvent): event is PacketEvent => event.kind === 'packet';

describe('a packet at a device', () => {
  test.each<[string, PacketSource, string]>([
    ['UDP', { ipv4, udp, payload: 'x' }, 'receive UDP 10.0.0.2:53 → 10.0.0.1:4000'],
    [
      'TCP with flags by name',
      { ipv4, tcp: { ...udp, flags: ['SYN', 'ACK'] } },
      'receive TCP 10.0.0.2:53 → 10.0.0.1:4000 flags 10010 +0',
    ],
    ['IPv6', { ipv6: { source: '::2', destination: '::1' }, udp }, 'receive UDP [::2]:53 → [::1]:4000'],
    ['a wrong checksum', { ipv4: { ...ipv4, checksum: 1 }, udp }, 'receive UDP 10.0.0.2:53 → 10.0.0.1:4000 (wrong)'],
    ['bytes', new Uint8Array(20), 'receive 0x0000 00:00:00:00:00:00 → 00:00:00:00:00:00'],
  ])('is %s', (_, source, text) => {
    const [event] = play(scenario((script) => script.burst(1, 1, () => script.receive(eth0, source))));
    expect(packetText(event as PacketEvent)).toBe(text);
  });

  test('has the link header that its device wants', () => {
    const macs = (bytes: Uint8Array) => [bytes[5], bytes[11]];
    expect(macs(packetBytes(eth0, 'receive', { ipv4, udp }))).toEqual([0x01, 0xfe]);
    expect(macs(packetBytes(eth0, 'transmit', { ipv4, udp }))).toEqual([0xfe, 0x01]);
    expect(packetBytes(tun0, 'receive', { ipv4, udp })[0]).toBe(0x45);
    const own = { ethernet: { source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' }, ipv4, udp };
    expect(macs(packetBytes(eth0, 'receive', own))).toEqual([0x0b, 0x0a]);
  });

  test('happens where its context is, in the driver when that is in no call', () => {
    const sk = sock({
      protocol: 'udp',
      source: '10.0.0.1',
      sourcePort: 1,
      destination: '10.0.0.2',
      destinationPort: 2,
    });
    const [first, second] = play(
      scenario((script) =>
        script.burst(1, 1, () => [
          script.receive(eth0, { ipv4, udp }, { cpu: 1, queue: 3, mark: 7 }),
          script.on({ stack: ['udp_sendmsg+0x1'] }).transmit(eth0, { ipv4, udp }, { sk, priority: 2 }),
        ]),
      ),
    ) as [PacketEvent, PacketEvent];
    expect(first).toMatchObject({ direction: 'receive', cpu: 1, queue: 3, mark: 7, time: 0 });
    expect(first.stack.at(-1)).toBe('handle_softirqs+0xd7');
    expect(second).toMatchObject({ direction: 'transmit', cpu: 0, sk, priority: 2, stack: ['udp_sendmsg+0x1'] });
  });

  test('goes on when nothing took it away', () => {
    const course = (passed: boolean | undefined) =>
      play(
        scenario((script) =>
          script.whenPassed(script.receive(eth0, { ipv4, udp }), () =>
            script.after(us(3), () => script.tracepoint('sched:sched_switch', {})),
          ),
        ),
        stage(passed === undefined ? {} : { passed: () => passed }),
      ).map(({ kind, time }) => [kind, time]);
    const both = [
      ['packet', 0],
      ['tracepoint', us(3)],
    ];
    expect([course(true), course(undefined), course(false)]).toEqual([both, both, [['packet', 0]]]);
  });

  test('is recorded, and played again', () => {
    const sk = sock({
      protocol: 'tcp',
      source: '10.0.0.1',
      sourcePort: 1,
      destination: '10.0.0.2',
      destinationPort: 2,
    });
    const made = scenario((script) =>
      script.burst(2, us(5), (index) =>
        index === 0 ? script.receive(eth0, { ipv4, udp }, { queue: 1 }) : script.transmit(eth0, { ipv4, udp }, { sk }),
      ),
    );
    const lines: string[] = [];
    recordLines(made, stage(), (line) => lines.push(line));
    expect(JSON.parse(lines[0] as string).devices).toEqual([eth0]);
    expect([...readRecordLines(lines, 'x')]).toEqual(play(made));
    const broken = lines.map((line) => line.replace('"receive"', '"sideways"'));
    expect(() => [...readRecordLines(broken, 'x')]).toThrow(InputError);
  });
});

describe('a capture', () => {
  const file = 'scenarios/recordings/bad_checksums.a.pcap';

  test('comes by a device at its own pace, or at another', () => {
    const capture = readCapture(file);
    const [first] = capture.packets;
    const events = play(scenario((script) => script.after(ms(1), () => script.replay(eth0, capture))));
    expect(events.map(({ time }) => time)).toEqual(
      capture.packets.map(({ time }) => ms(1) + Number(time - (first?.time ?? 0n))),
    );
    expect((events as PacketEvent[]).map(({ data }) => data)).toEqual(capture.packets.map(({ data }) => data));
    const paced = play(scenario((script) => script.replay(eth0, capture, { gap: us(10), direction: 'transmit' })));
    expect(paced.map((event) => [event.time, (event as PacketEvent).direction])).toEqual(
      capture.packets.map((_, index) => [us(10) * index, 'transmit']),
    );
  });

  test('goes out where its source is the device, and gets the header that the device wants', () => {
    const capture = readCapture(file);
    const [packet] = capture.packets;
    const mac = [...(packet?.data.subarray(6, 12) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    const own = netDevice('eth0', 2, { mac });
    const [event] = play(scenario((script) => script.replay(own, capture))) as PacketEvent[];
    expect(event?.direction).toBe('transmit');
    const [bare] = play(scenario((script) => script.replay(tun0, capture))) as PacketEvent[];
    expect(bare?.data).toEqual(packet?.data.subarray(14));
    const raw = { file, packets: [{ ...packet, link: 'none', data: packet?.data.subarray(14) }] } as typeof capture;
    const [framed] = play(scenario((script) => script.replay(eth0, raw))) as PacketEvent[];
    expect([framed?.data.length, framed?.data[5]]).toEqual([packet?.data.length, 1]);
  });

  test('that is not there is told', () => {
    expect(() => readCapture('nowhere.pcap')).toThrow(InputError);
  });
});

describe('a connection on the wire', () => {
  const ends = { local: '10.0.0.1', localPort: 4000, remote: '10.0.0.2', remotePort: 80, device: eth0 };
  const visit = (script: Script, onWire = true) => {
    const client = script.on({ cpu: 0, task: script.task({ pid: 9, comm: 'curl' }) });
    const connection = new TcpConnection(script, { ...ends, onWire });
    return script.sequence(
      connection.connect(client),
      connection.send(client, 2000),
      connection.receive(client, 3000),
      connection.close(client),
    );
  };
  const all = stage({ profile });
  const events = play(
    scenario((script) => visit(script)),
    all,
  );
  const wire = events.filter(isPacket).map(packetText);
  const out = 'transmit TCP 10.0.0.1:4000 → 10.0.0.2:80 flags';
  const back = 'receive TCP 10.0.0.2:80 → 10.0.0.1:4000 flags';

  test('has each segment cross its device', () => {
    expect(wire).toEqual([
      `${out} 10 +0`,
      `${back} 10010 +0`,
      `${out} 10000 +0`,
      `${out} 11000 +1448`,
      `${out} 11000 +552`,
      `${back} 10000 +0`,
      `${back} 11000 +1448`,
      `${back} 11000 +1448`,
      `${back} 11000 +104`,
      `${out} 10000 +0`,
      `${out} 10001 +0`,
      `${back} 10000 +0`,
      `${back} 10001 +0`,
      `${out} 10000 +0`,
    ]);
  });

  test('is otherwise as one that is not', () => {
    const other = play(
      scenario((script) => visit(script, false)),
      stage({ profile }),
    );
    const names = (list: readonly KernelEvent[]) =>
      list.filter((event) => !isPacket(event)).map((event) => ('name' in event ? event.name : event.kind));
    expect(names(events)).toEqual(names(other));
    expect(other.some(isPacket)).toBe(false);
  });

  test('handles nothing of what is taken away', () => {
    let direction = '';
    const on = stage({ profile, passed: () => direction !== 'receive' });
    const seen: string[] = [];
    scenario((script) => visit(script))
      .events(on)
      .subscribe((event) => {
        if (isPacket(event)) direction = event.direction;
        if (event.kind === 'entry') seen.push(event.function);
      });
    on.scheduler.advanceTo(on.duration);
    expect(seen).toContain('tcp_connect');
    expect(seen.filter((name) => name.startsWith('tcp_rcv') || name === 'tcp_recvmsg')).toEqual([]);
  });

  test('comes to a listener by its SYN', () => {
    const serve = (script: Script) => {
      const worker = script.on({ cpu: 0, task: script.task({ pid: 8, comm: 'nginx' }) });
      const listener = new TcpListener(script, { address: '10.0.0.1', port: 80, device: eth0, onWire: true });
      return script.sequence(
        listener.listen(worker),
        listener.accept(worker, { address: '10.0.0.2', port: 5000 }, (connection) => connection.peerCloses(worker)),
      );
    };
    const accepted = (passed: boolean) => {
      const list = play(scenario(serve), stage({ profile, passed: () => passed }));
      return [
        list.filter(isPacket).length,
        list.some((event) => 'name' in event && event.name.endsWith('exit_accept4')),
      ];
    };
    expect([accepted(true), accepted(false)]).toEqual([
      [5, true],
      [1, false],
    ]);
  });

  test('plays to a kernel', () => {
    using machine = boot({ profile, cpus: 2, devices: [eth0], memory: 16 << 20 });
    for (const event of events) machine.fire(event);
    expect(machine.devices()[1]).toMatchObject({ received: 7, sent: 7, dropped: 0 });
  });
});
