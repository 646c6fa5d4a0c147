import { defineScenario, FileSystem, ms, sec, us } from 'tracebed';

/**
 * A second of a shell that works in /home/ann: process 500 of user 1000, of the cgroup /user.slice, looks for ls in two
 * directories and runs it in the second; ls opens one file for reading, makes another, and does not find a third. At
 * 600 ms a thread of a web server, user 33, opens a file that it must not, and the server, in a container of its own,
 * runs a program with a line break in an argument.
 */
export default defineScenario({
  name: 'known-programs',
  summary: 'two programs that are run and one that is not found; files that they open',
  cpus: 1,
  duration: sec(1),
  containerMaps: [
    { path: '/sys/fs/bpf/users', cgroups: ['/system.slice', '/user.slice'] },
    { path: '/sys/fs/bpf/boxes', mountNamespaces: [4026532400] },
  ],
  events: ({ on, task, after, quiet, concurrently, sequence }) => {
    const bash = task({ pid: 400, comm: 'bash', uid: 1000 });
    const fields = { fs: new FileSystem().workingIn('/home/ann') };
    const child = on({
      task: task({ pid: 500, comm: 'bash', uid: 1000, parent: bash, cgroup: '/user.slice', fields }),
      cpu: 0,
    });
    const argv = ['ls', '-l', 'my "own" file'];
    const missed = child.exec('/usr/local/bin/ls', { argv, takes: us(10), returns: -2 });
    const found = child.exec('/usr/bin/ls', { argv });
    const ls = child.on({ task: found.task });
    const server = task({ pid: 600, comm: 'nginx', uid: 33 });
    const worker = on({ task: task({ pid: 601, tgid: 600, comm: 'nginx', uid: 33, leader: server }), cpu: 0 });
    const container = { mountNamespace: 4026532400 };
    const script = on({ task: task({ pid: 700, comm: 'nginx', uid: 33, parent: server, container }), cpu: 0 });
    return concurrently(
      quiet(sec(1)),
      after(
        ms(100),
        sequence(
          missed.call,
          found.call,
          ls.open('/etc/ld.so.cache', { flags: 0o2000000, returns: 3 }),
          ls.open('list.txt', { flags: 0o102, mode: 0o644, returns: 4, by: 'open' }),
          ls.open('missing.txt', { returns: -2, by: 'openat2' }),
        ),
      ),
      after(ms(600), worker.open('/etc/shadow', { returns: -13 })),
      after(ms(700), script.exec('/bin/sh', { argv: ['sh', '-c', 'echo a\necho b'] }).call),
    );
  },
});
