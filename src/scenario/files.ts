/**
 * Files as the kernel holds an open one: struct file with its dentry, the dentries above it, its inode and super block
 * (include/linux/fs.h, include/linux/dcache.h). One path is one inode, and one struct file: who opens it again shares it.
 */
import type { Argument, StructObject } from '../events/index.ts';
import type { Disk } from './disk.ts';

/** S_IF* (include/uapi/linux/stat.h), with the permissions that such a file usually has. */
const modes = {
  file: 0o100644,
  directory: 0o040755,
  characterDevice: 0o020666,
  socket: 0o140777,
  pipe: 0o010600,
} as const;
export type FileKind = keyof typeof modes;

export interface FileSystemSpec {
  /** s_id, what messages call it: the disk's name when absent. */
  readonly name?: string;
  readonly disk?: Disk;
  /** s_magic; that of ext4 when absent. */
  readonly magic?: number;
}

export interface FileSpec {
  /** A regular file when absent. */
  readonly kind?: FileKind;
  /** bytes */
  readonly size?: number;
  /** dev_t of a device file: major << 20 | minor. */
  readonly device?: number;
}

const ext4Magic = 0xef53;
/** The inode of the root of ext4; files get the next ones as they are met. */
const rootInode = 2;

function struct(type: string, fields: Record<string, Argument>): StructObject {
  return { object: 'struct', type, fields };
}

interface Entry {
  readonly dentry: StructObject;
  readonly inode: StructObject;
}

/** A mounted file system, and the files in it that were met. */
export class FileSystem {
  readonly #super: StructObject;
  readonly #dentries = new Map<string, Entry>();
  readonly #files = new Map<string, StructObject>();
  #lastInode = 131_072;

  constructor(spec: FileSystemSpec = {}) {
    const { disk, magic = ext4Magic } = spec;
    const name = spec.name ?? disk?.spec.name ?? 'none';
    this.#super = struct('super_block', { s_dev: disk?.device ?? 0, s_magic: magic, s_id: name, s_blocksize: 4096 });
  }

  /** The struct file of a path, as vfs_read and others are given it. */
  file(path: string, spec: FileSpec = {}): StructObject {
    let file = this.#files.get(path);
    if (file === undefined) {
      const { dentry, inode } = this.#entry(path, spec);
      const mapping = struct('address_space', { host: inode });
      file = struct('file', { 'f_path.dentry': dentry, f_inode: inode, f_mapping: mapping });
      this.#files.set(path, file);
    }
    return file;
  }

  /** Its struct dentry. */
  dentry(path: string, spec: FileSpec = {}): StructObject {
    return this.#entry(path, spec).dentry;
  }

  /** Its struct inode. */
  inode(path: string, spec: FileSpec = {}): StructObject {
    return this.#entry(path, spec).inode;
  }

  /** A struct fs_struct whose working directory is a folder: `task({ …, fields: { fs: files.workingIn('/srv') } })`. */
  workingIn(path: string): StructObject {
    const { dentry } = this.#entry(path, { kind: 'directory' });
    return struct('fs_struct', { 'pwd.dentry': dentry, users: 1 });
  }

  #entry(path: string, { kind = 'file', size = 0, device = 0 }: FileSpec): Entry {
    let entry = this.#dentries.get(path);
    if (entry === undefined) {
      const cut = path.lastIndexOf('/');
      const name = path === '/' ? '/' : path.slice(cut + 1);
      const above =
        path === '/' ? null : this.#entry(cut <= 0 ? '/' : path.slice(0, cut), { kind: 'directory' }).dentry;
      const inode = struct('inode', {
        i_mode: modes[kind],
        i_ino: path === '/' ? rootInode : ++this.#lastInode,
        i_sb: this.#super,
        i_size: size,
        i_rdev: device,
      });
      const length = new TextEncoder().encode(name).length;
      const members = { 'd_name.name': name, 'd_name.len': length, d_inode: inode, d_parent: above, d_sb: this.#super };
      entry = { dentry: struct('dentry', members), inode };
      this.#dentries.set(path, entry);
    }
    return entry;
  }
}
