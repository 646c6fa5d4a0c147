import { formatDuration, toHex } from '../base/index.ts';
import {
  type Argument,
  type Arguments,
  decodePacket,
  flowOf,
  formatEndpoint,
  formatFlow,
  type KernelEvent,
  type KernelObject,
  type NetDevice,
  type SkBuff,
  type UserMemory,
} from '../events/index.ts';

/**
 * An event as a line for people, in the order of a trace: time in virtual seconds, CPU, task, what happened with its
 * values. The stack is left to `stackLines`.
 */
export function eventLine(event: KernelEvent): string {
  const time = (event.time / 1e9).toFixed(9).padStart(15);
  const cpu = String(event.cpu).padStart(3, '0');
  const task = `${event.task.comm}-${event.task.pid}`.padEnd(20);
  return `${time} [${cpu}] ${task} ${happening(event)}`;
}

/** The frames of an event's stack, innermost first, indented. */
export function stackLines(event: KernelEvent): string[] {
  return [...event.stack, ...(event.userStack ?? [])].map((frame) => `${' '.repeat(22)}${frame}`);
}

function happening(event: KernelEvent): string {
  switch (event.kind) {
    case 'entry':
      return `${event.function}(${argumentList(event.args, ', ')})`;
    case 'exit':
      return `${event.function} returns ${argumentText(event.returns)}`;
    case 'tracepoint':
      return `${event.name}: ${argumentList(event.fields, ' ')}`.trimEnd();
    case 'rawTracepoint':
      return `${event.name}(${argumentList(event.args, ', ')})`;
    case 'userEntry':
      return `${event.binary}:${event.function}(${event.args.map(argumentText).join(', ')})`;
    case 'userExit':
      return `${event.binary}:${event.function} returns ${argumentText(event.returns)}`;
    case 'userMarker':
      return `${event.binary}:${event.provider}:${event.probe}(${event.args.map(argumentText).join(', ')})`;
    case 'activity':
      return `runs for ${formatDuration(event.duration)}`;
    case 'change':
      return `changes ${objectText(event.object)}`;
    case 'packet': {
      const flow = flowOf(decodePacket(event.data, { link: linkOf(event.device) }));
      const what = flow === undefined ? `${event.data.length} bytes` : formatFlow(flow);
      return `${event.direction === 'receive' ? 'receives on' : 'sends on'} ${event.device.name}: ${what}`;
    }
  }
}

function linkOf({ type = 1 }: NetDevice): 'ethernet' | 'none' {
  return type === 1 || type === 772 ? 'ethernet' : 'none';
}

function argumentList(args: Arguments, separator: string): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${argumentText(value)}`)
    .join(separator);
}

function argumentText(value: Argument): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return `{${toHex(value)}}`;
  return 'symbol' in value ? value.symbol : objectText(value);
}

function objectText(value: KernelObject): string {
  switch (value.object) {
    case 'sk_buff':
      return `sk_buff{${skBuffText(value)}}`;
    case 'sock':
      return `sock{${formatEndpoint(value.saddr, value.sport)} ${formatEndpoint(value.daddr, value.dport)}}`;
    case 'net_device':
      return `net_device{${value.name}}`;
    case 'user':
      return userText(value.content);
    case 'struct':
      return `${value.type}{${argumentList(value.fields, ' ')}}`;
    case 'task':
      return `${value.task.comm}-${value.task.pid}`;
  }
}

function userText(content: UserMemory['content']): string {
  if (typeof content === 'string') return JSON.stringify(content);
  if (content instanceof Uint8Array) return `user{${toHex(content)}}`;
  return `[${content.map(argumentText).join(', ')}]`;
}

/** Flow, length and device of a packet, or what is known of why its bytes are not there. */
function skBuffText(skb: SkBuff): string {
  const parts: string[] = [];
  const flow = skb.data === null ? undefined : flowOf(layersOf(skb, skb.data));
  if (flow) parts.push(formatFlow(flow));
  parts.push(`len=${skb.length}`);
  if (skb.dev) parts.push(`dev=${skb.dev.name}`);
  if (skb.missing !== undefined) parts.push(`(${skb.missing})`);
  return parts.join(' ');
}

function layersOf(skb: SkBuff, data: Uint8Array): ReturnType<typeof decodePacket> {
  if (skb.mac >= 0) return decodePacket(data.subarray(skb.mac), { link: 'ethernet' });
  return decodePacket(data.subarray(Math.max(0, skb.network)), { link: 'none', etherType: skb.protocol });
}
