import { nearestHint, type Position } from '../base/index.ts';
import type { SectionTarget } from '../object/index.ts';
import type { AttachTarget, Fd, Kernel, LinkInfo } from '../sys/index.ts';
import { BpfError, request } from './bpf-error.ts';
import { HeldFd } from './held-fd.ts';
import { isPattern, matcher } from './pattern.ts';
import { usdtTargets, userTarget } from './user-symbols.ts';

/** One program at one point, attached as long as it is open. */
export class BpfLink extends HeldFd {
  readonly target: AttachTarget;
  /** The program's name. */
  readonly program: string;

  constructor(kernel: Kernel, fd: Fd, target: AttachTarget, program: string) {
    super(kernel, fd);
    this.target = target;
    this.program = program;
  }

  info(): LinkInfo {
    return this.kernel.linkInfo(this.fd);
  }
}

/** What a target may be said with: a point of the kernel, or what a section says. */
export type Target = SectionTarget | AttachTarget;

/**
 * The points that a target means: itself, every one that its pattern matches, in the kernel's order, or the places of
 * a function or probe in a binary.
 * @throws BpfError ENOENT when a pattern matches none, or a binary has no such function or probe
 */
export function expandTarget(kernel: Kernel, target: Target): AttachTarget[] {
  switch (target.kind) {
    case 'kprobe':
    case 'kretprobe':
      return expandNames(target.function, kernel.functions(), 'function', (name) => ({ ...target, function: name }));
    case 'tracepoint':
      return expandNames(target.name, kernel.tracepoints(), 'tracepoint', (name) => ({ ...target, name }));
    case 'uprobe':
    case 'uretprobe':
      if ('address' in target) return [target];
      return [userTarget(kernel, target.binary, target.function, { kind: target.kind })];
    case 'usdt':
      return usdtTargets(kernel, target.binary, target.provider, target.probe);
    default:
      return [target];
  }
}

function expandNames(
  pattern: string,
  names: Iterable<string>,
  what: string,
  point: (name: string) => AttachTarget,
): AttachTarget[] {
  if (!isPattern(pattern)) return [point(pattern)];
  const matches = matcher(pattern);
  const points: AttachTarget[] = [];
  for (const name of names) if (matches(name)) points.push(point(name));
  if (points.length === 0) {
    throw new BpfError('ENOENT', 'attach', `no ${what} matches '${pattern}'`, {
      hint: `tracebed events '${pattern}' lists what can be attached`,
    });
  }
  return points;
}

/** `kprobe tcp_v4_connect`, `tracepoint skb:kfree_skb`, `uprobe /usr/bin/bash+0x1000`. */
export function formatTarget(target: AttachTarget): string {
  return targetText(target, (ifindex) => `device ${ifindex}`);
}

function targetText(target: AttachTarget, nameOf: (ifindex: number) => string): string {
  switch (target.kind) {
    case 'tracepoint':
    case 'raw_tracepoint':
      return `${target.kind} ${target.name}`;
    case 'uprobe':
    case 'uretprobe':
      return `${target.kind} ${target.binary}+0x${target.address.toString(16)}`;
    case 'perf_event':
      return `perf_event ${target.event} on CPU ${target.cpu}`;
    case 'xdp':
      return `XDP of ${nameOf(target.ifindex)}`;
    case 'tc':
      return `tc ${target.direction} of ${nameOf(target.ifindex)}`;
    case 'socket':
      return `socket ${target.socket}`;
    default: {
      const offset = target.kind === 'kprobe' && target.offset ? `+0x${target.offset.toString(16)}` : '';
      return `${target.kind} ${target.function}${offset}`;
    }
  }
}

/**
 * Attaches to every point of a target; when one refuses, none stays.
 * @param at where a source names the target
 * @throws BpfError
 */
export function attachAll(kernel: Kernel, program: { fd: Fd; name: string }, target: Target, at?: Position): BpfLink[] {
  const links: BpfLink[] = [];
  try {
    for (const point of expandTarget(kernel, target)) {
      const fd = request(
        'attach',
        `cannot attach to ${targetText(point, (ifindex) => deviceName(kernel, ifindex))}`,
        () => kernel.attach(program.fd, point),
        () => ({ ...(at ? { at } : {}), ...nearPoints(kernel, point) }),
      );
      links.push(new BpfLink(kernel, fd, point, program.name));
    }
  } catch (fault) {
    for (const link of links) link.close();
    throw fault;
  }
  return links;
}

function deviceName(kernel: Kernel, ifindex: number): string {
  return kernel.devices().find((device) => device.ifindex === ifindex)?.name ?? `device ${ifindex}`;
}

/** A hint with the nearest names, where the name of the point is unknown. */
function nearPoints(kernel: Kernel, target: AttachTarget): { hint?: string } {
  const [typed, known] = namesOf(kernel, target);
  const names = [...known];
  if (names.includes(typed)) return {};
  return nearestHint(typed, names);
}

/** The name that a target gives, and those that there are. */
function namesOf(kernel: Kernel, target: AttachTarget): [string, Iterable<string>] {
  switch (target.kind) {
    case 'tracepoint':
      return [target.name, kernel.tracepoints()];
    case 'raw_tracepoint':
      return [target.name, kernel.rawTracepoints()];
    case 'uprobe':
    case 'uretprobe':
      return [target.binary, kernel.binaries()];
    case 'perf_event':
    case 'xdp':
    case 'tc':
    case 'socket':
      return ['', ['']];
    default:
      return [target.function, kernel.functions()];
  }
}
