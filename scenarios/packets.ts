import {
  buildPacket,
  defineScenario,
  type Emission,
  ms,
  neighbour,
  netDevice,
  type PacketSource,
  perSecond,
  type Script,
  sec,
  skBuff,
  TcpConnection,
  TcpListener,
  us,
} from 'tracebed';

/**
 * A small server with one network device: names are looked up, pages fetched and served, somebody pings. Not all of
 * what comes in is good: a scanner tries port after port, a flood of datagrams goes to a port where nobody listens,
 * and a broken router garbles headers. Every packet crosses the device, so that what is attached there decides; what
 * it lets through the kernel handles, or drops.
 */
const eth0 = netDevice('eth0', 2, { mac: '52:54:00:12:34:56' });
const own = '192.0.2.10';
const own6 = '2001:db8::10';
const resolver = '192.0.2.53';
const scanner = '203.0.113.66';
const flooder = '198.51.100.99';

/** Where packets that come in are given up. */
const receivePath = [
  'ip_protocol_deliver_rcu+0x32',
  'ip_local_deliver_finish+0x72',
  '__netif_receive_skb_one_core+0x8b',
];

/** A packet comes in that the kernel drops, if it gets that far. */
function unwanted(script: Script, packet: PacketSource, reason: string, location: string): Emission {
  const event = script.receive(eth0, packet);
  return script.whenPassed(event, () =>
    script.drop({ skb: skBuff({ data: event.data, dev: eth0 }), reason, location, stack: receivePath }),
  );
}

/** A name is asked for, and the answer comes. */
function lookup(script: Script): Emission {
  const { random, task } = script;
  const client = script.on({
    cpu: Math.min(1, script.cpus - 1),
    task: task({ pid: 2210, comm: 'resolved', uid: 101 }),
  });
  const sourcePort = random.int(32_768, 60_999);
  const question = `${random.pick(['www', 'mail', 'cdn', 'api'])}.example.org`;
  const ask = {
    ipv4: { source: own, destination: resolver },
    udp: { sourcePort, destinationPort: 53 },
    payload: question,
  };
  return script.whenPassed(client.transmit(eth0, ask), () =>
    script.after(ms(2), () =>
      script.receive(eth0, {
        ipv4: { source: resolver, destination: own },
        udp: { sourcePort: 53, destinationPort: sourcePort },
        payload: `${question} 198.51.100.80`,
      }),
    ),
  );
}

/** A page is fetched. */
function fetchPage(script: Script, index: number): Emission {
  const client = script.on({
    cpu: Math.min(1, script.cpus - 1),
    task: script.task({ pid: 3300 + index, comm: 'curl', uid: 1000 }),
  });
  const ends = { local: own, localPort: 40_000 + index, remote: '198.51.100.80', remotePort: 80, device: eth0 };
  const connection = new TcpConnection(script, { ...ends, onWire: true, softirqCpu: 0 });
  return script.sequence(
    connection.connect(client, { answer: us(700) }),
    script.quiet(us(80)),
    connection.send(client, 120),
    script.quiet(ms(3)),
    connection.receive(client, 4000),
    script.quiet(us(200)),
    connection.close(client),
  );
}

/** Pages are served: clients come to port 443. */
function server(script: Script): Emission {
  const worker = script.on({
    cpu: Math.min(1, script.cpus - 1),
    task: script.task({ pid: 1180, comm: 'nginx', uid: 33 }),
  });
  const listener = new TcpListener(script, { address: own, port: 443, device: eth0, onWire: true, softirqCpu: 0 });
  const visits = script.poisson(perSecond(4), (index) =>
    listener.accept(worker, { address: `203.0.113.${1 + (index % 40)}`, port: 50_000 + index }, (connection) =>
      script.sequence(
        connection.receive(worker, 300),
        script.quiet(us(250)),
        connection.send(worker, 2600),
        script.quiet(ms(1)),
        connection.peerCloses(worker),
        connection.close(worker),
      ),
    ),
  );
  return script.sequence(listener.listen(worker), script.quiet(ms(5)), visits);
}

/** An echo request and its reply; each third over IPv6. */
function ping(script: Script, index: number): Emission {
  const rest = (0x1234 << 16) | index;
  const isIp6 = index % 3 === 2;
  const network = (source: string, destination: string) =>
    isIp6 ? { ipv6: { source, destination } } : { ipv4: { source, destination } };
  const peer = isIp6 ? '2001:db8::1' : '192.0.2.1';
  const self = isIp6 ? own6 : own;
  const echo = (request: boolean) =>
    isIp6 ? { icmpv6: { type: request ? 128 : 129, rest } } : { icmp: { type: request ? 8 : 0, rest } };
  const payload = 'abcdefghijklmnopqrstuvwabcdefghi';
  return script.whenPassed(script.receive(eth0, { ...network(peer, self), ...echo(true), payload }), () =>
    script.transmit(eth0, { ...network(self, peer), ...echo(false), payload }),
  );
}

/** Who has this address? */
function resolve(script: Script): Emission {
  const senderMac = neighbour;
  const ask = { operation: 'request', senderMac, senderAddress: '192.0.2.1', targetAddress: own } as const;
  const asked = buildPacket({ ethernet: { source: neighbour, destination: 'ff:ff:ff:ff:ff:ff' }, arp: ask });
  const answer = {
    operation: 'reply',
    senderMac: eth0.mac as string,
    senderAddress: own,
    targetMac: neighbour,
  } as const;
  return script.whenPassed(script.receive(eth0, asked), () =>
    script.transmit(eth0, { arp: { ...answer, targetAddress: '192.0.2.1' } }),
  );
}

/** One port after the other, with flags that no connection begins with now and then. */
function scan(script: Script, index: number): Emission {
  const flags = index % 5 === 4 ? (['FIN', 'PSH', 'URG'] as const) : (['SYN'] as const);
  const tcp = { sourcePort: 61_000, destinationPort: 20 + index, sequence: index, flags };
  const packet = { ipv4: { source: scanner, destination: own }, tcp };
  return unwanted(script, packet, 'NO_SOCKET', 'tcp_v4_rcv+0x3f0');
}

function flood(script: Script): Emission {
  const udp = { sourcePort: script.random.int(1024, 65_535), destinationPort: 9 };
  const packet = { ipv4: { source: flooder, destination: own }, udp, payload: new Uint8Array(64) };
  return unwanted(script, packet, 'NO_SOCKET', '__udp4_lib_rcv+0x4bc');
}

/** What a broken router makes of packets. */
function garbled(script: Script, index: number): Emission {
  const ipv4 = { source: '198.51.100.7', destination: own };
  const udp = { sourcePort: 5060, destinationPort: 5060 };
  switch (index % 4) {
    case 0:
      return unwanted(script, { ipv4: { ...ipv4, checksum: 0xdead }, udp }, 'IP_CSUM', 'ip_rcv_core+0x22c');
    case 1:
      return unwanted(script, { ipv4: { ...ipv4, totalLength: 900 }, udp }, 'PKT_TOO_SMALL', 'ip_rcv_core+0x2a1');
    case 2:
      return unwanted(
        script,
        { ipv4, udp: { ...udp, checksum: 0xbeef }, payload: 'x' },
        'UDP_CSUM',
        '__udp4_lib_rcv+0x7a2',
      );
    default:
      return script.receive(eth0, { vlans: [{ id: 99 }], ipv4, udp, payload: 'astray' });
  }
}

export default defineScenario({
  name: 'packets',
  summary: 'a server with one network device: names, pages, pings, and a scan, a flood and garbled packets',
  cpus: 2,
  duration: sec(10),
  devices: [eth0],
  events: (script) =>
    script.concurrently(
      script.poisson(perSecond(12), () => lookup(script)),
      script.every(ms(400), (index) => fetchPage(script, index)),
      script.after(ms(10), () => server(script)),
      script.every(ms(500), (index) => ping(script, index)),
      script.every(sec(2), () => resolve(script)),
      script.after(
        sec(3),
        script.burst(60, ms(20), (index) => scan(script, index)),
      ),
      script.after(
        sec(6),
        script.burst(800, us(500), () => flood(script)),
      ),
      script.poisson(perSecond(2), (index) => garbled(script, index)),
    ),
});
