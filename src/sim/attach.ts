import { assertNever, InputError, SysError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { Memory } from '../memory/index.ts';
import type { AttachTarget, Fd, LinkInfo } from '../sys/index.ts';
import type { ProgramType } from '../uapi/index.ts';
import { defaultMaxActive } from './calls.ts';
import type { FdTable } from './fds.ts';
import { FunctionPoint, LinkResource, TracepointPoint } from './points.ts';
import type { ProgramResource } from './programs.ts';
import { RecordContext } from './records.ts';
import { FunctionContext } from './registers.ts';
import type { Stacks } from './stacks.ts';
import { nearestHint, type SymbolTable } from './symbols.ts';
import type { Values } from './values.ts';

/** What the writers of contexts work with. */
export interface ContextParts {
  readonly profile: KernelProfile;
  readonly memory: Memory;
  readonly symbols: SymbolTable;
  readonly values: Values;
  readonly stacks: Stacks;
}

const op = 'attach';
/** KRETPROBE_MAXACTIVE_MAX (kernel/trace/trace_kprobe.c) */
const mostActive = 4096;

/** All attach points that events or programs have named, and the links on them. */
export class AttachPoints {
  readonly #parts: ContextParts;
  readonly #fds: FdTable;
  readonly #cpus: number;
  readonly #functions = new Map<string, FunctionPoint>();
  readonly #tracepoints = new Map<string, TracepointPoint>();

  constructor(parts: ContextParts, fds: FdTable, cpus: number) {
    this.#parts = parts;
    this.#fds = fds;
    this.#cpus = cpus;
  }

  /** The point of a function. @throws InputError when this kernel has none of the name */
  function(name: string): FunctionPoint {
    return this.#functions.get(name) ?? this.#newFunction(name);
  }

  /** The point of a tracepoint. @throws InputError when this kernel has none of the name */
  tracepoint(name: string): TracepointPoint {
    return this.#tracepoints.get(name) ?? this.#newTracepoint(name);
  }

  /** The point of a tracepoint that something has named, or undefined. */
  findTracepoint(name: string): TracepointPoint | undefined {
    return this.#tracepoints.get(name);
  }

  #newFunction(name: string): FunctionPoint {
    const { btf } = this.#parts.profile;
    if (!btf.functionPrototype(name)) {
      throw new InputError(`this kernel has no function '${name}'`, nearestHint(name, btf.functionNames()));
    }
    const point = new FunctionPoint(name);
    this.#functions.set(name, point);
    return point;
  }

  #newTracepoint(name: string): TracepointPoint {
    const { profile } = this.#parts;
    if (!profile.tracepoint(name)) {
      throw new InputError(`this kernel has no tracepoint '${name}'`, nearestHint(name, profile.tracepointNames()));
    }
    const point = new TracepointPoint(name);
    this.#tracepoints.set(name, point);
    return point;
  }

  /** @throws SysError ENOENT for an unknown point, EINVAL for a program of another type, EBADF */
  attach(fd: Fd, target: AttachTarget): Fd {
    const program = this.#fds.get<ProgramResource>(fd, 'program', op);
    const wanted: ProgramType = target.kind === 'tracepoint' ? 'tracepoint' : 'kprobe';
    if (program.type !== wanted) {
      throw new SysError('EINVAL', op, `a ${program.type} program cannot attach to a ${target.kind}`, {
        expected: `a ${wanted} program`,
      });
    }
    const maxActive = target.kind === 'kretprobe' ? this.#maxActive(target.maxActive ?? 0) : 0;
    return this.#fds.open(new LinkResource(target, program, this.#links(target), maxActive));
  }

  /** The list of links that a target means. Makes the writer of its context. */
  #links(target: AttachTarget): LinkResource[] {
    switch (target.kind) {
      case 'kprobe':
        if ((target.offset ?? 0) !== 0) {
          throw new SysError(
            'EINVAL',
            op,
            `${target.function}+${target.offset}: events tell only of entries and exits`,
            {
              hint: 'attach without an offset',
            },
          );
        }
        return this.#prepareFunction(target.function).entries;
      case 'kretprobe':
        return this.#prepareFunction(target.function).exits;
      case 'tracepoint':
        return this.#prepareTracepoint(target.name).links;
      default:
        return assertNever(target);
    }
  }

  #prepareFunction(name: string): FunctionPoint {
    const point = orNoEntry(() => this.function(name));
    const { profile, symbols, memory, values, stacks } = this.#parts;
    point.context ??= new FunctionContext(profile, symbols, memory, values, stacks, name);
    return point;
  }

  #prepareTracepoint(name: string): TracepointPoint {
    const point = orNoEntry(() => this.tracepoint(name));
    const { profile, memory, values } = this.#parts;
    const format = profile.tracepoint(name);
    if (format) point.context ??= new RecordContext(profile, memory, values, format);
    return point;
  }

  #maxActive(wanted: number): number {
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > mostActive) {
      throw new SysError('EINVAL', op, `maxActive ${wanted}`, { expected: `0 to ${mostActive}` });
    }
    return wanted === 0 ? defaultMaxActive(this.#cpus) : wanted;
  }

  /** @throws SysError EBADF */
  info(fd: Fd): LinkInfo {
    const { target, hits, missed } = this.#fds.get<LinkResource>(fd, 'link', 'link_info');
    return { target, hits, missed };
  }
}

/** An unknown name is ENOENT to who attaches. */
function orNoEntry<T>(find: () => T): T {
  try {
    return find();
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    throw new SysError('ENOENT', op, fault.message, fault.hint === undefined ? {} : { hint: fault.hint });
  }
}
