import app from '../../scenarios/app.ts';
import disk from '../../scenarios/disk.ts';
import processes from '../../scenarios/processes.ts';
import tcpClients from '../../scenarios/tcp-clients.ts';
import { ms, type Nanoseconds, Random, us } from '../../src/base/index.ts';
import type { KernelProfile, ProfileExtension } from '../../src/btf/index.ts';
import {
  type Argument,
  type Arguments,
  type Binary,
  binary,
  type KernelEvent,
  type Process,
  type StructObject,
  type UserMemory,
} from '../../src/events/index.ts';
import {
  type Context,
  createScheduler,
  Disk,
  defineScenario,
  FileSystem,
  type Scenario,
  type Script,
  type Stage,
  TcpConnection,
} from '../../src/scenario/index.ts';

/**
 * A world in which every attach point of BCC's tools is passed, with what their texts ask for: the bundled scenarios, and
 * a tour of what those leave out. Some texts hold numbers of the machine that they were taken on (an inode, the address
 * of a struct of ext4's, a disk): the tour has such ones.
 */

/** What the texts name and Linux 6.1 on x86 does not have: older functions, PowerPC's hypervisor calls, a debug option. */
export const bccExtension: ProfileExtension = {
  functions: `
    struct page *__page_cache_alloc(gfp_t gfp);
    tracepoint hcall_entry(long unsigned int opcode, long unsigned int *args);
    tracepoint hcall_exit(long unsigned int opcode, long int retval, long unsigned int *retbuf);
    void vfs_kern_mount.part.0(void);
    void vfs_statfs.part.0.isra.0(void);
    void vfs_get_tree.cold(void);
  `,
  tracepoints: ['disable', 'enable']
    .map(
      (name, index) => `
name: preemptirq:irq_${name}
ID: ${900 + index}
format:
	field:s32 caller_offs;	offset:8;	size:4;	signed:1;
	field:s32 parent_offs;	offset:12;	size:4;	signed:1;

print fmt: "caller_offs=%d parent_offs=%d", REC->caller_offs, REC->parent_offs
`,
    )
    .join(''),
};

/** Numbers in the texts: file_operations of btrfs and ext4, the inode of dirtop's directory, biolatpcts's disk. */
const takenFrom = { btrfs: 0xffffffffc00042e0n, ext4: 0xffffffffc00009c0n, directory: 260_072, major: 254 } as const;

const libc = binary('/usr/lib/x86_64-linux-gnu/libc.so.6', { functions: ['gethostbyname2'] });
const bash = binary('/bin/bash', { functions: ['main', 'readline'] });
const gnutls = binary('/usr/lib/x86_64-linux-gnu/libgnutls.so.30', {
  functions: ['gnutls_record_send', 'gnutls_record_recv'],
});
const nspr = binary('/usr/lib/x86_64-linux-gnu/libnspr4.so', {
  functions: ['PR_Write', 'PR_Send', 'PR_Read', 'PR_Recv'],
});
const pthread = binary('/usr/lib/x86_64-linux-gnu/libpthread.so.0', {
  functions: ['pthread_create'],
  probes: [{ provider: 'libpthread', name: 'pthread_start', in: 'pthread_create', arguments: '8@%rdi 8@%rsi 8@%rdx' }],
});
const mysqld = binary('/usr/sbin/mysqld', {
  functions: ['main', 'func1', 'dispatch'],
  probes: [
    { provider: 'mysql', name: 'query__start', in: 'dispatch', arguments: '8@%rdi 8@%rsi' },
    { provider: 'mysql', name: 'query__done', in: 'dispatch', offset: 0x40, arguments: '-4@%edi' },
  ],
});
const javaProbes = [
  'gc__begin',
  'mem__pool__gc__begin',
  'thread__start',
  'thread__stop',
  'class__loaded',
  'object__alloc',
  'method__entry',
  'ExceptionOccurred__entry',
] as const;
const java = binary('/usr/lib/jvm/libjvm.so', {
  functions: ['JVM_Probes'],
  probes: javaProbes.map((name, index) => ({
    provider: name.startsWith('Exception') ? 'hotspot_jni' : 'hotspot',
    name,
    in: 'JVM_Probes',
    offset: 0x20 + 8 * index,
    arguments: '8@%rdi 8@%rsi 8@%rdx 8@%rcx',
  })),
});

export const javaPid = 7100;
export const mysqlPid = 7200;
const scenarios: readonly Scenario[] = [tcpClients, disk, processes, app];

const named: readonly Process[] = [
  ...scenarios.flatMap((scenario) => scenario.processes ?? []),
  { pid: javaPid, binaries: [java, pthread] },
  { pid: mysqlPid, binaries: [mysqld] },
  { pid: 7300, binaries: [bash, libc] },
  { pid: 7400, binaries: [gnutls, nspr] },
];

/** Each path once: the scenarios name of libc only what they call. */
const whole = new Map<string, Binary>();
for (const one of named.flatMap(({ binaries }) => binaries)) {
  const known = whole.get(one.path)?.symbols.map(({ name }) => name) ?? [];
  const functions = new Set([...known, ...one.symbols.map(({ name }) => name)]);
  whole.set(one.path, known.length === 0 ? one : binary(one.path, { functions: [...functions] }));
}

export const bccProcesses: readonly Process[] = named.map((process) => ({
  ...process,
  binaries: process.binaries.map(({ path }) => whole.get(path) as Binary),
}));

/** COMPACT_CONTINUE of 6.1 (include/linux/compaction.h). */
const compactContinue = 4;
/** ITER_IOVEC and WRITE (include/linux/uio.h, include/linux/kernel.h). */
const iterates = { iovec: 0, write: 1 } as const;

/** Longer than the thresholds of the tools that show only what is slow. */
const slow = ms(15);

function user(content: UserMemory['content']): UserMemory {
  return { object: 'user', content };
}

function struct(type: string, fields: Record<string, Argument>): StructObject {
  return { object: 'struct', type, fields };
}

/** What the tour's calls are made with. */
interface Stop {
  readonly script: Script;
  readonly context: Context;
  readonly random: Random;
}

type Call = readonly [name: string, args: Arguments, returns?: Argument];

function calls({ script, context }: Stop, list: readonly Call[], takes = slow) {
  return script.sequence(
    ...list.flatMap(([name, args, returns = 0]) => [
      context.call(name, args, { takes, returns }),
      script.quiet(us(20)),
    ]),
  );
}

function syscalls({ script, context }: Stop, list: readonly Call[]) {
  return script.sequence(
    ...list.flatMap(([name, args, returns = 0]) => [
      context.syscall(name, args, { takes: us(9), returns }),
      script.quiet(us(9)),
    ]),
  );
}

function tracepoints({ script, context }: Stop, list: readonly (readonly [string, Arguments, Arguments?])[]) {
  return script.sequence(
    ...list.flatMap(([name, fields, raw]) => [script.after(us(30), () => [context.tracepoint(name, fields, {}, raw)])]),
  );
}

/** Files of ext4, XFS, Btrfs and NFS: slow opens, reads, writes and syncs. */
function fileSystems(stop: Stop) {
  const files = new FileSystem({ name: 'vda1' });
  const of = (path: string, operations = 0n) => {
    const file = files.file(path, { size: 8192 });
    return operations === 0n ? file : struct('file', { ...file.fields, f_op: operations });
  };
  const kiocb = (file: StructObject) => struct('kiocb', { ki_filp: file, ki_pos: 4096 });
  const four = (prefix: string, file: StructObject, sync: string, open = `${prefix}_file_open`): Call[] => [
    [`${prefix}_file_read_iter`, { iocb: kiocb(file) }, 4096],
    [`${prefix}_file_write_iter`, { iocb: kiocb(file) }, 4096],
    [open, { inode: file.fields.f_inode ?? null, [open.startsWith('xfs') ? 'file' : 'filp']: file }],
    [sync, { file, start: 0, end: 4096, datasync: 0 }],
  ];
  const ext4 = of('/srv/ext4.db', takenFrom.ext4);
  const btrfs = of('/srv/btrfs.db', takenFrom.btrfs);
  const nfs = of('/net/home/notes.txt');
  const inode = nfs.fields.f_inode ?? null;
  const path = struct('path', { dentry: nfs.fields['f_path.dentry'] ?? null });
  const btrfsCalls: Call[] = [
    ['generic_file_read_iter', { iocb: kiocb(btrfs) }, 4096],
    ['generic_file_read_iter', { iocb: kiocb(ext4) }, 4096],
    ['btrfs_file_write_iter', { iocb: kiocb(btrfs) }, 4096],
    ['generic_file_open', { inode: btrfs.fields.f_inode ?? null, filp: btrfs }],
    ['btrfs_sync_file', { file: btrfs, start: 0, end: 4096, datasync: 0 }],
  ];
  const nfsCalls: Call[] = [
    ['nfs_file_read', { iocb: kiocb(nfs) }, 4096],
    ['nfs_file_write', { iocb: kiocb(nfs) }, 4096],
    ['nfs_file_open', { inode, filp: nfs }],
    ['nfs4_file_open', { inode, filp: nfs }],
    // The text takes the second parameter for a dentry, as it was before 4.12.
    ['nfs_getattr', { path: nfs.fields['f_path.dentry'] ?? null }],
    ['nfs_getattr', { path }],
  ];
  return calls(stop, [
    ...four('ext4', ext4, 'ext4_sync_file'),
    ...four('xfs', of('/srv/xfs.db'), 'xfs_file_fsync'),
    ...btrfsCalls,
    ...nfsCalls,
  ]);
}

/** vfs_* of every name: what is not called elsewhere, with files where they are wanted. */
function virtualFiles(stop: Stop, profile: KernelProfile) {
  const files = new FileSystem({ name: 'tmp' });
  const root = files.file('/');
  const directory = later(root, files);
  const file = struct('file', { 'f_path.dentry': directory, f_inode: files.inode('/tmp/x') });
  const names = [...profile.btf.functionNames()].filter((name) => name.startsWith('vfs_'));
  const list = names.map((name): Call => {
    const params = profile.btf.functionPrototype(name)?.params ?? [];
    const args: Record<string, Argument> = {};
    for (const { name: param, type } of params) {
      const printed = profile.btf.print(type);
      if (/struct file \*$/.test(printed)) args[param] = file;
      if (/struct dentry \*$/.test(printed)) args[param] = directory;
    }
    return [name, args];
  });
  return calls(stop, list, us(2));
}

/** A file in the directory whose inode dirtop was told. */
function later(root: StructObject, files: FileSystem): StructObject {
  const inode = struct('inode', { i_ino: takenFrom.directory, i_mode: 0o040755 });
  const above = struct('dentry', {
    'd_name.name': 'tmp',
    'd_name.len': 3,
    d_inode: inode,
    d_parent: root.fields['f_path.dentry'] ?? null,
  });
  return struct('dentry', { 'd_name.name': 'x', 'd_name.len': 1, d_inode: files.inode('/tmp/x'), d_parent: above });
}

function memory(stop: Stop) {
  const { script, context } = stop;
  const cache = struct('kmem_cache', { name: 'dentry', size: 192 });
  const control = { cc: 0, zone_start: 0x1000, zone_end: 0x8000, sync: 1 };
  const page = struct('page', {});
  const readahead = context.call('do_page_cache_ra', { nr_to_read: 32 }, {}, [
    context.call('__page_cache_alloc', {}, { takes: us(2), returns: page }),
  ]);
  return script.sequence(
    tracepoints(stop, [
      ['vmscan:mm_vmscan_direct_reclaim_begin', { order: 3, gfp_flags: 0xcc0 }],
      ['vmscan:mm_vmscan_direct_reclaim_end', { nr_reclaimed: 42 }],
    ]),
    script.after(us(5), () => [
      context.rawTracepoint('mm_compaction_suitable', {
        zone: struct('zone', { node: 0 }),
        order: 9,
        ret: compactContinue,
      }),
      context.rawTracepoint('mm_compaction_begin', control),
    ]),
    script.after(ms(2), () => [context.rawTracepoint('mm_compaction_end', { ...control, status: 7 })]),
    calls(stop, [['kmem_cache_alloc', { s: cache }]], us(1)),
    readahead,
    script.after(ms(3), calls(stop, [['mark_page_accessed', { page }]], us(1))),
    context.call('mount_subtree', { name: 'x' }, {}, [context.call('should_failslab', { s: cache }, { takes: us(1) })]),
  );
}

function interrupts(stop: Stop) {
  const { script, context } = stop;
  const course = script.sequence(
    tracepoints(stop, [
      ['irq:irq_handler_entry', { irq: 24, name: 'virtio0-input.0' }],
      ['irq:irq_handler_exit', { irq: 24, ret: 1 }],
      ['irq:softirq_entry', { vec: 3 }],
      ['irq:softirq_exit', { vec: 3 }],
      ['power:cpu_idle', { state: 1, cpu_id: context.cpu }],
      ['power:cpu_idle', { state: 0xffffffff, cpu_id: context.cpu }],
      ['preemptirq:irq_disable', { caller_offs: 0x1000, parent_offs: 0x2000 }],
    ]),
    script.quiet(ms(2)),
    tracepoints(stop, [['preemptirq:irq_enable', { caller_offs: 0x1100, parent_offs: 0x2000 }]]),
    script.after(us(4), () => [
      context.rawTracepoint('kvm_exit', { vcpu: 12, isa: 1 }),
      context.rawTracepoint('hcall_entry', { opcode: 4, args: 0 }),
    ]),
    script.after(us(8), () => [context.rawTracepoint('hcall_exit', { opcode: 4, retval: 0, retbuf: 0 })]),
    script.after(us(8), () => [context.rawTracepoint('kvm_exit', { vcpu: 30, isa: 1 })]),
  );
  return course;
}

/** What drivers do: RAID, virtio, terminals; and who may do what. */
function devices(stop: Stop) {
  const gendisk = struct('gendisk', { disk_name: 'md0', major: 9 });
  const bio = struct('bio', { bi_bdev: struct('block_device', { bd_disk: gendisk }) });
  const driver = struct('device_driver', { name: 'virtio_net' });
  const device = struct('virtio_device', { 'dev.driver': driver, 'dev.kobj.name': 'virtio0' });
  const vq = struct('virtqueue', { vdev: device, name: 'output.0' });
  // The second bit of page_link says that it is the last (include/linux/scatterlist.h).
  const sg = struct('scatterlist', { page_link: 2, length: 1500 });
  const terminal = new FileSystem({ name: 'devpts' });
  const file = struct('file', {
    f_inode: struct('inode', { i_ino: 3, i_mode: 0o020620 }),
    'f_path.dentry': terminal.dentry('/0'),
  });
  const text = user('echo hello\n');
  const vector = struct('iovec', { iov_base: text, iov_len: 11 });
  const iter = struct('iov_iter', { iter_type: iterates.iovec, data_source: iterates.write, iov: vector, count: 11 });
  return calls(
    stop,
    [
      ['md_flush_request', { bio }, 1],
      ['virtqueue_add_sgs', { _vq: vq, out_sgs: 0, in_sgs: 0 }],
      ['virtqueue_add_outbuf', { vq, sg, num: 1 }],
      ['virtqueue_add_inbuf', { vq, sg, num: 1 }],
      ['virtqueue_add_inbuf_ctx', { vq, sg, num: 1 }],
      ['tty_write', { iocb: struct('kiocb', { ki_filp: file }), from: iter }, 11],
      ['cap_capable', { cap: 21, opts: 0 }],
      ['d_lookup', { parent: terminal.dentry('/'), name: struct('qstr', { name: 'nothing', len: 7 }) }, 0],
      ['mutex_lock', { lock: struct('mutex', {}) }],
      ['mutex_unlock', { lock: 0 }],
    ],
    us(40),
  );
}

function systemCalls(stop: Stop) {
  const path = user('/srv/data');
  return syscalls(stop, [
    ['mount', { dev_name: user('/dev/vda1'), dir_name: path, type: user('ext4'), flags: 0, data: user('noatime') }],
    ['umount2', { name: path, flags: 0 }],
    ['shmget', { key: 0x7f01, size: 4096, shmflg: 0o600 }, 7],
    ['shmat', { shmid: 7, shmaddr: 0, shmflg: 0 }, 0x7f0000000000n],
    ['shmctl', { shmid: 7, cmd: 0, buf: 0 }],
    ['shmdt', { shmaddr: 0x7f0000000000n }],
    ['stat', { filename: path, statbuf: 0 }],
    ['lstat', { filename: path, statbuf: 0 }, -2],
    ['statfs', { pathname: path, buf: 0 }],
    ['statx', { dfd: -100, filename: path, flags: 0, mask: 0xfff, buffer: 0 }],
    ['sync', {}],
    ['open', { filename: path, flags: 0, mode: 0 }, 5],
    ['openat', { dfd: -100, filename: path, flags: 0, mode: 0 }, 5],
    ['openat2', { dfd: -100, filename: path, how: user(new Uint8Array(24)), usize: 24 }, 5],
  ]);
}

/** The wrapper of the stat(2) that was before 64-bit inodes: its own function still. */
function oldStat(stop: Stop) {
  const regs = struct('pt_regs', { di: user('/srv/old') });
  return calls(stop, [['__x64_sys_stat', { regs }]], us(3));
}

/** USDT probes and functions of programs: a Java machine, a database, a shell, TLS libraries. */
function programs({ script }: Stop) {
  const on = (pid: number, comm: string) =>
    script.on({ cpu: 1 % script.cpus, task: script.task({ pid, comm, uid: 1000 }) });
  const jvm = on(javaPid, 'java');
  const mysql = on(mysqlPid, 'mysqld');
  const shell = on(7300, 'bash');
  const tls = on(7400, 'exim4');
  const text = user('SELECT * FROM t');
  const called = (
    context: Context,
    path: string,
    name: string,
    args: readonly Argument[],
    returns: Argument,
    takes = us(50),
  ) => context.userCall(path, name, { args, takes, returns });
  const client = on(5100, 'shopd');
  return script.sequence(
    ...javaProbes.map((name) =>
      script.after(us(10), () => [
        jvm.usdt(java.path, name.startsWith('Exception') ? 'hotspot_jni' : 'hotspot', name, [
          user('main'),
          4,
          17,
          javaPid,
        ]),
      ]),
    ),
    script.after(us(10), () => [jvm.usdt(pthread.path, 'libpthread', 'pthread_start', [1, 0x5555_0000, 0])]),
    called(jvm, pthread.path, 'pthread_create', [user(''), 0, 0x5555_1000], 0),
    script.after(us(10), () => [mysql.usdt(mysqld.path, 'mysql', 'query__start', [text, 1])]),
    script.after(ms(5), () => [mysql.usdt(mysqld.path, 'mysql', 'query__done', [0])]),
    called(mysql, mysqld.path, 'func1', [3, 0, text], 0, ms(5)),
    called(shell, bash.path, 'readline', [0], user('make all')),
    ...['gnutls_record_send', 'gnutls_record_recv'].map((name) => called(tls, gnutls.path, name, [0, text, 15], 15)),
    ...['PR_Write', 'PR_Send', 'PR_Read', 'PR_Recv'].map((name) => called(tls, nspr.path, name, [0, text, 15], 15)),
    ...['getaddrinfo', 'gethostbyname', 'gethostbyname2'].map((name) =>
      called(client, libc.path, name, [user('example.org')], 1),
    ),
  );
}

/** Loopback traffic, which tcpsubnet was told to count; the older sendpage; and a drop of TCP. */
function network({ script, context, random }: Stop) {
  const ends = { local: '127.0.0.1', localPort: 40_000 + random.int(0, 999), remote: '127.0.0.1', remotePort: 5432 };
  const connection = new TcpConnection(script, ends);
  const sk = connection.sock;
  return script.sequence(
    connection.connect(context),
    connection.send(context, 900),
    ...context.callKnown('tcp_sendpage', { sk, offset: 0, size: 4096, flags: 0 }, { takes: us(5), returns: 4096 }),
    connection.retransmit(context),
    connection.close(context),
  );
}

const tour = defineScenario({
  name: 'tour',
  summary: 'what the bundled scenarios leave out',
  events: (script) => {
    const task = script.task({ pid: 8100, comm: 'tour', uid: 1000 });
    const context = script.on({ cpu: 0, task });
    const random = script.random.fork('tour');
    const stop: Stop = { script, context, random };
    const vda = new Disk(script, { name: 'vda', major: takenFrom.major, minor: 0, cpu: 1 });
    const request = () =>
      vda.submit(context, { operation: 'read', sector: 2048, bytes: 4096, takes: us(random.int(80, 400)) });
    return script.sequence(
      script.quiet(ms(1)),
      script.repeat(
        () =>
          script.sequence(
            request(),
            script.after(us(5), () => [0, 1].map((cpu) => context.runs(ms(1), cacheCounts, { cpu }))),
            waiting(stop),
            commits(stop),
            memory(stop),
            interrupts(stop),
            devices(stop),
            systemCalls(stop),
            oldStat(stop),
            programs(stop),
            network(stop),
            virtualFiles(stop, script.profile),
            fileSystems(stop),
          ),
        ms(5),
        3,
      ),
    );
  },
});

const cacheCounts = { 'cache-references': 9000, 'cache-misses': 900 } as const;

/** A task that waits for a CPU for longer than runqslower's 10 ms. */
function waiting({ script, context }: Stop) {
  const late = script.task({ pid: 8101, comm: 'late', uid: 1000 });
  return script.sequence(
    script.after(us(5), () => [context.wakeup(late)]),
    script.after(ms(12), () => [context.switchTo(late, 0)]),
  );
}

/** NFS asks its server to keep what was written, and is told after a while. */
function commits({ script, context }: Stop) {
  const dentry = new FileSystem({ name: 'nfs' }).dentry('/notes.txt');
  const fields = { 'args.offset': 4096, 'args.count': 8192, context: struct('nfs_open_context', { dentry }) };
  const data = struct('nfs_commit_data', fields);
  return script.sequence(
    script.after(us(5), () => [context.rawTracepoint('nfs_initiate_commit', { data })]),
    script.after(slow, () => [context.rawTracepoint('nfs_commit_done', { data })]),
  );
}

/** All that happens, in order. */
export function bccEvents(profile: KernelProfile, duration: Nanoseconds): KernelEvent[] {
  const events: KernelEvent[] = [];
  const scheduler = createScheduler();
  for (const [index, scenario] of [...scenarios, tour].entries()) {
    const stage: Stage = { profile, random: new Random(index + 1), cpus: 2, duration, scheduler };
    scenario.events(stage).subscribe((event) => events.push(event));
  }
  scheduler.advanceTo(duration);
  return events;
}
