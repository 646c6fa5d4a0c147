import type { Nanoseconds } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { MapType, ProgramType } from '../uapi/index.ts';

/**
 * The seam: what a process may ask of a kernel. Shaped like bpf(2), perf_event_open(2), mmap(2), poll(2) and the
 * files of tracefs and procfs, so that the live kernel can stand behind it. Calls throw SysError with the errno that
 * Linux gives; they copy bytes in and out, as a system call does.
 */
export interface Kernel {
  /** Release, BTF, tracepoint formats: what /sys/kernel/btf/vmlinux, uname(2) and tracefs tell. */
  readonly profile: KernelProfile;
  /** CPUs online, numbered from 0. */
  readonly cpus: number;
  /** CLOCK_MONOTONIC. */
  clock(): Nanoseconds;

  mapCreate(attributes: MapCreate): Fd;
  /**
   * Of an array of programs or a map of maps the value is an id. Maps without keys take an empty key: a queue or stack
   * shows its next value, a bloom_filter is asked for `value`.
   * @throws SysError ENOENT when there is no such key
   */
  mapLookup(map: Fd, key: Uint8Array, value?: Uint8Array): Uint8Array;
  /** Looks up and deletes: pops the value of a queue or stack, whose key is empty. @throws SysError ENOENT, ENOTSUPP */
  mapLookupAndDelete(map: Fd, key: Uint8Array): Uint8Array;
  /** Where a map holds programs, maps, cgroups or events, the value is an fd of 4 bytes. */
  mapUpdate(map: Fd, key: Uint8Array, value: Uint8Array, flags?: number): void;
  mapDelete(map: Fd, key: Uint8Array): void;
  /** The key after `key` (null for the first), or null at the end. */
  mapNextKey(map: Fd, key: Uint8Array | null): Uint8Array | null;

  /** An fd of the map or program of that id (BPF_MAP_GET_FD_BY_ID). @throws SysError ENOENT */
  mapFdById(id: number): Fd;
  programFdById(id: number): Fd;
  /**
   * A map's memory as mmap(2) shows it from offset 0, a live view: the values of an array with BPF_F_MMAPABLE; of a
   * ringbuf the consumer page, which is the only one that user space writes, the producer page, and the data twice.
   * @throws SysError ENOTSUPP for other kinds, EINVAL for an array without that flag
   */
  mapMmap(map: Fd): Uint8Array;
  /** open(2) of a cgroup's directory, `/` or `/system.slice/ssh.service`: for cgroup arrays. */
  cgroupOpen(path: string): Fd;

  /** @throws SysError with the verifier's log in its hint when the program is refused */
  programLoad(attributes: ProgramLoad): Fd;

  /** Attaches; the link lives until its fd is closed. @throws SysError ENOENT for an unknown function or tracepoint */
  attach(program: Fd, target: AttachTarget): Fd;
  linkInfo(link: Fd): LinkInfo;
  /** Names that can be attached to: available_filter_functions and events of tracefs. */
  functions(): Iterable<string>;
  tracepoints(): Iterable<string>;

  /** A software BPF-output event on one CPU, as BCC opens it (PERF_COUNT_SW_BPF_OUTPUT, PERF_SAMPLE_RAW). */
  perfEventOpen(attributes: PerfEventOpen): Fd;
  /** Control page and `dataPages` data pages (a power of two): a live view, shared with the kernel. */
  mmap(event: Fd, dataPages: number): Uint8Array;
  /**
   * Which of the fds, perf events and ringbuf maps, have woken their reader since they were last polled. A ringbuf that
   * was not read to its end is told again, as epoll(7) does.
   */
  poll(fds: readonly Fd[]): Fd[];

  /** /proc/kallsyms. */
  readonly symbols: Symbols;
  /** What trace_printk wrote since the last call: lines of trace_pipe, without the newline. */
  readTracePipe(): string[];

  close(fd: Fd): void;
}

/** A file descriptor: a small integer. Closing one twice is EBADF. */
export type Fd = number;

export interface MapCreate {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly name?: string;
  /** Of a map of maps: a map like those that it will hold. */
  readonly innerMap?: Fd;
  /** map_extra: of a bloom_filter how many hashes a value has. */
  readonly extra?: number;
}

export interface ProgramLoad {
  readonly type: ProgramType;
  /** 8 bytes a slot; ld_imm64 of a map has src_reg 1 (BPF_PSEUDO_MAP_FD) and the map's fd as its immediate. */
  readonly code: Uint8Array;
  readonly license: string;
  readonly name?: string;
}

/** Where a program attaches. One target is one point: the client expands patterns. */
export type AttachTarget =
  | { readonly kind: 'kprobe'; readonly function: string; readonly offset?: number }
  /** `maxActive` as register_kretprobe's: how many calls may be under way at once; 0 is the kernel's default. */
  | { readonly kind: 'kretprobe'; readonly function: string; readonly maxActive?: number }
  /** `skb:kfree_skb` */
  | { readonly kind: 'tracepoint'; readonly name: string };

export interface LinkInfo {
  readonly target: AttachTarget;
  /** Times that the program ran for this link. */
  readonly hits: number;
  /** Times that it should have run and did not: recursion on the CPU, or a kretprobe beyond maxActive. */
  readonly missed: number;
}

export interface PerfEventOpen {
  readonly cpu: number;
  /** Wakes the reader on every Nth sample; BCC's is 1. */
  readonly wakeupEvents?: number;
  /** Instead: wakes when that many bytes wait; 0 means half the buffer. */
  readonly wakeupWatermark?: number;
  /** Overwrite mode: the newest records are kept. */
  readonly writeBackward?: boolean;
}

export interface Symbols {
  /** The symbol that holds an address, or undefined. */
  lookup(address: bigint): { readonly name: string; readonly offset: number; readonly module?: string } | undefined;
  /** The address of a symbol, or undefined. */
  address(name: string): bigint | undefined;
  /** `name+0xoff`, with ` [module]` where it has one, or `[unknown]`: as the kernel prints %pS without the size. */
  format(address: bigint): string;
}
