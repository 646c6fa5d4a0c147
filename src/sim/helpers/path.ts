import { errno } from '../../base/index.ts';
import { StructFields } from '../objects/fields.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Directories of a path at most: a chain of dentries that goes in a circle ends, too. */
const mostParts = 256;
/** NAME_MAX */
const longestName = 255;

/** The path of a struct path, from the dentries that lead up to the root (fs/d_path.c, kernel/trace/bpf_trace.c). */
export function pathHelpers({ memory, profile: { btf } }: HelperEnvironment): HelperBodies {
  const dentry = new StructFields(btf, 'dentry');
  const entry = { path: new StructFields(btf, 'path').offset('dentry'), name: dentry.offset('d_name.name') };
  const parent = dentry.offset('d_parent');
  const read = (at: number, offset: number): number => memory.view.getUint32(at + offset, true);

  /** Names from the file up to the root; an entry that is its own parent, or has none, is the root or stands alone. */
  function pathOf(file: number): string {
    let path = '';
    let at = file;
    for (let part = 0; part < mostParts && at !== 0; part++) {
      const above = read(at, parent);
      const name = memory.string(read(at, entry.name), longestName);
      if (name !== '/' && name !== '') path = `/${name}${path}`;
      at = above === at ? 0 : above;
    }
    return path === '' ? '/' : path;
  }

  return {
    /** The path with its NUL at the buffer's begin. @returns its length, the NUL included; -ENAMETOOLONG */
    d_path(window) {
      const target = window.low(2);
      const size = window.low(3);
      if (size === 0) {
        window.answer(0);
        return;
      }
      const file = window.isMapped(1, entry.path + 8) ? read(window.low(1), entry.path) : 0;
      if (file === 0 || !window.isWritable(2, size)) {
        window.answer(-errno.EFAULT);
        return;
      }
      const path = new TextEncoder().encode(`${pathOf(file)}\0`);
      if (path.length > size) window.answer(-errno.ENAMETOOLONG);
      else {
        memory.u8.set(path, target);
        window.answer(path.length);
      }
    },
  };
}
