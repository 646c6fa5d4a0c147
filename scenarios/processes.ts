import {
  binary,
  type Context,
  defineScenario,
  ms,
  type Process,
  type Random,
  RunQueue,
  type Script,
  sec,
  type Task,
  us,
} from 'tracebed';

/**
 * A developer's machine: a build that forks compilers, a shell whose commands fail now and then, cron, a web
 * application with more threads than there are CPUs, and a watchdog that ends what hangs.
 */
const node = binary('/usr/bin/node', {
  functions: [
    'main',
    'uv_run',
    'uv__io_poll',
    'Builtins_InterpreterEntry',
    'Builtins_JSEntry',
    'v8_GC_Scavenge',
    'worker',
  ],
});
const compiler = binary('/usr/lib/gcc/x86_64-linux-gnu/12/cc1', {
  functions: [
    'main',
    'compile_file',
    'c_parser_translation_unit',
    'c_lex_one_token',
    'execute_pass_list',
    'ira',
    'lra',
  ],
});
const libc = binary('/usr/lib/x86_64-linux-gnu/libc.so.6', {
  functions: [
    '__libc_start_main',
    'malloc',
    'free',
    'memcpy',
    'read',
    'open64',
    'start_thread',
    'epoll_wait',
    'pthread_cond_wait',
  ],
});

/** Compilers have pids of their own, so that their stacks have names however many there were. */
const firstCompiler = 20_001;

const processes: readonly Process[] = [
  { pid: 3301, binaries: [node, libc] },
  { pid: firstCompiler, lastPid: firstCompiler + 9999, binaries: [compiler, libc] },
];

const started = `__libc_start_main+0x80 [${libc.path}]`;
const inNode = (...functions: string[]) => [
  ...functions.map((name) => `${name}+0x64 [${node.path}]`),
  `main+0x88 [${node.path}]`,
  started,
];
const inCompiler = (...functions: string[]) => [
  ...functions.map((name) => `${name}+0x40 [${compiler.path}]`),
  `main+0x88 [${compiler.path}]`,
  started,
];
const inKernel = (...functions: string[]) => [
  ...functions,
  'do_syscall_64+0x71',
  'entry_SYSCALL_64_after_hwframe+0x76',
];

/** Where programs spend their time: user stacks, some of them with a kernel stack on top. */
const places = {
  node: [
    { userStack: inNode('Builtins_InterpreterEntry', 'Builtins_JSEntry', 'uv__io_poll', 'uv_run') },
    { userStack: inNode('Builtins_JSEntry', 'uv__io_poll', 'uv_run') },
    { userStack: inNode('v8_GC_Scavenge', 'Builtins_JSEntry', 'uv_run') },
    {
      stack: inKernel(
        'copy_user_enhanced_fast_string+0xe',
        '_copy_to_iter+0xb8',
        'filemap_read+0x211',
        'vfs_read+0x9f',
      ),
      userStack: inNode('uv__io_poll', 'uv_run'),
    },
  ],
  cc1: [
    { userStack: inCompiler('c_lex_one_token', 'c_parser_translation_unit', 'compile_file') },
    { userStack: inCompiler('ira', 'execute_pass_list', 'compile_file') },
    { userStack: inCompiler('lra', 'execute_pass_list', 'compile_file') },
    {
      stack: [
        'clear_page_erms+0xe',
        'vma_alloc_zeroed_movable_folio+0x4f',
        'do_anonymous_page+0x6c',
        'asm_exc_page_fault+0x26',
      ],
      userStack: inCompiler('execute_pass_list', 'compile_file'),
    },
  ],
} as const;

/** Where tasks sleep: the event loop and the workers of the application, and a program whose first page is read. */
const sleeps = {
  loop: {
    stack: inKernel(
      'schedule+0x23',
      'schedule_hrtimeout_range_clock+0x10a',
      'do_epoll_wait+0x548',
      '__x64_sys_epoll_wait+0x6f',
    ),
    userStack: [`epoll_wait+0x4e [${libc.path}]`, ...inNode('uv__io_poll', 'uv_run')],
  },
  worker: {
    stack: inKernel(
      'schedule+0x23',
      'futex_do_wait+0x46',
      '__futex_wait+0x8a',
      'futex_wait+0x67',
      'do_futex+0xfd',
      '__x64_sys_futex+0x112',
    ),
    userStack: [
      `pthread_cond_wait+0x1f0 [${libc.path}]`,
      `worker+0x64 [${node.path}]`,
      `start_thread+0x2d4 [${libc.path}]`,
    ],
  },
  program: {
    stack: [
      'schedule+0x23',
      'io_schedule+0x42',
      'folio_wait_bit_common+0x13d',
      'filemap_fault+0x5a1',
      '__do_fault+0x31',
      'do_fault+0x2f4',
      '__handle_mm_fault+0x84a',
      'handle_mm_fault+0x17f',
      'do_user_addr_fault+0x21a',
      'exc_page_fault+0x7f',
      'asm_exc_page_fault+0x26',
    ],
  },
} as const;

interface Host {
  readonly script: Script;
  readonly queues: readonly RunQueue[];
  /** Pids are given out in order. */
  nextPid: number;
  nextCompiler: number;
}

function queueOf(host: Host, index: number): RunQueue {
  return host.queues[index % host.queues.length]!;
}

interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  readonly opens: readonly string[];
  /** The file that it writes, made anew. */
  readonly writes?: string;
  readonly cpuTime: number;
  readonly code?: number;
  readonly places?: readonly { readonly userStack: readonly string[]; readonly stack?: readonly string[] }[];
  /** Directories of PATH in which it is not. */
  readonly misses?: readonly string[];
}

/** fork, exec, a few opens, work, exit: a command from its begin to its end. */
function command(host: Host, parent: Context, random: Random, program: Program) {
  const { script } = host;
  const pid = program.places === undefined ? host.nextPid++ : host.nextCompiler++;
  const { uid, gid, comm } = parent.task;
  const startTime = script.scheduler.now();
  const child = script.task({ pid, comm, uid, gid, parent: parent.task, startTime });
  const context = script.on({ cpu: parent.cpu, task: child });
  const found = context.exec(program.path, { argv: program.argv, takes: Math.round(random.logNormal(us(480), 0.4)) });
  const own = script.on({ cpu: parent.cpu, task: found.task });
  const missed = (program.misses ?? []).map((directory) => {
    const name = program.path.slice(program.path.lastIndexOf('/'));
    return context.exec(directory + name, { argv: program.argv, takes: us(14), returns: -2 }).call;
  });
  const opens = ['/etc/ld.so.cache', '/lib/x86_64-linux-gnu/libc.so.6', ...program.opens].map((path) =>
    own.open(path.replace(/^[!?]/, ''), {
      flags: path.startsWith('/etc') || path.startsWith('/lib') ? 0x80000 : 0,
      returns: path.startsWith('!') ? -2 : path.startsWith('?') ? -13 : random.int(3, 9),
      takes: Math.round(random.logNormal(us(5), 0.6)),
    }),
  );
  // O_WRONLY|O_CREAT|O_TRUNC
  if (program.writes !== undefined) opens.push(own.open(program.writes, { flags: 0o1101, returns: 3, takes: us(9) }));
  const ended = script.after(us(5), () => own.exitProcess({ code: program.code ?? 0 }));
  const course = script.sequence(...opens.flatMap((open) => [open, script.quiet(us(8))]), ended);
  const queue = queueOf(host, parent.cpu);
  const where = program.places;
  return script.sequence(
    parent.fork(child),
    ...missed.flatMap((call) => [script.quiet(us(6)), call]),
    script.after(us(20), found.call),
    queue.turn(queue.idle, own, {
      takes: Math.round(random.logNormal(program.cpuTime, 0.5)),
      ...(where === undefined ? {} : { where: () => random.pick(where) }),
      course,
      sleepsIn: sleeps.program,
      ends: true,
    }),
  );
}

const sources = ['main.c', 'parse.c', 'table.c', 'output.c', 'net.c', 'log.c'];

/** make: one compiler after the other; headers are looked for in several places. */
function build(host: Host, make: Context, random: Random) {
  const { script } = host;
  return script.repeat(
    () => {
      const source = random.pick(sources);
      const output = `/tmp/cc${random.int(1000, 9999)}.s`;
      return command(host, make, random, {
        path: '/usr/lib/gcc/x86_64-linux-gnu/12/cc1',
        argv: ['cc1', '-quiet', '-O2', '-I', 'include', source, '-o', output],
        writes: output,
        opens: [source, '!/usr/local/include/stdio.h', '/usr/include/stdio.h', 'include/app.h'],
        cpuTime: ms(28),
        code: random.chance(0.08) ? 1 : 0,
        places: places.cc1,
      });
    },
    () => Math.round(random.exponential(ms(30))),
  );
}

/** A shell: commands that are found late in PATH, or fail. */
function typing(host: Host, shell: Context, random: Random) {
  const programs: Program[] = [
    {
      path: '/usr/bin/ls',
      argv: ['ls', '-l', '--color=auto'],
      opens: ['.'],
      cpuTime: ms(1),
      misses: ['/usr/local/bin'],
    },
    {
      path: '/usr/bin/git',
      argv: ['git', 'status'],
      opens: ['.git/HEAD', '!.git/index.lock', '.git/index'],
      cpuTime: ms(4),
    },
    { path: '/usr/bin/cat', argv: ['cat', '/etc/shadow'], opens: ['?/etc/shadow'], cpuTime: us(600), code: 1 },
    { path: '/usr/bin/grep', argv: ['grep', '-rn', 'TODO "now"', 'src'], opens: sources.slice(0, 3), cpuTime: ms(6) },
  ];
  return host.script.repeat(
    () => command(host, shell, random, random.pick(programs)),
    () => Math.round(random.logNormal(ms(260), 0.7)),
  );
}

/** cron starts a shell that starts a script; its children's parent is the shell. */
function timed(host: Host, cron: Context, random: Random) {
  const program: Program = {
    path: '/usr/bin/run-parts',
    argv: ['run-parts', '--report', '/etc/cron.hourly'],
    opens: ['/etc/cron.hourly', '/etc/localtime'],
    cpuTime: ms(2),
  };
  return host.script.repeat(() => command(host, cron, random, program), sec(1.5));
}

/** A thread of the application: woken by the network, it computes, asks the kernel a few things, and sleeps. */
function request(host: Host, context: Context, random: Random) {
  const { script } = host;
  const queue = queueOf(host, context.cpu);
  const asks = () => {
    const futex = context.syscall(
      'futex',
      { op: 129, val: 1 },
      { takes: us(1.2), returns: random.chance(0.2) ? -11 : 1 },
    );
    const config = context.open(random.chance(0.3) ? 'config/local.json' : 'config/default.json', {
      by: random.chance(0.2) ? 'openat2' : 'openat',
      flags: 0x80000,
      returns: random.chance(0.3) ? -2 : random.int(20, 40),
    });
    const buffer = { object: 'user', content: '{"status":"ok"}' } as const;
    const write = context.syscall('write', { fd: 17, buf: buffer, count: 15 }, { takes: us(4), returns: 15 });
    return script.sequence(futex, script.quiet(us(2)), config, script.quiet(us(3)), write);
  };
  return script.repeat(
    () =>
      queue.turn(queue.idle, context, {
        takes: Math.round(random.logNormal(ms(2.4), 0.9)),
        where: () => random.pick(places.node),
        course: asks(),
        sleepsIn: context.task.pid === context.task.tgid ? sleeps.loop : sleeps.worker,
      }),
    () => Math.round(random.exponential(ms(7))),
  );
}

/** A job that hangs, and the watchdog that ends it: SIGTERM is not heard, SIGKILL is. */
function watch(host: Host, watchdog: Context, random: Random) {
  const { script } = host;
  return script.repeat(
    () => {
      const pid = host.nextPid++;
      const job = script.task({
        pid,
        comm: 'batch-job',
        uid: 1003,
        parent: watchdog.task,
        startTime: script.scheduler.now(),
      });
      const own = script.on({ cpu: watchdog.cpu, task: job });
      return script.sequence(
        watchdog.fork(job),
        script.quiet(Math.round(random.logNormal(ms(300), 0.3))),
        watchdog.kill(job, 15),
        script.quiet(ms(100)),
        watchdog.kill(job, 9),
        script.after(us(30), () => own.exitProcess({ signal: 9 })),
        script.quiet(ms(20)),
        // It asks whether the job is gone, and it is.
        watchdog.kill(job, 0, -3),
      );
    },
    () => Math.round(random.exponential(ms(500))),
  );
}

export default defineScenario({
  name: 'processes',
  summary: 'a developer’s machine: forks, execs, opens, exits, signals, waits for CPUs, and stacks',
  cpus: 2,
  duration: sec(30),
  processes,
  events: (script) => {
    const { task, on, random } = script;
    const queues = Array.from({ length: script.cpus }, (_, cpu) => new RunQueue(script, cpu));
    const host: Host = { script, queues, nextPid: 9001, nextCompiler: firstCompiler };
    const at = (index: number, made: Task) => on({ cpu: index % script.cpus, task: made });
    const init = task({ pid: 1, comm: 'systemd' });
    const bash = task({ pid: 5150, comm: 'bash', uid: 1000, parent: init });
    const make = task({ pid: 9000, comm: 'make', uid: 1000, parent: bash });
    const leader = task({ pid: 3301, comm: 'node', uid: 1001, parent: init });
    const threads = [3301, 3305, 3306, 3307, 3308, 3309].map((pid) =>
      pid === 3301 ? leader : task({ pid, tgid: 3301, comm: 'libuv-worker', uid: 1001, parent: init, leader }),
    );
    const cron = task({ pid: 977, comm: 'cron', parent: init });
    const watchdog = task({ pid: 1210, comm: 'watchdogd', parent: init });
    return script.concurrently(
      ...queues.map((queue) => queue.events),
      ...threads.map((thread, index) =>
        script.after(ms(index), request(host, at(index, thread), random.fork(`thread ${thread.pid}`))),
      ),
      build(host, at(0, make), random.fork('build')),
      script.after(ms(40), typing(host, at(1, bash), random.fork('typing'))),
      script.after(ms(200), timed(host, at(1, cron), random.fork('cron'))),
      script.after(ms(90), watch(host, at(0, watchdog), random.fork('watchdog'))),
    );
  },
});
