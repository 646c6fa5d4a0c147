import {
  type Context,
  Disk,
  defineScenario,
  FileSystem,
  ms,
  type Random,
  type Script,
  type StructObject,
  sec,
  us,
} from 'tracebed';

/**
 * A database host: PostgreSQL reads tables and syncs its log on a fast disk, a backup reads everything and writes it to
 * a slow one, a log daemon appends, and the kernel's own threads write back what became dirty and commit the journal.
 */
const page = 4096;

interface Host {
  readonly fast: Disk;
  readonly slow: Disk;
  readonly root: FileSystem;
  readonly backup: FileSystem;
}

/** How long a disk takes, ns: flash, and a disk that turns. */
const service = {
  flash: (random: Random, bytes: number) => Math.round(random.logNormal(us(75), 0.35) + bytes / 2.8),
  turning: (random: Random, bytes: number) => Math.round(random.logNormal(ms(6), 0.6) + bytes * 6),
};

/** Pages of the page cache are used, the first after a while: each is marked. */
function uses(context: Context, pages: number, first = us(0.1)) {
  return Array.from({ length: pages }, (_, n) =>
    context.callKnown('folio_mark_accessed', {}, { takes: us(0.05), after: n === 0 ? first : us(0.1) }),
  ).flat();
}

/** Pages come into the page cache, where they were not. */
function fills(context: Context, file: StructObject, first: number, pages: number) {
  const mapping = file.fields.f_mapping ?? null;
  return Array.from({ length: pages }, (_, n) =>
    context.callKnown('filemap_add_folio', { mapping, index: first + n }, { takes: us(0.2), after: us(0.1) }),
  ).flat();
}

/** read(2) of so many pages: from the page cache, or from the disk, with what lies behind read ahead. */
function read(
  script: Script,
  context: Context,
  random: Random,
  from: Disk,
  file: StructObject,
  pages: number,
  hit: number,
) {
  const count = pages * page;
  const user = { object: 'user', content: new Uint8Array(64) } as const;
  const sector = random.int(2048, 900_000_000) & ~7;
  const found = random.chance(hit);
  const takes = (from.spec.name === 'sda' ? service.turning : service.flash)(random, count);
  const ahead = pages > 8 ? (['ahead'] as const) : [];
  const io = found
    ? undefined
    : from.request(context, { operation: 'read', flags: ahead, sector, bytes: count, takes });
  const inner = io
    ? [...fills(context, file, sector >> 3, pages), io.submit, ...uses(context, pages, io.span)]
    : uses(context, pages);
  const work = us(1.2 + pages * 0.4) + (io ? io.span + us(3 + pages * 0.1) : 0);
  const reading = context.call('vfs_read', { file, buf: user, count }, { takes: work, returns: count }, inner);
  const call = context.syscall('read', { fd: 7, buf: user, count }, { takes: work + us(0.4), returns: count }, [
    reading,
  ]);
  return io ? script.concurrently(call, io.rest) : call;
}

/**
 * write(2): into the page cache, into pages that were there or are new, and become dirty; and so does the block of the
 * inode, whose times change.
 */
function write(context: Context, disk: Disk, file: StructObject, bytes: number, isNew: boolean) {
  const user = { object: 'user', content: new Uint8Array(64) } as const;
  const { major, minor } = disk.spec;
  const pages = Math.ceil(bytes / page);
  const inode = file.fields.f_inode as StructObject;
  const ino = inode.fields.i_ino as number;
  const dirtied = Array.from({ length: pages }, (_, index) => (inside: Context) => [
    ...inside.tracepointKnown('writeback:writeback_dirty_folio', { name: `${major}:${minor}`, ino, index }),
  ]);
  const block = context.callKnown('mark_buffer_dirty', {}, { takes: us(0.2) }, [
    (inside) => [
      ...inside.tracepointKnown('block:block_dirty_buffer', { dev: disk.device, sector: ino >> 4, size: page }),
    ],
  ]);
  const options = { takes: us(3 + pages * 0.9), returns: bytes };
  const found = isNew ? fills(context, file, 0, pages) : [];
  const nested = [...found, ...uses(context, pages), ...dirtied, ...block];
  const writing = context.call('vfs_write', { file, buf: user, count: bytes }, options, nested);
  return context.syscall(
    'write',
    { fd: 9, buf: user, count: bytes },
    { takes: writing.span + us(0.4), returns: bytes },
    [writing],
  );
}

/** getdents64(2): the blocks of a directory are pages of the disk's own cache. */
function list(context: Context, random: Random) {
  const blocks = Array.from({ length: random.int(1, 4) }, () => {
    const marked = context.callKnown('mark_page_accessed', {}, { after: us(0.3) }, uses(context, 1));
    if (random.chance(0.8)) return marked;
    const added = context.callKnown('filemap_add_folio', {}, { takes: us(0.2), after: us(0.1) });
    return [...context.callKnown('add_to_page_cache_lru', {}, { after: us(0.3) }, added), ...marked];
  }).flat();
  const returns = 24 * random.int(2, 40);
  return context.syscall('getdents64', { fd: 5, count: 32_768 }, { takes: us(12), returns }, blocks);
}

/** fdatasync(2) of a log: its data, then a flush of what the disk holds in its own memory. */
function sync(script: Script, context: Context, random: Random, disk: Disk, file: StructObject, bytes: number) {
  const sector = random.int(2048, 900_000_000) & ~7;
  const data = disk.request(context, {
    operation: 'write',
    flags: ['sync', 'fua'],
    sector,
    bytes,
    takes: Math.round(random.logNormal(us(90), 0.4)),
  });
  const fsync = context.call(
    'vfs_fsync_range',
    { file, start: 0, end: bytes, datasync: 1 },
    { takes: data.span + us(9) },
    [data.submit],
  );
  const call = context.syscall('fdatasync', { fd: 9 }, { takes: fsync.span + us(1) }, [fsync]);
  return script.concurrently(call, data.rest);
}

function postgres(script: Script, context: Context, random: Random, { fast, root }: Host) {
  const tables = ['base/16384/2619', 'base/16384/16391', 'base/16384/16402', 'global/1262'];
  const log = root.file('/var/lib/postgresql/15/main/pg_wal/000000010000000000000003', { size: 16 << 20 });
  return script.repeat(
    () => {
      const steps = Array.from({ length: random.int(1, 5) }, () => {
        const table = root.file(`/var/lib/postgresql/15/main/${random.pick(tables)}`, { size: 1 << 28 });
        return read(script, context, random, fast, table, 2, 0.86);
      });
      const commit = random.chance(0.4)
        ? [write(context, fast, log, 8192, random.chance(0.5)), sync(script, context, random, fast, log, 8192)]
        : [];
      return script.sequence(
        ...[...steps, ...commit].flatMap((step) => [step, script.quiet(us(random.logNormal(30, 0.6)))]),
      );
    },
    () => Math.round(random.exponential(ms(9))),
  );
}

function backup(script: Script, context: Context, random: Random, host: Host) {
  const names = ['home/ada/thesis.tex', 'home/ada/photos/0417.jpg', 'srv/www/index.html', 'srv/mail/inbox.mbox'];
  return script.repeat(
    () => {
      const name = random.pick(names);
      const from = host.root.file(`/${name}`, { size: 1 << 20 });
      const to = host.backup.file(`/mnt/backup/${name}`);
      const chunk = random.int(8, 32);
      return script.sequence(
        list(context, random),
        script.quiet(us(25)),
        read(script, context, random, host.fast, from, chunk, 0.12),
        script.quiet(us(60)),
        write(context, host.slow, to, chunk * page, true),
      );
    },
    () => Math.round(random.exponential(ms(25))),
  );
}

/** The flusher of a disk: writes what became dirty, many requests at once, in no hurry. */
function flush(script: Script, context: Context, random: Random, disk: Disk) {
  const slow = disk.spec.name === 'sda';
  return script.repeat(
    () => {
      const start = random.int(2048, 900_000_000) & ~7;
      return script.burst(random.int(2, 9), us(40), (index) => {
        const bytes = random.int(1, 64) * page;
        return disk.submit(context, {
          operation: 'write',
          sector: start + index * 1024,
          bytes,
          queued: Math.round(random.logNormal(slow ? ms(9) : us(140), 0.8)),
          takes: (slow ? service.turning : service.flash)(random, bytes),
        });
      });
    },
    () => Math.round(random.exponential(ms(slow ? 400 : 180))),
  );
}

/** The journal commits every few seconds, or when somebody syncs: descriptor blocks, then a commit block behind a flush. */
function journal(script: Script, context: Context, random: Random, disk: Disk) {
  return script.repeat(
    () => {
      const sector = random.int(200_000_000, 200_100_000) & ~7;
      const takes = () => Math.round(random.logNormal(us(85), 0.4));
      const block = { operation: 'write', flags: ['sync', 'meta'], sector, bytes: 4 * page, takes: takes() } as const;
      const commit = {
        operation: 'write',
        flags: ['preflush', 'fua', 'sync'],
        sector: sector + 32,
        bytes: page,
        takes: takes() + us(400),
      } as const;
      return script.sequence(disk.submit(context, block), script.quiet(us(20)), disk.submit(context, commit));
    },
    () => Math.round(random.logNormal(ms(700), 0.5)),
  );
}

export default defineScenario({
  name: 'disk',
  summary: 'a database host: reads, writes and syncs on a fast and a slow disk, page cache and file names',
  cpus: 2,
  duration: sec(60),
  files: {
    '/proc/meminfo': 'MemTotal:        8108532 kB\nBuffers:          183208 kB\nCached:          5240840 kB\n',
    '/proc/loadavg': '1.42 1.17 0.93 3/611 31415\n',
  },
  events: (script) => {
    const { task } = script;
    const fast = new Disk(script, { name: 'nvme0n1', major: 259, minor: 0, cpu: 0 });
    const slow = new Disk(script, { name: 'sda', major: 8, minor: 0, cpu: 1 });
    const host: Host = {
      fast,
      slow,
      root: new FileSystem({ name: 'nvme0n1p2', disk: fast }),
      backup: new FileSystem({ name: 'sda1', disk: slow }),
    };
    const named = (name: string) => script.random.fork(name);
    const at = (cpu: number, spec: Parameters<typeof task>[0]) =>
      script.on({ cpu: cpu % script.cpus, task: task(spec) });
    const workers = [1402, 1403, 1404].map((pid, index) => at(index, { pid, comm: 'postgres', uid: 113 }));
    const logger = at(1, { pid: 744, comm: 'rsyslogd', uid: 104 });
    const random = named('rsyslogd');
    return script.concurrently(
      ...workers.map((context, index) =>
        script.after(ms(2 + index), postgres(script, context, named(`postgres ${index}`), host)),
      ),
      backup(script, at(1, { pid: 18_361, comm: 'rsync', uid: 34 }), named('rsync'), host),
      flush(script, at(0, { pid: 210, comm: 'kworker/u4:2', kernelThread: true }), named('flush'), fast),
      flush(script, at(1, { pid: 213, comm: 'kworker/u4:3', kernelThread: true }), named('flush sda'), slow),
      journal(script, at(0, { pid: 288, comm: 'jbd2/nvme0n1p2', kernelThread: true }), named('journal'), fast),
      script.repeat(
        () =>
          write(
            logger,
            fast,
            host.root.file(random.pick(['/var/log/syslog', '/var/log/auth.log'])),
            random.int(80, 900),
            false,
          ),
        () => Math.round(random.exponential(ms(60))),
      ),
    );
  },
});
