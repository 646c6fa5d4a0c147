import {
  type Context,
  defineScenario,
  ms,
  type Random,
  type Script,
  type Sock,
  type StructObject,
  sec,
  sock,
  type Task,
  type UserMemory,
  us,
} from 'tracebed';

/** TCP states (include/net/tcp_states.h). */
const ESTABLISHED = 1;
const SYN_SENT = 2;
const CLOSE = 7;

interface Client {
  readonly task: Task;
  readonly cpu: number;
  /** Who it connects to, and how far away that is: ns of the median round trip. */
  readonly servers: readonly { readonly address: string; readonly port: number; readonly roundTrip: number }[];
  /** Mean time between two connects, ns. */
  readonly pause: number;
}

/** struct sockaddr_in in user memory: family u16, port u16 in network order, address, padding. */
function userAddress(connection: Sock): UserMemory {
  const content = new Uint8Array(16);
  content.set([2, 0, connection.dport >> 8, connection.dport & 0xff]);
  content.set(connection.daddr, 4);
  return { object: 'user', content };
}

/** The same as the kernel holds it, once it has copied it in: numbers in network order, as they lie in memory. */
function kernelAddress(connection: Sock): StructObject {
  const { daddr, dport } = connection;
  const address = new DataView(daddr.buffer, daddr.byteOffset).getUint32(0, true);
  const port = ((dport & 0xff) << 8) | (dport >> 8);
  return {
    object: 'struct',
    type: 'sockaddr_in',
    fields: { sin_family: 2, sin_port: port, 'sin_addr.s_addr': address },
  };
}

function stateChange(connection: Sock, from: number, to: number) {
  return (inside: Context) =>
    inside.tracepoint('sock:inet_sock_set_state', {
      skaddr: connection,
      oldstate: from,
      newstate: to,
      sport: connection.sport,
      dport: connection.dport,
      family: connection.family,
      protocol: connection.protocol,
      saddr: connection.saddr,
      daddr: connection.daddr,
    });
}

/** What the handshake came to: how long it took, and what connect(2) returns. */
function outcome(random: Random, roundTrip: number): { readonly wait: number; readonly returns: number } {
  const once = random.logNormal(roundTrip, 0.35);
  // A lost SYN is sent again after one second, then after two more (TCP_TIMEOUT_INIT).
  if (random.chance(0.02)) return { wait: sec(random.chance(0.2) ? 3 : 1) + once, returns: 0 };
  if (random.chance(0.03)) return { wait: once, returns: -111 };
  return { wait: once, returns: 0 };
}

/** One connect(2), from the system call down to the segment that goes out. */
function connect(script: Script, context: Context, client: Client, random: Random) {
  const server = random.pick(client.servers);
  const connection = sock({
    protocol: 'tcp',
    source: '10.20.0.5',
    sourcePort: random.int(32_768, 60_999),
    destination: server.address,
    destinationPort: server.port,
    state: SYN_SENT,
  });
  const uservaddr = userAddress(connection);
  const uaddr = kernelAddress(connection);
  const { wait, returns } = outcome(random, server.roundTrip);
  // One in forty waits for a lock on the table of ports, and then the whole call is slow.
  const search = random.chance(0.025) ? random.logNormal(ms(3), 0.8) : random.logNormal(us(9), 0.5);
  const route = context.call('ip_route_output_key_hash', {}, { takes: us(random.logNormal(4, 0.4)) });
  const hash = context.call('inet_hash_connect', { sk: connection }, { takes: Math.round(search) });
  const send = context.call('tcp_connect', { sk: connection }, { takes: us(random.logNormal(28, 0.45)) });
  const own = us(random.logNormal(6, 0.3));
  const handshake = context.call(
    'tcp_v4_connect',
    { sk: connection, uaddr, addr_len: 16 },
    { takes: route.span + hash.span + send.span + own, after: us(1) },
    [route, stateChange(connection, CLOSE, SYN_SENT), hash, send],
  );
  const stream = context.call(
    'inet_stream_connect',
    { uaddr, addr_len: 16, flags: 2 },
    { takes: handshake.span + us(2) + Math.round(wait), returns, after: us(1) },
    [handshake],
  );
  const inside = context.syscall(
    'connect',
    { fd: random.int(3, 40), uservaddr, addrlen: 16 },
    { takes: stream.span + us(2), returns },
    [stream],
  );
  if (returns !== 0) return inside;
  // The answer comes in on another CPU's interrupt, while the caller sleeps.
  const softirq = script.on({ cpu: (client.cpu + 1) % script.cpus, stack: ['tcp_rcv_state_process+0x1c5'] });
  const answered = script.after(handshake.span + Math.round(wait), () =>
    stateChange(connection, SYN_SENT, ESTABLISHED)(softirq),
  );
  return script.concurrently(inside, answered);
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
