import type { Nanoseconds } from '../base/index.ts';

/**
 * What can happen in a kernel, as plain data. An event says what a tracer could see: when, on which CPU, in whose
 * context, through which calls. It holds no address: the simulated kernel gives objects and symbols their places.
 */
export type KernelEvent =
  | FunctionEntry
  | FunctionExit
  | TracepointEvent
  | RawTracepointEvent
  | UserEntry
  | UserExit
  | UserMarker
  | CpuActivity
  | ObjectChange
  | PacketEvent;

/** The task that was current. Equal tasks should be the same object: the kernel keeps one task_struct per object. */
export interface Task {
  /** Thread id: what user space calls tid. 0 is the idle task of the CPU. */
  readonly pid: number;
  /** Process id. */
  readonly tgid: number;
  /** At most 15 bytes (TASK_COMM_LEN 16 with its NUL). */
  readonly comm: string;
  readonly uid: number;
  readonly gid: number;
  /** Its cgroup in the one hierarchy of version 2, `/system.slice/ssh.service`; the root when absent. */
  readonly cgroup?: string;
  /** Who made it: real_parent. Absent: init, pid 1, made it. */
  readonly parent?: Task;
  /** The task whose pid is the tgid. Absent: itself, or one of the same name for a thread. */
  readonly leader?: Task;
  /** When it began, ns since boot; 0 when absent. */
  readonly startTime?: Nanoseconds;
  /** A kernel thread has no user memory and no user stack. */
  readonly kernelThread?: boolean;
  /** The container that it is in; none when absent: the machine's own namespaces. */
  readonly container?: Container;
  /** What it was last executed with; absent: its name alone, or what its parent of the same name has. */
  readonly program?: Program;
  /** The task that this is at a later time, with the same task_struct: after exec(2) its comm is another. */
  readonly identity?: Task;
  /** Further members of its task_struct, by dotted name: `{ exit_code: 9 }`. */
  readonly fields?: Arguments;
}

/** What execve(2) was given: the arguments, argv[0] among them, and the environment as `NAME=value`. */
export interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp?: readonly string[];
}

/** Namespaces other than the machine's own. Numbers are the inodes that /proc/PID/ns shows. */
export interface Container {
  readonly pidNamespace?: number;
  readonly mountNamespace?: number;
  readonly netNamespace?: number;
  /** The name that uname(2) tells inside. */
  readonly hostname?: string;
  /** What a task inside is called there, by its pid outside; one that is not listed keeps its number. */
  readonly pids?: Readonly<Record<number, number>>;
}

/**
 * A kernel stack, innermost frame first, as `symbol+0xoff` or `symbol+0xoff [module]`. The innermost frame is the
 * function that fired the event. Share one array between events with the same stack: it is resolved once.
 */
export type KernelStack = readonly string[];

/**
 * A user stack, innermost frame first, as `symbol+0xoff [path]` of a binary that the scenario's processes map, or a
 * bare `0x…` address. Share one array between events with the same stack.
 */
export type UserStack = readonly string[];

export interface Moment {
  readonly time: Nanoseconds;
  readonly cpu: number;
  readonly task: Task;
  readonly stack: KernelStack;
  /** Where the task was in user space; absent when nothing is known of it. */
  readonly userStack?: UserStack;
}

/** A function is entered: fires its kprobes. Arguments by the names of its BTF prototype; a missing one is 0. */
export interface FunctionEntry extends Moment {
  readonly kind: 'entry';
  readonly function: string;
  readonly args: Arguments;
}

/** The same function returns on the same task: fires its kretprobes. */
export interface FunctionExit extends Moment {
  readonly kind: 'exit';
  readonly function: string;
  readonly returns: Argument;
}

/** A tracepoint is passed. Fields by the names of its kernel format; a missing one is 0. */
export interface TracepointEvent extends Moment {
  readonly kind: 'tracepoint';
  /** `skb:kfree_skb` */
  readonly name: string;
  readonly fields: Arguments;
  /**
   * What its raw tracepoint is given, by the names of the prototype of `__traceiter_NAME`. Absent: each argument is
   * the field of its name, or of its name with `addr` behind (`skb` is `skbaddr`), else 0.
   */
  readonly raw?: Arguments;
}

/** A tracepoint is passed that only its raw form can see. `sched_switch`, without the category. */
export interface RawTracepointEvent extends Moment {
  readonly kind: 'rawTracepoint';
  readonly name: string;
  readonly args: Arguments;
}

/** A function of a program or library is called: fires its uprobes. Arguments in order, as registers take them. */
export interface UserEntry extends Moment {
  readonly kind: 'userEntry';
  /** Path of the binary. */
  readonly binary: string;
  readonly function: string;
  readonly args: readonly Argument[];
}

/** It returns on the same task: fires its uretprobes. */
export interface UserExit extends Moment {
  readonly kind: 'userExit';
  readonly binary: string;
  readonly function: string;
  readonly returns: Argument;
}

/** A USDT probe is passed. Arguments in order; each goes where the probe's note says that it lies. */
export interface UserMarker extends Moment {
  readonly kind: 'userMarker';
  readonly binary: string;
  readonly provider: string;
  readonly probe: string;
  readonly args: readonly Argument[];
}

/**
 * From its time on, for `duration`, the CPU runs this task in these frames: in the kernel when `stack` has any, else
 * in user space. This is what sampling finds. What follows on the same CPU ends it early; when it is over the CPU is idle.
 */
export interface CpuActivity extends Moment {
  readonly kind: 'activity';
  readonly duration: Nanoseconds;
  /** What the CPU's counters count meanwhile, spread evenly. Clocks count by themselves. */
  readonly counts?: Readonly<Partial<Record<ActivityCounter, number>>>;
}

/**
 * The kernel has written into an object: it is like this from now on, for whoever has a pointer to it. Nothing is
 * attached to that. Only this changes an object's contents: as an argument, each form of it means its address.
 */
export interface ObjectChange extends Moment {
  readonly kind: 'change';
  readonly object: Sock | StructObject | TaskReference;
}

/**
 * A packet is at a device of the machine: its driver has it off the wire, or the kernel sends it. What is attached
 * there sees it in the kernel's order, and may change it, drop it or send it elsewhere.
 */
export interface PacketEvent extends Moment {
  readonly kind: 'packet';
  readonly direction: 'receive' | 'transmit';
  readonly device: NetDevice;
  /** From its link header on; from the IP header on where the device has none. */
  readonly data: Uint8Array;
  /** The socket that sends it. */
  readonly sk?: Sock | null;
  /** The device's queue; 0 when absent. */
  readonly queue?: number;
  readonly mark?: number;
  readonly priority?: number;
}

/** Counters that an activity may move; by the names of perf-list(1). */
export const activityCounters = [
  'cpu-cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branch-instructions',
  'branch-misses',
  'page-faults',
  'context-switches',
  'cpu-migrations',
] as const;
export type ActivityCounter = (typeof activityCounters)[number];

export type Arguments = Readonly<Record<string, Argument>>;

/**
 * A value by its C type: integers and enums as number or bigint (an enum also by its enumerator's name as a
 * string); `char *`, user strings and `__data_loc char[]` as string; byte arrays as Uint8Array; a pointer to a kernel
 * object as that object; `{ symbol }` for a code address; null for a NULL pointer.
 */
export type Argument = number | bigint | string | Uint8Array | CodeAddress | KernelObject | null;

/** A code address by its symbol, `icmp_rcv+0x1a3`. */
export interface CodeAddress {
  readonly symbol: string;
}

/**
 * Objects with identity: the same JS object is the same address for as long as the kernel object lives. One that has
 * another as its `identity` is that object at a later time, as `later` makes it and an ObjectChange tells.
 */
export type KernelObject = SkBuff | Sock | NetDevice | UserMemory | StructObject | TaskReference;

/** A packet. Becomes a struct sk_buff with its data area at the offsets of the kernel profile's BTF. */
export interface SkBuff {
  readonly object: 'sk_buff';
  /**
   * The bytes from `mac` on (or from the network header where there is no link layer); fewer than `length` when the
   * recording did not hold them, null when nothing is known of the content.
   */
  readonly data: Uint8Array | null;
  /** Offset of the link-layer header in `data`; -1 when there is none. */
  readonly mac: number;
  /** Offset of the network header in `data`, -1 when unknown. */
  readonly network: number;
  /** Offset of the transport header in `data`, -1 when unknown. */
  readonly transport: number;
  /** Offset in `data` of skb->data at the time of the event (what the layer in charge still sees). */
  readonly start: number;
  /** skb->len: bytes from `start` on, in bytes of the real packet. */
  readonly length: number;
  /** EtherType, host order: 0x0800. */
  readonly protocol: number;
  readonly dev: NetDevice | null;
  readonly sk: Sock | null;
  /** skb->mark */
  readonly mark?: number;
  /** What a packet that the kernel changes keeps: of one identity all are one sk_buff, each what it was at a time. */
  readonly identity?: object;
  /** What is known of why `data` is null or short: shown to the user. */
  readonly missing?: string;
  /** The hashed pointer of the recording, where there is one. */
  readonly recordedAddress?: string;
}

export interface NetDevice {
  readonly object: 'net_device';
  readonly name: string;
  readonly ifindex: number;
  readonly mtu?: number;
  /** ARPHRD_*: 1 is Ethernet, 772 loopback, 65534 none. */
  readonly type?: number;
  /** Its address, `02:00:00:00:00:01`; zeros when absent. */
  readonly mac?: string;
  /** Whether it is up; it is when absent. */
  readonly up?: boolean;
  /** The device whose driver what it sends arrives at, by name: the other end of a veth pair. */
  readonly peer?: string;
}

/** struct sock with the fields of sock_common that tracers read. Addresses as in the packet; ports in host order. */
export interface Sock {
  readonly object: 'sock';
  /** AF_INET 2, AF_INET6 10. */
  readonly family: number;
  /** IPPROTO_TCP 6, IPPROTO_UDP 17. */
  readonly protocol: number;
  /** TCP_ESTABLISHED 1 … */
  readonly state?: number;
  /** 4 or 16 bytes, network order. */
  readonly saddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly sport: number;
  readonly dport: number;
  /** Inode number of its network namespace; the machine's own when absent. */
  readonly netNamespace?: number;
  /**
   * Further members by dotted name, of whichever struct of a TCP or UDP socket has them (tcp_sock,
   * inet_connection_sock, inet_sock, sock): `{ bytes_acked: 4096, sk_max_ack_backlog: 128 }`.
   */
  readonly fields?: Arguments;
  readonly identity?: Sock;
}

/** Bytes, a string, or an array of user pointers (an argv ends with null); the argument is the user pointer to them. */
export interface UserMemory {
  readonly object: 'user';
  readonly content: string | Uint8Array | readonly (UserMemory | null)[];
}

/** Any struct of the profile's BTF with the fields given (dotted names reach nested ones), the rest zero. */
export interface StructObject {
  readonly object: 'struct';
  /** `request`, `file`: the struct's tag. */
  readonly type: string;
  readonly fields: Arguments;
  readonly identity?: StructObject;
}

/** A task as an argument or member: a pointer to its task_struct. */
export interface TaskReference {
  readonly object: 'task';
  readonly task: Task;
}
