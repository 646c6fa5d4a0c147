import {
  BPF,
  type Column,
  ipProtocols,
  type KernelProfile,
  type Level,
  nearestHint,
  type RecordsView,
  type Tool,
  type ToolContext,
  type ToolOptionValue,
  type ToolRun,
  UsageError,
} from 'tracebed';
import { detailSections } from './detail.ts';
import { DropNames } from './names.ts';
import { Drop, readDrop } from './record.ts';

/**
 * Which packets were dropped, why, where in the kernel and by whose traffic. The program beside this file sends a
 * record for each skb:kfree_skb; here its options become constants of the program, and its records rows and pages.
 */
const levels: readonly Level[] = [
  { key: 'reason', title: 'Reason' },
  { key: 'location', title: 'Location' },
  { key: 'flow', title: 'Flow' },
];

const columns: readonly Column[] = [
  { key: 'time', title: 'TIME', align: 'right', width: 12, priority: 90 },
  { key: 'cpu', title: 'CPU', align: 'right', width: 3, priority: 30 },
  { key: 'task', title: 'TASK', align: 'left', width: 18, priority: 50 },
  { key: 'device', title: 'DEVICE', align: 'left', width: 8, priority: 45 },
  { key: 'protocol', title: 'PROTO', align: 'left', width: 6, priority: 70 },
  { key: 'source', title: 'SOURCE', align: 'left', width: 21, priority: 80 },
  { key: 'destination', title: 'DESTINATION', align: 'left', width: 21, priority: 80 },
  { key: 'length', title: 'LENGTH', align: 'right', width: 6, priority: 40 },
  { key: 'flags', title: 'FLAGS', align: 'left', width: 8, priority: 35 },
  { key: 'reason', title: 'REASON', align: 'left', width: 22, priority: 85 },
  { key: 'location', title: 'LOCATION', align: 'left', width: 34, priority: 75 },
];

/** Bytes of sizeof(drop.packet) in the program. */
const mostCaptured = 256;

const tool: Tool = {
  name: 'drop-monitor',
  summary: 'which packets the kernel drops: why, where in its code, and whose',
  arguments: [],
  options: [
    { flags: '--reason <names>', what: 'only these reasons, commas between: NO_SOCKET,TCP_CSUM' },
    { flags: '--device <name>', what: 'only packets at this network device' },
    { flags: '--protocol <name>', what: 'only this IP protocol: tcp, udp, icmp, icmpv6, sctp or a number' },
    { flags: '--port <number>', what: 'only packets from or to this port' },
    { flags: '--pid <pid>', what: 'only while this process was current; in softirq that is whoever it interrupted' },
    { flags: '--snaplen <bytes>', what: `bytes of each packet to keep, at most ${mostCaptured}`, default: '128' },
    { flags: '--no-stack', what: 'keep no kernel stacks' },
  ],
  examples: [
    { command: 'tracebed run drop-monitor', what: 'the dashboard over a bundled recording' },
    {
      command: 'tracebed run drop-monitor --scenario tcp_closed_port --format table',
      what: 'plain lines: who called a closed port',
    },
    {
      command:
        'tracebed run drop-monitor --scenario drop-storm --reason NO_SOCKET,TCP_CSUM --protocol tcp --format json',
      what: 'some TCP drops as JSON lines',
    },
  ],
  scenario: 'malformed',
  start,
};

export default tool;

function start({ kernel, profile, options, ringPages, epoch }: ToolContext): ToolRun {
  const reasons = wantedReasons(profile, options.reason);
  const optional = (value: ToolOptionValue | undefined, read: (text: string) => number): number | false =>
    value === undefined ? false : read(String(value));
  const bpf = new BPF(kernel, {
    srcFile: new URL('drop-monitor.bpf.c', import.meta.url),
    defines: {
      ...deviceConstants(options.device),
      // Linux 6.1 calls no tracepoint for a packet that was merely consumed.
      CONSUMED: profile.dropReasonValue('CONSUMED') ?? false,
      BY_REASON: reasons.length > 0,
      CAPTURE: number(options.snaplen ?? '128', '--snaplen', 0, mostCaptured),
      STACKS: options.stack !== false,
      PROTOCOL: optional(options.protocol, protocolNumber),
      PORT: optional(options.port, (value) => number(value, '--port', 1, 65535)),
      PROCESS: optional(options.pid, (value) => number(value, '--pid', 0, 0x7fffffff)),
    },
  });
  for (const reason of reasons) bpf.table<number, number>('wanted').set(reason, 1);
  const counts = bpf.table<{ location: bigint; reason: number; zero: number }, number>('drops');
  const names = new DropNames(bpf);
  // A record is read where it lies: of a storm's drops few are ever looked at.
  const buffer = bpf.object.perfBuffer('events', {
    pages: ringPages,
    decode: (view, offset) => readDrop(names, view, offset),
    time: (drop) => drop.time,
  });
  let pending: Drop[] = [];
  buffer.records.subscribe((batch) => {
    pending = pending.length === 0 ? [...batch] : pending.concat(batch);
  });
  const view: RecordsView = {
    kind: 'records',
    noun: 'drop',
    levels,
    columns,
    take: () => {
      const taken = pending;
      pending = [];
      return taken;
    },
    detail: (record) => {
      if (!(record.source instanceof Drop)) return [];
      const drop = record.source;
      const key = { location: drop.locationAddress, reason: drop.reasonCode, zero: 0 };
      return detailSections(drop, { count: counts.get(key) ?? 0, epoch });
    },
  };
  return {
    view,
    events: buffer.events,
    drain: () => buffer.poll(),
    get lost() {
      return buffer.lost;
    },
    close: () => bpf.close(),
  };
}

/** An option's whole number. @throws UsageError */
function number(value: ToolOptionValue | undefined, option: string, least: number, most: number): number {
  const parsed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (parsed >= least && parsed <= most) return parsed;
  throw new UsageError(`${option} cannot be '${value}'`, { expected: `a number from ${least} to ${most}` });
}

/** The kernel's numbers of the reasons named, with or without SKB_DROP_REASON_. @throws UsageError for an unknown one */
function wantedReasons(profile: KernelProfile, value: ToolOptionValue | undefined): number[] {
  if (typeof value !== 'string') return [];
  const names = value.split(',').map((name) =>
    name
      .trim()
      .toUpperCase()
      .replace(/^SKB_(DROP_REASON_)?/, ''),
  );
  return names.map((name) => {
    const reason = profile.dropReasonValue(name);
    if (reason !== undefined) return reason;
    throw new UsageError(`Linux ${profile.release} has no drop reason '${name}'`, {
      ...nearestHint(name, reasonNames(profile)),
    });
  });
}

function reasonNames(profile: KernelProfile): string[] {
  const names: string[] = [];
  for (let value = 0; ; value++) {
    const name = profile.dropReasonName(value);
    if (name === undefined) return names;
    names.push(name);
  }
}

function protocolNumber(name: string): number {
  if (/^\d+$/.test(name)) return number(name, '--protocol', 0, 255);
  const known: Readonly<Record<string, number>> = Object.fromEntries(
    Object.entries(ipProtocols).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const found = known[name.toLowerCase()];
  if (found !== undefined) return found;
  throw new UsageError(`there is no IP protocol '${name}'`, {
    expected: 'tcp, udp, icmp, icmpv6, sctp, … or a number',
    ...nearestHint(name.toLowerCase(), Object.keys(known)),
  });
}

/** IFNAMSIZ (include/uapi/linux/if.h), with the NUL. */
const deviceNameSize = 16;

/** A device's name as the two words that net_device.name begins with. */
function deviceConstants(device: ToolOptionValue | undefined): Record<string, string> {
  if (typeof device !== 'string') return {};
  const bytes = new TextEncoder().encode(device);
  if (bytes.length === 0 || bytes.length >= deviceNameSize) {
    throw new UsageError(`no device can be called '${device}'`, { expected: `1 to ${deviceNameSize - 1} bytes` });
  }
  const name = new DataView(new ArrayBuffer(deviceNameSize));
  for (const [index, byte] of bytes.entries()) name.setUint8(index, byte);
  const word = (offset: number): string => `0x${name.getBigUint64(offset, true).toString(16)}ull`;
  return { DEVICE_LOW: word(0), DEVICE_HIGH: word(8) };
}
