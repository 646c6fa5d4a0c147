import {
  type CallTree,
  type Context,
  defineScenario,
  ms,
  type Random,
  sec,
  type Task,
  type UserMemory,
  us,
} from 'tracebed';

const ENOENT = -2;
const AT_FDCWD = -100;

/** A program: what it opens, and how it goes about it. */
interface Program {
  readonly task: Task;
  readonly cpu: number;
  readonly files: readonly string[];
  /** Reads and writes after each open. */
  readonly reads: number;
  readonly writes: number;
  readonly bytes: number;
  /** Chance that a file is not there. */
  readonly missing: number;
  /** Mean time between two rounds, ns. */
  readonly pause: number;
  /** What it starts, where it starts something. */
  readonly starts?: readonly string[];
}

function user(content: string): UserMemory {
  return { object: 'user', content };
}

/** Latency of something that is in the page cache most of the time, and on the disk the rest. */
function cached(random: Random, hit: number): number {
  return Math.round(random.chance(0.03) ? random.logNormal(ms(0.6), 0.7) : random.logNormal(hit, 0.4));
}

function openat(context: Context, random: Random, path: string, found: boolean): CallTree {
  const filename = user(path);
  const returns = found ? random.int(3, 30) : ENOENT;
  const opening = context.call('do_filp_open', { dfd: AT_FDCWD }, { takes: cached(random, us(3)) }, []);
  const inner = context.call('do_sys_openat2', { dfd: AT_FDCWD, filename }, { takes: opening.span + us(1), returns }, [
    opening,
  ]);
  return context.syscall('openat', { dfd: AT_FDCWD, filename }, { takes: inner.span + us(0.4), returns }, [inner]);
}

function transfer(context: Context, random: Random, kind: 'read' | 'write', most: number): CallTree {
  const count = random.int(1, most);
  const buf = user('x'.repeat(Math.min(count, 64)));
  const returns = kind === 'read' && random.chance(0.1) ? 0 : count;
  const inner = context.call(
    `vfs_${kind}`,
    { buf, count },
    { takes: cached(random, us(kind === 'read' ? 1.4 : 2.2)), returns },
  );
  const fd = random.int(0, 30);
  return context.syscall(kind, { fd, buf, count }, { takes: inner.span + us(0.3), returns }, [inner]);
}

function execve(context: Context, random: Random, path: string): CallTree {
  const filename = user(path);
  const { pid } = context.task;
  const opening = context.call('do_open_execat', {}, { takes: cached(random, us(12)), after: us(3) });
  return context.syscall('execve', { filename }, { takes: opening.span + us(random.logNormal(420, 0.4)), returns: 0 }, [
    opening,
    (inside) => inside.tracepoint('sched:sched_process_exec', { filename: path, pid, old_pid: pid }),
  ]);
}

export default defineScenario({
  name: 'syscalls',
  summary: 'openat, read, write and execve of a handful of programs',
  cpus: 2,
  duration: sec(60),
  events: (script) => {
    const { task } = script;
    const programs: Program[] = [
      {
        task: task({ pid: 1402, comm: 'postgres', uid: 113 }),
        cpu: 0,
        files: ['base/16384/2619', 'base/16384/16391', 'pg_wal/000000010000000000000003'],
        reads: 6,
        writes: 4,
        bytes: 8192,
        missing: 0,
        pause: ms(12),
      },
      {
        task: task({ pid: 2201, comm: 'nginx', uid: 33 }),
        cpu: 1,
        files: ['/var/www/html/index.html', '/var/www/html/app.js', '/var/www/html/favicon.ico'],
        reads: 2,
        writes: 1,
        bytes: 16_384,
        missing: 0.15,
        pause: ms(20),
      },
      {
        task: task({ pid: 3310, tgid: 3301, comm: 'node', uid: 1001 }),
        cpu: 1,
        files: ['node_modules/left/index.js', 'node_modules/left/package.json', 'package.json', 'server.mjs'],
        reads: 1,
        writes: 0,
        bytes: 65_536,
        missing: 0.4,
        pause: ms(45),
      },
      {
        task: task({ pid: 977, comm: 'cron' }),
        cpu: 0,
        files: ['/etc/crontab', '/etc/cron.d/backup', '/etc/localtime'],
        reads: 2,
        writes: 0,
        bytes: 4096,
        missing: 0,
        pause: sec(2),
        starts: ['/bin/sh', '/usr/sbin/logrotate', '/usr/bin/find'],
      },
      {
        task: task({ pid: 5150, comm: 'bash', uid: 1000 }),
        cpu: 0,
        files: ['/etc/ld.so.cache', '/lib/x86_64-linux-gnu/libc.so.6', '/usr/lib/locale/locale-archive'],
        reads: 1,
        writes: 1,
        bytes: 832,
        missing: 0.05,
        pause: ms(700),
        starts: ['/usr/bin/ls', '/usr/bin/git', '/usr/bin/grep', '/usr/bin/make'],
      },
    ];
    return script.concurrently(
      ...programs.map((program) => {
        const random = script.random.fork(`${program.task.comm} ${program.task.pid}`);
        const context = script.on({ cpu: program.cpu % script.cpus, task: program.task });
        const round = () => {
          const found = !random.chance(program.missing);
          const calls = [openat(context, random, random.pick(program.files), found)];
          if (program.starts) calls.unshift(execve(context, random, random.pick(program.starts)));
          if (found) {
            for (let i = 0; i < program.reads; i++) calls.push(transfer(context, random, 'read', program.bytes));
            for (let i = 0; i < program.writes; i++) calls.push(transfer(context, random, 'write', program.bytes));
          }
          const spaced = calls.flatMap((call) => [call, script.quiet(us(random.logNormal(15, 0.6)))]);
          return script.sequence(...spaced);
        };
        return script.after(
          random.exponential(program.pause),
          script.repeat(round, () => random.exponential(program.pause)),
        );
      }),
    );
  },
});
