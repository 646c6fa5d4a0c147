import type { ProgramType } from '../uapi/index.ts';
import { flag, type Kind } from './register.ts';

/**
 * Which bytes of its context a program may read or write, and what a load from there gives. Offsets are those of the
 * structs in include/uapi/linux/bpf.h; the rules those of the *_is_valid_access functions in net/core/filter.c,
 * kernel/bpf/cgroup.c and kernel/trace/bpf_trace.c.
 */
export interface ContextAccess {
  readonly kind: Kind;
  readonly flags: number;
  /** The kernel's struct behind a btf pointer. */
  readonly struct?: string;
}

const number: ContextAccess = { kind: 'scalar', flags: 0 };
const packet: ContextAccess = { kind: 'packet', flags: 0 };
const packetEnd: ContextAccess = { kind: 'packetEnd', flags: 0 };
const packetMeta: ContextAccess = { kind: 'packetMeta', flags: 0 };
const socket: ContextAccess = { kind: 'socket', flags: 0 };
const socketOrNull: ContextAccess = { kind: 'socket', flags: flag.maybeNull };
const socketCommonOrNull: ContextAccess = { kind: 'socketCommon', flags: flag.maybeNull };
const flowKeys: ContextAccess = { kind: 'flowKeys', flags: 0 };

type Rule = (offset: number, size: number, write: boolean, attach: number) => ContextAccess | undefined;

/** Part of a field, not across its end. */
function narrow(offset: number, size: number, field: number): boolean {
  return size <= field && (offset % field) + size <= field;
}

function within(offset: number, start: number, bytes: number): boolean {
  return offset >= start && offset < start + bytes;
}

function when(holds: boolean, access: ContextAccess = number): ContextAccess | undefined {
  return holds ? access : undefined;
}

/** struct __sk_buff, by byte. */
const skb = {
  mark: 8,
  queueMapping: 12,
  priority: 32,
  tcIndex: 44,
  cb: 48,
  tcClassid: 72,
  data: 76,
  dataEnd: 80,
  family: 88,
  remoteIp4: 92,
  localPortEnd: 140,
  dataMeta: 140,
  flowKeys: 144,
  timestamp: 152,
  wireLength: 160,
  socket: 168,
  timestampType: 180,
  hardwareTimestamp: 184,
  size: 192,
} as const;

function socketBuffer(offset: number, size: number, write: boolean, result: ContextAccess): ContextAccess | undefined {
  if (offset < 0 || offset >= skb.size || offset % size !== 0) return undefined;
  if (within(offset, skb.cb, 20)) return when(offset + size <= skb.cb + 20);
  if (within(offset, skb.remoteIp4, 40)) return when(size === 4);
  if (within(offset, skb.data, 8) || within(offset, skb.dataMeta, 4)) return when(size === 4, result);
  if (within(offset, skb.flowKeys, 8)) return undefined;
  if (within(offset, skb.hardwareTimestamp, 8)) return when(!write && size === 8);
  if (within(offset, skb.timestamp, 8)) return when(size === 8);
  if (within(offset, skb.socket, 8)) return when(!write && size === 8, socketCommonOrNull);
  if (within(offset, skb.timestampType, 4)) return undefined;
  return when(write ? size === 4 : narrow(offset, size, 4));
}

interface SkbRules {
  readonly hidden: readonly (readonly [offset: number, bytes: number])[];
  readonly writable: readonly (readonly [offset: number, bytes: number])[];
  /** Fields that are packet pointers. */
  readonly pointers: readonly number[];
}

function skbRule({ hidden, writable, pointers }: SkbRules): Rule {
  return (offset, size, write) => {
    if (hidden.some(([start, bytes]) => within(offset, start, bytes))) return undefined;
    if (write && !writable.some(([start, bytes]) => within(offset, start, bytes))) return undefined;
    const field = pointers.find((start) => within(offset, start, 4));
    const result =
      field === undefined ? number : field === skb.data ? packet : field === skb.dataEnd ? packetEnd : packetMeta;
    return socketBuffer(offset, size, write, result);
  };
}

const addresses = [skb.family, skb.localPortEnd - skb.family] as const;
const cb = [skb.cb, 20] as const;
const mark = [skb.mark, 4] as const;
const priority = [skb.priority, 4] as const;
const timestamp = [skb.timestamp, 8] as const;
const hardwareTimestamp = [skb.hardwareTimestamp, 8] as const;
const wireLength = [skb.wireLength, 4] as const;
const tcClassid = [skb.tcClassid, 4] as const;
const dataMeta = [skb.dataMeta, 4] as const;
const data = [skb.data, 8] as const;
const tcIndex = [skb.tcIndex, 4] as const;

const socketFilter = skbRule({
  hidden: [tcClassid, data, dataMeta, addresses, timestamp, wireLength, hardwareTimestamp],
  writable: [cb],
  pointers: [],
});
const cgroupSkb = skbRule({
  hidden: [tcClassid, dataMeta, wireLength],
  writable: [mark, priority, cb, timestamp],
  pointers: [skb.data, skb.dataEnd],
});
const lightweightTunnel = skbRule({
  hidden: [tcClassid, addresses, dataMeta, timestamp, wireLength, hardwareTimestamp],
  writable: [mark, priority, cb],
  pointers: [skb.data, skb.dataEnd],
});
const trafficControlFields = skbRule({
  hidden: [addresses],
  writable: [mark, tcIndex, priority, tcClassid, cb, timestamp, [skb.queueMapping, 4]],
  pointers: [skb.data, skb.dataEnd, skb.dataMeta],
});
const trafficControl: Rule = (offset, size, write, attach) =>
  offset === skb.timestampType ? when(!write && size === 1) : trafficControlFields(offset, size, write, attach);
const socketSkb = skbRule({
  hidden: [tcClassid, dataMeta, timestamp, wireLength, hardwareTimestamp, mark],
  writable: [tcIndex, priority],
  pointers: [skb.data, skb.dataEnd],
});

const flowDissector: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset >= skb.size || offset % size !== 0) return undefined;
  if (within(offset, skb.data, 4)) return when(size === 4, packet);
  if (within(offset, skb.dataEnd, 4)) return when(size === 4, packetEnd);
  if (within(offset, skb.flowKeys, 8)) return when(size === 8, flowKeys);
  return undefined;
};

const xdpDevmap = 33;
const xdp: Rule = (offset, size, write, attach) => {
  if (write || (offset === 20 && attach !== xdpDevmap)) return undefined;
  const result = offset === 0 ? packet : offset === 4 ? packetEnd : offset === 8 ? packetMeta : number;
  return when(offset >= 0 && offset < 24 && offset % size === 0 && size === 4, result);
};

/** struct bpf_sock through any pointer to a socket. */
export function socketAccess(offset: number, size: number): boolean {
  if (offset < 0 || offset >= 80 || offset % size !== 0) return false;
  if (offset === 4 || offset === 8 || offset === 12 || offset === 44 || offset === 72 || offset === 76) {
    return narrow(offset, size, 4);
  }
  if (within(offset, 24, 20) || within(offset, 52, 20)) return narrow(offset, size, 4);
  if (within(offset, 48, 2)) return size === 4 || narrow(offset, size, 2);
  if (within(offset, 50, 2)) return false;
  return size === 4;
}

export function socketCommonAccess(offset: number, size: number): boolean {
  return !within(offset, 8, 16) && socketAccess(offset, size);
}

/** struct bpf_tcp_sock */
export function tcpSocketAccess(offset: number, size: number): boolean {
  if (offset < 0 || offset >= 112 || offset % size !== 0) return false;
  return offset === 80 || offset === 88 ? size === 8 : size === 4;
}

export function xdpSocketAccess(offset: number, size: number): boolean {
  return offset === 0 && size === 4;
}

const socketCreate = 2;
const socketRelease = 34;
const postBind4 = 12;
const postBind6 = 13;
const cgroupSocket: Rule = (offset, size, write, attach) => {
  if (!socketAccess(offset, size)) return undefined;
  if (offset === 0 || offset === 16 || offset === 20) {
    return when(attach === socketCreate || attach === socketRelease);
  }
  if (within(offset, 24, 4)) return when(!write && attach === postBind4);
  if (within(offset, 28, 16)) return when(!write && attach === postBind6);
  if (offset === 44) return when(!write && (attach === postBind4 || attach === postBind6));
  return when(!write);
};

const ip4Attach: ReadonlySet<number> = new Set([8, 10, 14, 19, 29, 31]);
const ip6Attach: ReadonlySet<number> = new Set([9, 11, 15, 20, 30, 32]);
const socketAddress: Rule = (offset, size, write, attach) => {
  if (offset < 0 || offset >= 72 || offset % size !== 0) return undefined;
  if (within(offset, 4, 4) && !ip4Attach.has(attach)) return undefined;
  if (within(offset, 8, 16) && !ip6Attach.has(attach)) return undefined;
  if (within(offset, 40, 4) && attach !== 14) return undefined;
  if (within(offset, 44, 16) && attach !== 15) return undefined;
  const wide = size === 8 && (wideWithin(offset, 8) || wideWithin(offset, 44));
  if (within(offset, 4, 24) || within(offset, 40, 20))
    return when(wide || (write ? size === 4 : narrow(offset, size, 4)));
  if (within(offset, 64, 8)) return when(!write && size === 8, socket);
  return when((offset < 4 || within(offset, 28, 12)) && !write && size === 4);
};

/** 8 aligned bytes of an IPv6 address. */
function wideWithin(offset: number, start: number): boolean {
  return offset >= start && offset + 8 <= start + 16 && offset % 8 === 0;
}

const socketOps: Rule = (offset, size, write) => {
  if (offset < 0 || offset >= 224 || offset % size !== 0) return undefined;
  if (write) return when((offset === 4 || offset === 164) && size === 4);
  if (within(offset, 168, 16)) return when(size === 8);
  if (within(offset, 184, 8)) return when(size === 8, socketOrNull);
  if (within(offset, 192, 8)) return when(size === 8, packet);
  if (within(offset, 200, 8)) return when(size === 8, packetEnd);
  if (offset === 212) return when(narrow(offset, size, 4));
  if (within(offset, 216, 8)) return when(size === 8);
  return when(size === 4);
};

const socketMessage: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset % size !== 0) return undefined;
  if (within(offset, 0, 8)) return when(size === 8, packet);
  if (within(offset, 8, 8)) return when(size === 8, packetEnd);
  if (within(offset, 72, 8)) return when(size === 8, socket);
  return when(within(offset, 16, 56) && size === 4);
};

const reusePort: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset >= 56 || offset % size !== 0) return undefined;
  if (offset === 0) return when(size === 8, packet);
  if (offset === 8) return when(size === 8, packetEnd);
  if (offset === 32) return when(size === 4);
  if (offset === 40) return when(size === 8, socket);
  if (offset === 48) return when(size === 8, socketCommonOrNull);
  if (within(offset, 20, 4) && size < 2) return undefined;
  return when(within(offset, 16, 16) && narrow(offset, size, 4));
};

const socketLookup: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset >= 72 || offset % size !== 0) return undefined;
  if (within(offset, 0, 8)) return when(size === 8, socketOrNull);
  if (within(offset, 36, 2)) return when(size === 4 || narrow(offset, size, 2));
  if (within(offset, 38, 2)) return when(narrow(offset, size, 2));
  return when(offset < 68 && narrow(offset, size, 4));
};

const cgroupDevice: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset + size > 12 || offset % size !== 0) return undefined;
  return when(offset < 4 ? narrow(offset, size, 4) : size === 4);
};

const sysctl: Rule = (offset, size, write) => {
  if (offset < 0 || offset + size > 8 || offset % size !== 0) return undefined;
  if (offset < 4) return when(!write && narrow(offset, size, 4));
  return when(write ? size === 4 : narrow(offset, size, 4));
};

const getSocketOption = 21;
const setSocketOption = 22;
const socketOption: Rule = (offset, size, write, attach) => {
  if (offset < 0 || offset >= 40 || offset % size !== 0) return undefined;
  if (write) {
    if (offset === 36) return when(size === 4 && attach === getSocketOption);
    if (offset === 24 || offset === 28) return when(size === 4 && attach === setSocketOption);
    return when(offset === 32 && size === 4);
  }
  if (offset < 8) return when(size === 8, socket);
  if (offset < 16) return when(size === 8, packet);
  if (offset < 24) return when(size === 8, packetEnd);
  return when(size === 4 && (offset !== 36 || attach === getSocketOption));
};

const registersSize = 168;
const kprobe: Rule = (offset, size, write) =>
  when(!write && offset >= 0 && offset + size <= registersSize && offset % size === 0);

const tracepoint: Rule = (offset, size, write) => when(!write && offset >= 8 && offset < 8192 && offset % size === 0);

const rawTracepoint: Rule = (offset, size, write) => when(!write && offset >= 0 && offset < 96 && offset % size === 0);

const writableTracepoint: Rule = (offset, size, write) => {
  if (offset === 0) return when(size === 8 && !write, { kind: 'traceBuffer', flags: 0 });
  return rawTracepoint(offset, size, write, 0);
};

const perfEvent: Rule = (offset, size, write) => {
  if (write || offset < 0 || offset >= 184) return undefined;
  if (offset % size !== 0 && (size !== 8 || offset % size !== 4)) return undefined;
  return when(offset < registersSize ? size === 8 : narrow(offset, size, 8));
};

const netfilter: Rule = (offset, size, write) => {
  if (write || size !== 8 || (offset !== 0 && offset !== 8)) return undefined;
  return { kind: 'btf', flags: flag.trusted, struct: offset === 0 ? 'nf_hook_state' : 'sk_buff' };
};

const rules: Partial<Record<ProgramType, Rule>> = {
  netfilter,
  socket_filter: socketFilter,
  sched_cls: trafficControl,
  sched_act: trafficControl,
  cgroup_skb: cgroupSkb,
  lwt_in: lightweightTunnel,
  lwt_out: lightweightTunnel,
  lwt_xmit: lightweightTunnel,
  lwt_seg6local: lightweightTunnel,
  sk_skb: socketSkb,
  flow_dissector: flowDissector,
  xdp,
  cgroup_sock: cgroupSocket,
  cgroup_sock_addr: socketAddress,
  sock_ops: socketOps,
  sk_msg: socketMessage,
  sk_reuseport: reusePort,
  sk_lookup: socketLookup,
  cgroup_device: cgroupDevice,
  cgroup_sysctl: sysctl,
  cgroup_sockopt: socketOption,
  kprobe,
  tracepoint,
  perf_event: perfEvent,
  raw_tracepoint: rawTracepoint,
  raw_tracepoint_writable: writableTracepoint,
  syscall: (offset, size) => when(offset >= 0 && offset + size <= 65536 && offset % size === 0),
};

/** What a load or store of the context means, or undefined when it is not allowed. */
export function contextAccess(
  type: ProgramType,
  attach: number,
  offset: number,
  size: number,
  write: boolean,
): ContextAccess | undefined {
  return rules[type]?.(offset, size, write, attach);
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

const bit: Range = { min: 0, max: 1 };

/** What a program may return; undefined when anything (check_return_code). */
export function returnRange(type: ProgramType, attach: number): Range | undefined {
  switch (type) {
    case 'cgroup_sock_addr':
      if (attach === 19 || attach === 20 || (attach >= 29 && attach <= 32)) return { min: 1, max: 1 };
      return attach === 8 || attach === 9 ? { min: 0, max: 3 } : bit;
    case 'cgroup_skb':
      return attach === 1 ? { min: 0, max: 3 } : bit;
    case 'cgroup_sock':
    case 'sock_ops':
    case 'cgroup_device':
    case 'cgroup_sysctl':
    case 'cgroup_sockopt':
    case 'sk_lookup':
    case 'netfilter':
      return bit;
    case 'raw_tracepoint':
      return undefined;
    case 'tracing':
      if (attach === 24 || attach === 25) return { min: 0, max: 0 };
      return attach === 28 ? bit : undefined;
    default:
      return undefined;
  }
}
