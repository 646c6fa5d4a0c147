import { nearest } from '../base/index.ts';
import type { SectionTarget } from '../object/index.ts';
import type { AttachTarget, Fd, Kernel, LinkInfo } from '../sys/index.ts';
import { BpfError, request } from './bpf-error.ts';
import { isPattern, matcher } from './pattern.ts';

/** One program at one point. Closing it detaches. */
export class BpfLink implements Disposable {
  readonly target: AttachTarget;
  readonly fd: Fd;
  readonly #kernel: Kernel;
  #open = true;

  constructor(kernel: Kernel, fd: Fd, target: AttachTarget) {
    this.#kernel = kernel;
    this.fd = fd;
    this.target = target;
  }

  info(): LinkInfo {
    return this.#kernel.linkInfo(this.fd);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#kernel.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The points that a target means: itself, or every one that its pattern matches, in the kernel's order.
 * @throws BpfError ENOENT when a pattern matches none
 */
export function expandTarget(kernel: Kernel, target: SectionTarget | AttachTarget): AttachTarget[] {
  const pattern = target.kind === 'tracepoint' ? target.name : target.function;
  if (!isPattern(pattern)) return [target];
  const matches = matcher(pattern);
  const points: AttachTarget[] = [];
  if (target.kind === 'tracepoint') {
    for (const name of kernel.tracepoints()) if (matches(name)) points.push({ ...target, name });
  } else {
    for (const name of kernel.functions()) if (matches(name)) points.push({ ...target, function: name });
  }
  if (points.length === 0) {
    const what = target.kind === 'tracepoint' ? 'tracepoint' : 'function';
    throw new BpfError('ENOENT', 'attach', `no ${what} matches '${pattern}'`, {
      hint: `tracebed events '${pattern}' lists what can be attached`,
    });
  }
  return points;
}

/** `kprobe tcp_v4_connect`, `tracepoint skb:kfree_skb`. */
export function formatTarget(target: AttachTarget): string {
  if (target.kind === 'tracepoint') return `tracepoint ${target.name}`;
  const offset = target.kind === 'kprobe' && target.offset ? `+0x${target.offset.toString(16)}` : '';
  return `${target.kind} ${target.function}${offset}`;
}

/** Attaches to every point of a target; when one refuses, none stays. @throws BpfError */
export function attachAll(kernel: Kernel, program: Fd, target: SectionTarget | AttachTarget): BpfLink[] {
  const links: BpfLink[] = [];
  try {
    for (const point of expandTarget(kernel, target)) {
      const fd = request(
        'attach',
        `cannot attach to ${formatTarget(point)}`,
        () => kernel.attach(program, point),
        () => nearPoints(kernel, point),
      );
      links.push(new BpfLink(kernel, fd, point));
    }
  } catch (fault) {
    for (const link of links) link.close();
    throw fault;
  }
  return links;
}

/** A hint with the nearest names, where the name of the point is unknown. */
function nearPoints(kernel: Kernel, target: AttachTarget): { hint?: string } {
  const [typed, known] =
    target.kind === 'tracepoint' ? [target.name, kernel.tracepoints()] : [target.function, kernel.functions()];
  const names = [...known];
  if (names.includes(typed)) return {};
  const near = nearest(typed, names);
  return near.length > 0 ? { hint: `did you mean ${near.join(' or ')}?` } : {};
}
