import {
  type Context,
  defineScenario,
  ms,
  type Random,
  type Script,
  sec,
  TcpConnection,
  type TcpEnds,
  TcpListener,
  takeDnsAnswer,
  us,
} from 'tracebed';

/**
 * A host of web applications, 10.20.0.5 and 2001:db8:20::5: it serves on ports 443 and 8080, asks its database and its
 * cache, and fetches from the world. Some of what it asks is refused, some never answered; of what comes in, some is
 * lost, late or broken.
 */
const self = { ipv4: '10.20.0.5', ipv6: '2001:db8:20::5' };
/** The network namespace that the batch job's container is in. */
const containerNet = 4026532451;

interface Peer {
  readonly address: string;
  readonly port: number;
  /** ns, in the median */
  readonly roundTrip: number;
  /** What connect(2) to it returns. */
  readonly returns?: 0 | -101 | -110 | -111 | -113;
  /** What name servers know it by; absent where nobody asks. */
  readonly name?: string;
}

const database: Peer = { address: '10.20.0.9', port: 5432, roundTrip: us(180) };
const cache: Peer = { address: '10.20.0.12', port: 6379, roundTrip: us(150) };
const web: Peer = { address: '203.0.113.80', port: 443, roundTrip: ms(24), name: 'www.example.com' };
const web6: Peer = { address: '2001:db8:80::1', port: 443, roundTrip: ms(31), name: 'www.example.com' };
const registry: Peer = { address: '198.51.100.22', port: 443, roundTrip: ms(140), name: 'registry.example.net' };
const refused: Peer = { address: '10.20.0.14', port: 9200, roundTrip: us(200), returns: -111 };
const silent: Peer = { address: '192.0.2.77', port: 80, roundTrip: sec(4), returns: -110 };
const unreachable: Peer = { address: '2001:db8:dead::1', port: 443, roundTrip: 0, returns: -113 };

function isIpv6(peer: Peer): boolean {
  return peer.address.includes(':');
}

/** A connection from here to a peer and back: connect, a few exchanges, close. */
function visit(script: Script, context: Context, random: Random, peer: Peer) {
  const ends: TcpEnds = {
    local: isIpv6(peer) ? self.ipv6 : self.ipv4,
    localPort: random.int(32_768, 60_999),
    remote: peer.address,
    remotePort: peer.port,
    ...(context.task.container === undefined ? {} : { netNamespace: containerNet }),
  };
  const connection = new TcpConnection(script, ends);
  const { returns = 0 } = peer;
  const answer = Math.round(returns === -110 ? peer.roundTrip : random.logNormal(peer.roundTrip, 0.35));
  const fd = random.int(3, 40);
  const connecting = connection.connect(context, {
    fd,
    answer,
    returns,
    port: Math.round(random.logNormal(us(9), 0.5)),
  });
  if (returns !== 0) return connecting;
  const asking = peer.name === undefined ? [] : [takeDnsAnswer(context, peer.name, { addresses: [peer.address] })];
  const steps = [...asking, connecting, script.quiet(us(40))];
  for (let i = random.int(1, 4); i > 0; i--) steps.push(...exchange(script, context, random, connection, fd));
  return script.sequence(...steps, connection.close(context, fd));
}

/** One request and its answer; now and then a segment is lost, or one comes in that is no good. */
function exchange(script: Script, context: Context, random: Random, connection: TcpConnection, fd: number) {
  const steps = [connection.send(context, Math.round(random.logNormal(420, 0.8)), { fd })];
  if (random.chance(0.06)) {
    steps.push(script.quiet(connection.timeout), connection.retransmit(context));
    // What is lost once is lost again, more often than not.
    if (random.chance(0.6)) steps.push(script.quiet(2 * connection.timeout), connection.retransmit(context));
  } else if (random.chance(0.05)) steps.push(script.quiet(ms(20)), connection.retransmit(context, 'probe'));
  if (random.chance(0.05)) steps.push(connection.drop(context, random.pick(['TCP_OLD_DATA', 'TCP_OVERWINDOW'])));
  steps.push(script.quiet(Math.round(random.logNormal(us(600), 0.9))));
  steps.push(connection.receive(context, Math.round(random.logNormal(3000, 1.2)), { fd }));
  return steps;
}

/** A worker of the server waits for connections and serves one after the other. */
function serve(script: Script, context: Context, random: Random, listener: TcpListener, gap: number) {
  const peers =
    listener.sock.family === 10
      ? ['2001:db8:7::21', '2001:db8:9::4', '2001:db8:9::8']
      : ['203.0.113.7', '198.51.100.9', '192.0.2.30', '203.0.113.55'];
  const once = () => {
    const peer = { address: random.pick(peers), port: random.int(1025, 65_000) };
    const roundTrip = Math.round(random.logNormal(ms(18), 0.7));
    const fd = random.int(10, 60);
    const answered = (connection: TcpConnection) =>
      script.sequence(
        connection.receive(context, Math.round(random.logNormal(700, 0.5)), { fd }),
        script.quiet(Math.round(random.logNormal(us(900), 0.8))),
        connection.send(context, Math.round(random.logNormal(9000, 1)), { fd, acknowledged: roundTrip }),
        ...(random.chance(0.08) ? [script.quiet(connection.timeout), connection.retransmit(context)] : []),
        // Browsers keep connections and leave first; others are sent away.
        ...(random.chance(0.7) ? [connection.peerCloses(context), script.quiet(us(60))] : []),
        connection.close(context, fd),
        ...(random.chance(0.1) ? [connection.drop(context, 'NO_SOCKET', ['RST'])] : []),
      );
    return listener.accept(context, peer, answered, { roundTrip, fd: 5 });
  };
  return script.repeat(once, () => Math.round(random.exponential(gap)));
}

export default defineScenario({
  name: 'tcp-clients',
  summary: 'a web host: TCP connects and accepts, v4 and v6, with failures, retransmissions, drops and closes',
  cpus: 2,
  duration: sec(60),
  events: (script) => {
    const { task } = script;
    const container = { netNamespace: containerNet, pidNamespace: 4026532450, hostname: 'batch-1' };
    const clients = [
      { task: task({ pid: 3310, tgid: 3301, comm: 'node', uid: 1001 }), peers: [database, cache, web], pause: ms(70) },
      { task: task({ pid: 3402, comm: 'php-fpm8.2', uid: 33 }), peers: [database, refused], pause: ms(130) },
      { task: task({ pid: 4107, comm: 'curl', uid: 1000 }), peers: [web, web6, unreachable], pause: ms(420) },
      { task: task({ pid: 5220, comm: 'dockerd' }), peers: [registry, silent], pause: ms(900) },
      { task: task({ pid: 6031, comm: 'batch', uid: 100_000, container }), peers: [database, web6], pause: ms(300) },
    ];
    const servers = [
      { task: task({ pid: 2201, comm: 'nginx', uid: 33 }), address: '0.0.0.0', port: 443, gap: ms(60) },
      { task: task({ pid: 2202, comm: 'nginx', uid: 33 }), address: '::', port: 443, gap: ms(160) },
      { task: task({ pid: 7740, comm: 'java', uid: 1002 }), address: self.ipv4, port: 8080, gap: ms(210) },
    ];
    const place = (index: number) => index % script.cpus;
    return script.concurrently(
      ...clients.map((client, index) => {
        const random = script.random.fork(`${client.task.comm} ${client.task.pid}`);
        const context = script.on({ cpu: place(index), task: client.task });
        const once = () => visit(script, context, random, random.pick(client.peers));
        return script.after(
          random.exponential(client.pause),
          script.repeat(once, () => Math.round(random.exponential(client.pause))),
        );
      }),
      ...servers.map(({ task: server, address, port, gap }, index) => {
        const random = script.random.fork(`${server.comm} ${server.pid}`);
        const context = script.on({ cpu: place(index + 1), task: server });
        const listener = new TcpListener(script, {
          address,
          port,
          backlog: 511,
          reachedAt: address === '::' ? self.ipv6 : self.ipv4,
        });
        return script.sequence(
          script.after(ms(5 + index), listener.listen(context)),
          serve(script, context, random, listener, gap),
        );
      }),
    );
  },
});
