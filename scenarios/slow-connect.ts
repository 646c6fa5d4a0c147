import {
  type Context,
  defineScenario,
  ms,
  type Random,
  type Script,
  sec,
  type Task,
  TcpConnection,
  us,
} from 'tracebed';

interface Client {
  readonly task: Task;
  readonly cpu: number;
  /** Who it connects to, and how far away that is: ns of the median round trip. */
  readonly servers: readonly { readonly address: string; readonly port: number; readonly roundTrip: number }[];
  /** Mean time between two connects, ns. */
  readonly pause: number;
}

/** What the handshake comes to: how long the answer takes, and what connect(2) returns. */
function outcome(random: Random, roundTrip: number): { readonly answer: number; readonly returns: 0 | -111 } {
  const once = Math.round(random.logNormal(roundTrip, 0.35));
  // A lost SYN is sent again after one second, then after two more (TCP_TIMEOUT_INIT).
  if (random.chance(0.02)) return { answer: sec(random.chance(0.2) ? 3 : 1) + once, returns: 0 };
  return { answer: once, returns: random.chance(0.03) ? -111 : 0 };
}

/** One connect(2), from the system call down to the segment that goes out, and what comes back. */
function connect(script: Script, context: Context, client: Client, random: Random) {
  const server = random.pick(client.servers);
  const connection = new TcpConnection(script, {
    local: '10.20.0.5',
    localPort: random.int(32_768, 60_999),
    remote: server.address,
    remotePort: server.port,
  });
  // One in forty waits for a lock on the table of ports, and then the whole call is slow.
  const port = random.chance(0.025) ? random.logNormal(ms(3), 0.8) : random.logNormal(us(9), 0.5);
  return connection.connect(context, {
    ...outcome(random, server.roundTrip),
    fd: random.int(3, 40),
    route: us(random.logNormal(4, 0.4)),
    port: Math.round(port),
    send: us(random.logNormal(28, 0.45)),
  });
}

export default defineScenario({
  name: 'slow-connect',
  summary: 'TCP connects of five programs, near and far, with a tail of slow ones',
  cpus: 2,
  duration: sec(60),
  events: (script) => {
    const { task } = script;
    const local = { address: '10.20.0.9', port: 5432, roundTrip: us(180) };
    const cache = { address: '10.20.0.12', port: 6379, roundTrip: us(150) };
    const far = { address: '203.0.113.80', port: 443, roundTrip: ms(24) };
    const farther = { address: '198.51.100.22', port: 443, roundTrip: ms(140) };
    const clients: Client[] = [
      { task: task({ pid: 2201, comm: 'nginx', uid: 33 }), cpu: 0, servers: [local, cache], pause: ms(25) },
      { task: task({ pid: 2202, comm: 'nginx', uid: 33 }), cpu: 1, servers: [local, cache], pause: ms(25) },
      { task: task({ pid: 3310, tgid: 3301, comm: 'node', uid: 1001 }), cpu: 1, servers: [cache, far], pause: ms(60) },
      { task: task({ pid: 4107, comm: 'curl', uid: 1000 }), cpu: 0, servers: [far, farther], pause: ms(350) },
      { task: task({ pid: 812, comm: 'ntpd', uid: 119 }), cpu: 0, servers: [farther], pause: sec(4) },
    ];
    return script.concurrently(
      ...clients.map((client) => {
        const random = script.random.fork(`${client.task.comm} ${client.task.pid}`);
        const context = script.on({ cpu: client.cpu % script.cpus, task: client.task });
        const once = () => connect(script, context, client, random);
        return script.after(
          random.exponential(client.pause),
          script.repeat(once, () => random.exponential(client.pause)),
        );
      }),
    );
  },
});
