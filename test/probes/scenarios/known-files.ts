import { type Context, defineScenario, FileSystem, ms, type StructObject, sec, us } from 'tracebed';

/**
 * Two seconds of reads and writes. First: thread 501 of cat reads notes.txt three times 4 KiB, editor writes it once,
 * 100 bytes, and logger writes 64 KiB to a file with a long name; curl reads from a socket. Then one read by cat.
 */
export default defineScenario({
  name: 'known-files',
  summary: 'three files and a socket, by four processes',
  cpus: 1,
  duration: sec(2),
  events: ({ on, task, after, quiet, concurrently, sequence }) => {
    const cat = on({ task: task({ pid: 501, tgid: 500, comm: 'cat' }), cpu: 0 });
    const editor = on({ task: task({ pid: 600, comm: 'editor' }), cpu: 0 });
    const logger = on({ task: task({ pid: 700, comm: 'logger' }), cpu: 0 });
    const curl = on({ task: task({ pid: 800, comm: 'curl' }), cpu: 0 });
    const root = new FileSystem({ name: 'sda1' });
    const notes = root.file('/home/ada/notes.txt');
    const long = root.file('/var/log/a-name-that-has-more-than-thirty-two-letters.log');
    const exact = root.file('/var/log/a-name-of-exactly-32-letters.log');
    const socket = root.file('/TCP', { kind: 'socket' });
    const buf = { object: 'user', content: new Uint8Array(8) } as const;
    const io = (who: Context, name: 'vfs_read' | 'vfs_write', file: StructObject, count: number) =>
      who.call(name, { file, buf, count }, { takes: us(5), returns: count });
    return concurrently(
      quiet(sec(2)),
      after(
        ms(100),
        sequence(
          io(cat, 'vfs_read', notes, 4096),
          io(cat, 'vfs_read', notes, 4096),
          io(cat, 'vfs_read', notes, 4096),
          io(editor, 'vfs_write', notes, 100),
          io(logger, 'vfs_write', long, 65_536),
          io(logger, 'vfs_read', exact, 1023),
          io(curl, 'vfs_read', socket, 2048),
        ),
      ),
      after(ms(1100), io(cat, 'vfs_read', notes, 8192)),
    );
  },
});
