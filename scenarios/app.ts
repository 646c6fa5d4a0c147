import {
  binary,
  type Context,
  defineScenario,
  ms,
  type Process,
  type Random,
  type Script,
  sec,
  type Task,
  type UserCall,
  us,
} from 'tracebed';

/** A small server: three workers that read a request, parse it, look it up over TLS, and answer. */
const server = binary('/usr/local/bin/shopd', {
  functions: ['main', 'worker_loop', 'read_request', 'parse_request', 'find_item', 'render_page', 'send_reply'],
  probes: [
    { provider: 'shop', name: 'request__start', in: 'read_request', arguments: '-4@%edi 8@%rsi', semaphore: true },
    { provider: 'shop', name: 'request__done', in: 'send_reply', arguments: '-4@-20(%rbp) 8@%rax -4@$200' },
  ],
});
const libc = binary('/usr/lib/x86_64-linux-gnu/libc.so.6', {
  functions: ['__libc_start_main', 'read', 'write', 'malloc', 'free', 'getaddrinfo', 'gethostbyname', 'memcpy'],
});
const libssl = binary('/usr/lib/x86_64-linux-gnu/libssl.so.3', {
  functions: ['SSL_read', 'SSL_write', 'SSL_do_handshake', 'ssl3_read_bytes'],
});
const shell = binary('/usr/bin/bash', { functions: ['main', 'reader_loop', 'readline', 'execute_command'] });

const processes: readonly Process[] = [
  { pid: 5100, binaries: [server, libc, libssl] },
  { pid: 6100, binaries: [shell, libc] },
];

const started = [`main+0x88 [${server.path}]`, `__libc_start_main+0x80 [${libc.path}]`];
const paths = ['/', '/basket', '/item/17', '/item/4711', '/search?q=lamp'];

interface Worker {
  readonly context: Context;
  readonly task: Task;
  readonly random: Random;
}

/** One request from its first byte to its answer. */
function request(worker: Worker, connection: number): UserCall {
  const { context, random } = worker;
  const path = random.pick(paths);
  const text = { object: 'user', content: `GET ${path} HTTP/1.1` } as const;
  const length = text.content.length;
  const lookup = us(random.logNormal(path.startsWith('/search') ? 900 : 120, 0.6));
  const render = us(random.logNormal(340, 0.4));
  const read = context.userCall(server.path, 'read_request', { takes: us(60), returns: length }, [
    (inside) => inside.usdt(server.path, 'shop', 'request__start', [connection, text]),
    context.userCall(libssl.path, 'SSL_read', { args: [0, text, 4096], takes: us(40), returns: length }, [
      context.syscall('read', { fd: connection, buf: text, count: 4096 }, { takes: us(8), returns: length + 29 }),
    ]),
  ]);
  const find = context.userCall(server.path, 'find_item', { args: [text], takes: lookup, returns: 1 }, [
    (inside) => inside.runs(lookup, { 'cache-misses': Math.round(lookup / 80), 'cpu-cycles': lookup * 3 }),
  ]);
  const page = context.userCall(server.path, 'render_page', { args: [connection], takes: render }, [
    context.userCall(libc.path, 'malloc', { args: [16_384], takes: us(1), returns: 0x55560000 }),
    (inside) => inside.runs(render - us(1), { 'cache-misses': Math.round(render / 900), 'cpu-cycles': render * 3 }),
  ]);
  const send = context.userCall(server.path, 'send_reply', { args: [connection], takes: us(90) }, [
    context.userCall(libssl.path, 'SSL_write', { args: [0, text, 5120], takes: us(55), returns: 5120 }, [
      context.syscall('write', { fd: connection, buf: text, count: 5141 }, { takes: us(11), returns: 5141 }, [
        (inside) => inside.runs(us(10)),
      ]),
    ]),
    (inside) => inside.usdt(server.path, 'shop', 'request__done', [connection, render + lookup, 200]),
  ]);
  const parse = context.userCall(server.path, 'parse_request', { args: [text, length], takes: us(12) });
  return context.userCall(server.path, 'worker_loop', {}, [read, parse, find, page, send]);
}

/** A worker waits for a request, is woken, and serves it. */
function serve(script: Script, worker: Worker) {
  const { context, random, task } = worker;
  return script.repeat(
    () => {
      const idle = script.on({ cpu: context.cpu, task: script.idle.task });
      const begin = script.sequence(
        script.after(0, () => [idle.wakeup(task)]),
        script.after(us(random.logNormal(18, 0.7)), () => [idle.switchTo(task, 0)]),
      );
      const served = request(worker, random.int(8, 40));
      const end = script.after(us(2), () => [context.switchTo(script.idle.task)]);
      return script.sequence(begin, served, end);
    },
    () => random.exponential(ms(4)),
  );
}

/** Someone types commands. */
function typing(script: Script, context: Context, random: Random) {
  const lines = ['ls -l', 'systemctl status shopd', 'curl localhost', 'uptime'];
  return script.repeat(
    () => {
      const line = { object: 'user', content: random.pick(lines) } as const;
      return context.userCall(shell.path, 'readline', { takes: ms(random.logNormal(700, 0.5)), returns: line });
    },
    () => ms(random.logNormal(400, 0.5)),
  );
}

export default defineScenario({
  name: 'app',
  summary: 'a TLS server with a USDT probe, its library calls and where its CPU time goes, and a shell',
  cpus: 2,
  duration: sec(10),
  processes,
  events: (script) => {
    const init = script.task({ pid: 1, comm: 'systemd' });
    const leader = script.task({ pid: 5100, comm: 'shopd', uid: 998, parent: init });
    const workers = [0, 1, 2].map((index): Worker => {
      const random = script.random.fork(`worker ${index}`);
      const pid = 5101 + index;
      const task = script.task({ pid, tgid: 5100, comm: `shopd-w${index}`, uid: 998, parent: init, leader });
      return { task, random, context: script.on({ cpu: index % script.cpus, task, userStack: started }) };
    });
    const bash = script.task({ pid: 6100, comm: 'bash', uid: 1000, parent: init });
    const shellContext = script.on({ cpu: 0, task: bash, userStack: [`reader_loop+0x31 [${shell.path}]`] });
    return script.concurrently(
      ...workers.map((worker) => script.after(worker.random.exponential(ms(4)), serve(script, worker))),
      typing(script, shellContext, script.random.fork('typing')),
    );
  },
});
