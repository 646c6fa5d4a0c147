import type { ErrnoName, Nanoseconds } from '../base/index.ts';
import type { Btf, KernelProfile, TypeId } from '../btf/index.ts';
import type { FunctionInfo, LineInfo, ObjectBtf } from '../object/index.ts';
import type { AttachType, MapType, PerfCounter, ProgramType } from '../uapi/index.ts';
import type { DeviceInfo, PacketSocketOpen, ReceivedPacket, SocketStatistics, TcTarget, XdpTarget } from './network.ts';

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
  /** What a file of /proc says. @throws SysError ENOENT */
  readFile(path: string): string;

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
  /**
   * Up to `most` elements behind those of the call before, whose `next` is given (null begins), looked up and with `take`
   * deleted (BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH). After the last the result's errno is ENOENT; ENOSPC
   * where `most` has no room for what a hash must give at once.
   * @throws SysError ENOTSUPP for a kind of map that has no batches, EINVAL for flags, EPERM, EBADF
   */
  mapLookupBatch(map: Fd, take: boolean, after: Uint8Array | null, most: number, flags?: number): MapBatch;
  /** One after the other, up to the first that fails: its errno, and how many came before it (BPF_MAP_UPDATE_BATCH). @throws SysError as mapLookupBatch */
  mapUpdateBatch(map: Fd, keys: readonly Uint8Array[], values: readonly Uint8Array[], flags?: number): MapBatch;
  /** The same for deletes (BPF_MAP_DELETE_BATCH). */
  mapDeleteBatch(map: Fd, keys: readonly Uint8Array[], flags?: number): MapBatch;
  /** From now on system calls change nothing in it (BPF_MAP_FREEZE). @throws SysError EBUSY when it is frozen */
  mapFreeze(map: Fd): void;
  /** The key after `key` (null for the first), or null at the end. */
  mapNextKey(map: Fd, key: Uint8Array | null): Uint8Array | null;

  /** Gives a map, program or link a path of the BPF file system, `/sys/fs/bpf/name` (BPF_OBJ_PIN). @throws SysError EEXIST */
  objectPin(fd: Fd, path: string): void;
  /** An fd of what is pinned there (BPF_OBJ_GET). @throws SysError ENOENT */
  objectGet(path: string): Fd;
  /** Takes a pin away (unlink(2)). @throws SysError ENOENT */
  unlink(path: string): void;

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

  /** @throws SysError with the verifier's errno and its last message; `log` has the rest */
  programLoad(attributes: ProgramLoad): Fd;

  /**
   * BPF_PROG_TEST_RUN: runs a loaded program on a packet, or on a raw tracepoint's arguments.
   * @throws SysError ENOTSUPP for a type that has no test run, EINVAL, ENODEV, E2BIG, ENOSPC as Linux
   */
  programTestRun(program: Fd, run: ProgramTestRun): ProgramTestResult;
  /** BPF_OBJ_GET_INFO_BY_FD of a program. */
  programInfo(program: Fd): ProgramInfo;
  /** BPF_PROG_GET_NEXT_ID: the next id after `id`, in order, or null; 0 begins. */
  programNextId(id: number): number | null;

  /** Attaches; the link lives until its fd is closed. @throws SysError ENOENT for an unknown function or tracepoint */
  attach(program: Fd, target: AttachTarget): Fd;
  linkInfo(link: Fd): LinkInfo;
  /** Names that can be attached to: available_filter_functions and events of tracefs. */
  functions(): Iterable<string>;
  tracepoints(): Iterable<string>;
  /** Names of raw tracepoints, `sched_switch`: those that BTF has a `btf_trace_` type of. */
  rawTracepoints(): Iterable<string>;

  /** The network devices, as rtnetlink lists them. */
  devices(): readonly DeviceInfo[];
  /**
   * socket(2) of AF_PACKET and bind(2): it queues the packets that its filter lets through, those of all devices where
   * none is named. @throws SysError ENODEV
   */
  packetSocket(attributes: PacketSocketOpen): Fd;
  /** recvmsg(2): the oldest packet that waits, or null where Linux says EAGAIN. */
  receive(socket: Fd): ReceivedPacket | null;
  /** getsockopt(2) PACKET_STATISTICS; unlike Linux it begins nothing anew. */
  socketStatistics(socket: Fd): SocketStatistics;

  /** An event on one CPU: a counter, or software BPF output as BCC opens it (PERF_COUNT_SW_BPF_OUTPUT, PERF_SAMPLE_RAW). */
  perfEventOpen(attributes: PerfEventOpen): Fd;
  /** Control page and `dataPages` data pages (a power of two): a live view, shared with the kernel. */
  mmap(event: Fd, dataPages: number): Uint8Array;
  /**
   * Which of the fds, perf events, ringbuf maps and sockets, have woken their reader since they were last polled. A
   * ringbuf or socket that was not read to its end is told again, as epoll(7) does.
   */
  poll(fds: readonly Fd[]): Fd[];

  /** /proc/kallsyms. */
  readonly symbols: Symbols;
  /** Paths of programs and libraries, as a search of the file system finds them. */
  binaries(): Iterable<string>;
  /** What a binary's file tells: its symbol tables and notes. Undefined when there is no such file. */
  binary(path: string): BinaryFile | undefined;
  /** The executable mappings of /proc/PID/maps, in the order of their addresses; empty for an unknown process. */
  mappings(pid: number): readonly Mapping[];
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
  /** What keys and values are (btf_fd, btf_key_type_id, btf_value_type_id): tells the kernel of locks, timers and its own pointers in a value. */
  readonly types?: { readonly btf: Btf; readonly key: TypeId; readonly value: TypeId };
}

/** What a batch command did. */
export interface MapBatch {
  readonly count: number;
  /** What was looked up, in the map's order. */
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
  /** What the next call goes on from; null when there was nothing. */
  readonly next: Uint8Array | null;
  /** Why it ended before its time: ENOENT after the last element; null when it did all that it was asked. */
  readonly errno: ErrnoName | null;
}

export interface ProgramLoad {
  readonly type: ProgramType;
  /** 8 bytes a slot; ld_imm64 of a map has src_reg 1 (BPF_PSEUDO_MAP_FD) and the map's fd as its immediate. */
  readonly code: Uint8Array;
  readonly license: string;
  readonly name?: string;
  /** expected_attach_type: tells fentry from fexit and tp_btf. */
  readonly expectedAttachType?: AttachType;
  /** attach_btf_id of a tracing program: the function, or the `btf_trace_NAME` typedef, in the kernel's BTF. */
  readonly attachBtfId?: number;
  /** prog_flags: a sum of `programFlags` of uapi. */
  readonly flags?: number;
  /** The program's own C types (prog_btf_fd), and where its functions begin, by their types there (func_info). */
  readonly btf?: ObjectBtf;
  readonly functions?: readonly FunctionInfo[];
  /** Where instructions come from (line_info): the log quotes the lines. */
  readonly lines?: readonly LineInfo[];
  readonly log?: ProgramLog;
}

/** log_level, log_size and log_buf of bpf(2): a buffer that the kernel writes its verifier's log into. */
export interface ProgramLog {
  /** Bits: 1 the path that failed, 2 all paths, 4 statistics, 8 the log's head is kept and not its tail. */
  readonly level: number;
  /** Bytes of the buffer, with a final zero; when the log does not fit the load is refused with ENOSPC. */
  readonly size: number;
  text: string;
  /** log_true_size: bytes of a buffer that would have held the whole log. */
  trueSize: number;
  /** What a kernel that explains itself says for people; the live one says nothing. */
  explanation?: string;
}

/** What a test run is given: data_in, ctx_in, repeat, and the sizes of the buffers for what comes back. */
export interface ProgramTestRun {
  /** A packet, from its Ethernet header on. */
  readonly data?: Uint8Array;
  /** struct __sk_buff or struct xdp_md, or the u64 arguments of a raw tracepoint. */
  readonly context?: Uint8Array;
  /** Runs, one after the other on the same packet; 1 when 0 or absent. */
  readonly repeat?: number;
  /** As large as need be when absent. */
  readonly dataSizeOut?: number;
  readonly contextSizeOut?: number;
}

export interface ProgramTestResult {
  /** What the last run returned, unsigned. */
  readonly returned: number;
  readonly data: Uint8Array;
  readonly context: Uint8Array;
  /** Mean time of a run in ns; a simulated kernel's clock stands still meanwhile. */
  readonly duration: Nanoseconds;
}

/** What struct bpf_prog_info tells. */
export interface ProgramInfo {
  readonly id: number;
  readonly type: ProgramType;
  readonly name: string;
  /** 8 bytes in hex: the begin of a hash of the code in which map fds are zero. */
  readonly tag: string;
  /** Bytes of code as it was loaded. */
  readonly size: number;
  /** Instructions that the verifier walked over, on all paths. */
  readonly verifiedInstructions: number;
  readonly mapIds: readonly number[];
  readonly isGplCompatible: boolean;
}

/** Where a program attaches. One target is one point: the client expands patterns. */
export type AttachTarget = Cookie & TargetPlace;

type TargetPlace =
  | { readonly kind: 'kprobe'; readonly function: string; readonly offset?: number }
  /** `maxActive` as register_kretprobe's: how many calls may be under way at once; 0 is the kernel's default. */
  | { readonly kind: 'kretprobe'; readonly function: string; readonly maxActive?: number }
  /** `skb:kfree_skb` */
  | { readonly kind: 'tracepoint'; readonly name: string }
  /** `sched_switch`: for raw_tracepoint programs, and tracing programs of attach type trace_raw_tp. */
  | { readonly kind: 'raw_tracepoint'; readonly name: string }
  /** For tracing programs loaded for this function with the attach type of that name. */
  | { readonly kind: 'fentry' | 'fexit' | 'fmod_ret'; readonly function: string }
  /** For lsm programs loaded for this hook, `bpf_lsm_file_open`. */
  | { readonly kind: 'lsm'; readonly function: string }
  | UserTarget
  | SamplingTarget
  | XdpTarget
  | TcTarget
  /** setsockopt(2) SO_ATTACH_BPF: a socket_filter program on a socket, in place of one that is there. */
  | { readonly kind: 'socket'; readonly socket: Fd };

interface Cookie {
  /** What get_attach_cookie answers; 0 when absent. */
  readonly cookie?: bigint;
}

/** The begin of a function, or a USDT probe, by the binary and the address in it. */
export interface UserTarget {
  readonly kind: 'uprobe' | 'uretprobe';
  readonly binary: string;
  readonly address: number;
  /** Only in this process. */
  readonly pid?: number;
}

/** perf_event_open(2) on one CPU and PERF_EVENT_IOC_SET_BPF: the program runs at each overflow. */
export interface SamplingTarget {
  readonly kind: 'perf_event';
  readonly event: PerfCounter;
  readonly cpu: number;
  /** Every so many events; of a clock, ns. One of the two is given. */
  readonly period?: number;
  /** Or so many times a second. */
  readonly frequency?: number;
  /** Only while this process runs. */
  readonly pid?: number;
}

export interface LinkInfo {
  readonly target: AttachTarget;
  /** Times that the program ran for this link. */
  readonly hits: number;
  /** Times that it should have run and did not: recursion on the CPU, or a kretprobe beyond maxActive. */
  readonly missed: number;
}

export interface BinaryFile {
  readonly path: string;
  readonly symbols: readonly { readonly name: string; readonly address: number; readonly size: number }[];
  /** Probes of .note.stapsdt, with their arguments as the note says them: `-4@%edi 8@-16(%rbp)`. */
  readonly probes: readonly {
    readonly provider: string;
    readonly name: string;
    readonly address: number;
    readonly arguments: string;
    readonly semaphore?: number;
  }[];
  /** 20 bytes in hex. */
  readonly buildId: string;
}

export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly path: string;
}

export interface PerfEventOpen {
  readonly cpu: number;
  /** What it counts from now on, for programs to read through a perf_event_array; BPF output when absent. */
  readonly counter?: PerfCounter;
  /** Of a counter: only while this process runs. */
  readonly pid?: number;
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
