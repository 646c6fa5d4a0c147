import { defineScenario, ms, sec, TcpConnection, TcpListener, takeDnsAnswer, us } from 'tracebed';

/**
 * One second of known connections: curl fetches over IPv4 and loses a segment, node is refused over IPv6, nginx serves
 * a peer and drops a segment of it.
 */
export default defineScenario({
  name: 'three-connections',
  summary: 'one that works, one refused, one accepted',
  cpus: 1,
  duration: sec(2),
  events: (script) => {
    const { on, task, after, quiet, sequence, concurrently } = script;
    const curl = on({ task: task({ pid: 501, tgid: 500, comm: 'curl', uid: 1000 }), cpu: 0 });
    const node = on({ task: task({ pid: 600, comm: 'node', uid: 33 }), cpu: 0 });
    const nginx = on({ task: task({ pid: 700, comm: 'nginx' }), cpu: 0 });
    const fetched = new TcpConnection(script, {
      local: '10.0.0.1',
      localPort: 40_000,
      remote: '10.0.0.2',
      remotePort: 80,
    });
    const refused = new TcpConnection(script, {
      local: '2001:db8::1',
      localPort: 40_001,
      remote: '2001:db8::2',
      remotePort: 443,
    });
    const listener = new TcpListener(script, { address: '0.0.0.0', port: 8080, reachedAt: '10.0.0.1' });
    const served = (connection: TcpConnection) =>
      sequence(
        connection.receive(nginx, 3000),
        connection.drop(nginx, 'TCP_OLD_DATA'),
        quiet(us(100)),
        connection.send(nginx, 5000),
        quiet(ms(5)),
        connection.close(nginx, 8),
      );
    return concurrently(
      after(
        ms(10),
        sequence(
          takeDnsAnswer(curl, 'files.example', { addresses: ['10.0.0.2', '10.0.0.3'] }),
          quiet(ms(270)),
          takeDnsAnswer(node, 'six.example', { addresses: ['2001:db8::2'] }),
        ),
      ),
      after(
        ms(100),
        sequence(
          fetched.connect(curl, { answer: ms(2) }),
          fetched.send(curl, 1500),
          quiet(ms(10)),
          fetched.retransmit(curl, 'probe'),
          quiet(ms(10)),
          fetched.retransmit(curl),
          fetched.receive(curl, 10_240),
          fetched.close(curl),
        ),
      ),
      after(ms(300), refused.connect(node, { answer: us(500), returns: -111 })),
      after(ms(500), listener.listen(nginx)),
      after(ms(600), listener.accept(nginx, { address: '192.0.2.9', port: 5555 }, served, { roundTrip: us(400) })),
    );
  },
});
