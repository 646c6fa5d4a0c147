import { UsageError } from '../base/index.ts';
import type { AttachTarget } from '../sys/index.ts';
import type { PerfCounter, ProgramType } from '../uapi/index.ts';
import type { BpfLink, Target } from './attach.ts';
import { BpfError } from './bpf-error.ts';
import type { BpfObject, BpfProgram } from './bpf-object.ts';
import { KernelNames, type NamePattern } from './kernel-names.ts';
import { counterOf, type PerfEventAttributes, type PerfEventName } from './perf-event.ts';
import { findBinary, userTarget } from './user-symbols.ts';

/**
 * How BCC's BPF class attaches: each call names a point and a function of the text, which is loaded then, as the type
 * of program that the point wants.
 */
export interface KprobeAttach {
  readonly event?: string;
  readonly eventRe?: NamePattern;
  /** Bytes behind the function's begin. */
  readonly eventOff?: number;
  readonly fnName: string;
}

export interface KretprobeAttach {
  readonly event?: string;
  readonly eventRe?: NamePattern;
  readonly fnName: string;
  readonly maxactive?: number;
}

export interface UprobePlace {
  /** A path, or a library's short name, `c` of libc.so.6. */
  readonly name: string;
  readonly sym?: string;
  readonly symRe?: NamePattern;
  readonly symOff?: number;
  /** Instead of a symbol: the place in the file. */
  readonly addr?: number;
  readonly pid?: number;
}

export interface UprobeAttach extends UprobePlace {
  readonly fnName: string;
}

export interface PerfEventAttach extends PerfEventName {
  readonly fnName: string;
  readonly samplePeriod?: number;
  readonly sampleFreq?: number;
  readonly pid?: number;
  /** All CPUs when absent. */
  readonly cpu?: number;
}

export interface PerfEventRawAttach {
  readonly attr: PerfEventAttributes;
  readonly fnName: string;
  readonly pid?: number;
  /** All CPUs when absent. */
  readonly cpu?: number;
}

/** Where a program was attached by its own section: `kfunc__tcp_v4_connect`. */
export interface OwnAttach {
  readonly fnName: string;
}

export abstract class Attachments extends KernelNames {
  abstract readonly object: BpfObject;

  /** @throws BpfError ENOENT for a function that is no program */
  abstract loadFunc(fnName: string, type?: ProgramType): BpfProgram;

  /** Attaches a program at each of the targets, loaded as `type`. @throws BpfError */
  protected attachAt(fnName: string, type: ProgramType, targets: readonly Target[]): BpfLink[] {
    const program = this.loadFunc(fnName, type);
    return targets.flatMap((target) => program.attach(target));
  }

  /** Attaches at each; a pattern's points may refuse, but not all. */
  #attachMatches(fnName: string, type: ProgramType, targets: readonly Target[], what: string): BpfLink[] {
    const program = this.loadFunc(fnName, type);
    const links: BpfLink[] = [];
    for (const target of targets) {
      try {
        links.push(...program.attach(target));
      } catch (fault) {
        if (!(fault instanceof BpfError)) throw fault;
      }
    }
    if (links.length === 0) {
      throw new BpfError('ENOENT', 'attach', `no ${what} can be attached to`, {
        hint: 'tracebed events lists what can be attached',
      });
    }
    return links;
  }

  attachKprobe({ event, eventRe, eventOff, fnName }: KprobeAttach): BpfLink[] {
    if (eventRe !== undefined) {
      const targets = this.getKprobeFunctions(eventRe).map((name): Target => ({ kind: 'kprobe', function: name }));
      return this.#attachMatches(fnName, 'kprobe', targets, `function that matches ${eventRe}`);
    }
    const name = needed(event, 'attachKprobe', 'event or eventRe');
    const offset = eventOff ? { offset: eventOff } : {};
    return this.attachAt(fnName, 'kprobe', [{ kind: 'kprobe', function: name, ...offset }]);
  }

  attachKretprobe({ event, eventRe, fnName, maxactive }: KretprobeAttach): BpfLink[] {
    const active = maxactive ? { maxActive: maxactive } : {};
    if (eventRe !== undefined) {
      const names = this.getKprobeFunctions(eventRe);
      const targets = names.map((name): Target => ({ kind: 'kretprobe', function: name, ...active }));
      return this.#attachMatches(fnName, 'kprobe', targets, `function that matches ${eventRe}`);
    }
    const name = needed(event, 'attachKretprobe', 'event or eventRe');
    return this.attachAt(fnName, 'kprobe', [{ kind: 'kretprobe', function: name, ...active }]);
  }

  attachTracepoint({
    tp,
    tpRe,
    fnName,
  }: {
    readonly tp?: string;
    readonly tpRe?: NamePattern;
    readonly fnName: string;
  }): BpfLink[] {
    if (tpRe !== undefined) {
      const targets = this.getTracepoints(tpRe).map((name): Target => ({ kind: 'tracepoint', name }));
      return this.#attachMatches(fnName, 'tracepoint', targets, `tracepoint that matches ${tpRe}`);
    }
    const name = needed(tp, 'attachTracepoint', 'tp or tpRe');
    return this.attachAt(fnName, 'tracepoint', [{ kind: 'tracepoint', name }]);
  }

  attachRawTracepoint({ tp, fnName }: { readonly tp: string; readonly fnName: string }): BpfLink[] {
    return this.attachAt(fnName, 'raw_tracepoint', [{ kind: 'raw_tracepoint', name: tp }]);
  }

  /** Attaches where the function's name says: `KFUNC_PROBE(vfs_read, …)` is kfunc__vfs_read. */
  attachKfunc({ fnName }: OwnAttach): BpfLink[] {
    return this.loadFunc(prefixed('kfunc__', fnName)).attach();
  }

  attachKretfunc({ fnName }: OwnAttach): BpfLink[] {
    return this.loadFunc(prefixed('kretfunc__', fnName)).attach();
  }

  attachLsm({ fnName }: OwnAttach): BpfLink[] {
    return this.loadFunc(prefixed('lsm__', fnName)).attach();
  }

  /** `KMOD_RET(security_file_open, …)`: a result other than 0 is what the function returns, and it does not run. */
  attachFmodRet({ fnName }: OwnAttach): BpfLink[] {
    return this.loadFunc(prefixed('kmod_ret__', fnName)).attach();
  }

  attachUprobe(options: UprobeAttach): BpfLink[] {
    return this.attachAt(options.fnName, 'kprobe', this.#userTargets('uprobe', options));
  }

  attachUretprobe(options: UprobeAttach): BpfLink[] {
    return this.attachAt(options.fnName, 'kprobe', this.#userTargets('uretprobe', options));
  }

  #userTargets(kind: 'uprobe' | 'uretprobe', options: UprobePlace): AttachTarget[] {
    const { name, sym, symRe, symOff, addr } = options;
    const pid = onlyIn(options.pid);
    if (symRe !== undefined) {
      const addresses = this.getUserAddresses(name, symRe);
      if (addresses.length > 0) {
        const { path } = findBinary(this.kernel, name);
        return addresses.map((address) => ({ kind, binary: path, address, ...pid }));
      }
      throw new BpfError('ENOENT', 'attach', `no function of ${name} matches ${symRe}`);
    }
    if (addr !== undefined) return [{ kind, binary: findBinary(this.kernel, name).path, address: addr, ...pid }];
    const symbol = needed(sym, kind === 'uprobe' ? 'attachUprobe' : 'attachUretprobe', 'sym, symRe or addr');
    return [userTarget(this.kernel, name, symbol, { kind, ...pid, ...(symOff ? { offset: symOff } : {}) })];
  }

  attachPerfEvent(options: PerfEventAttach): BpfLink[] {
    const event = counterOf(options);
    const rate = options.sampleFreq ? { frequency: options.sampleFreq } : { period: options.samplePeriod ?? 0 };
    const pid = onlyIn(options.pid);
    const all = options.cpu === undefined || options.cpu < 0;
    const cpus = all ? Array.from({ length: this.kernel.cpus }, (_, cpu) => cpu) : [options.cpu as number];
    const targets = cpus.map((cpu): Target => ({ kind: 'perf_event', event, cpu, ...rate, ...pid }));
    return this.attachAt(options.fnName, 'perf_event', targets);
  }

  /** The same by a struct perf_event_attr, whose `freq` tells what the number means. */
  attachPerfEventRaw({ attr, ...where }: PerfEventRawAttach): BpfLink[] {
    const { type, config, samplePeriod, sampleFreq, freq = samplePeriod === undefined } = attr;
    const rate = freq
      ? { sampleFreq: sampleFreq ?? samplePeriod ?? 0 }
      : { samplePeriod: samplePeriod ?? sampleFreq ?? 0 };
    return this.attachPerfEvent({ evType: type, evConfig: config, ...rate, ...where });
  }

  /** Detaches from a function; one program of several when it is named. @throws BpfError ENOENT */
  detachKprobe(event: string, fnName?: string): void {
    this.#detach('kprobe', event, fnName);
  }

  detachKretprobe(event: string, fnName?: string): void {
    this.#detach('kretprobe', event, fnName);
  }

  detachTracepoint(tp: string): void {
    this.#detach('tracepoint', tp);
  }

  detachRawTracepoint(tp: string): void {
    this.#detach('raw_tracepoint', tp);
  }

  /** Detaches from the place that was attached to with the same options. @throws BpfError ENOENT */
  detachUprobe(place: UprobePlace): void {
    this.#detachUser('uprobe', place);
  }

  detachUretprobe(place: UprobePlace): void {
    this.#detachUser('uretprobe', place);
  }

  detachKfunc({ fnName }: OwnAttach): void {
    this.#detachProgram(prefixed('kfunc__', fnName));
  }

  detachKretfunc({ fnName }: OwnAttach): void {
    this.#detachProgram(prefixed('kretfunc__', fnName));
  }

  detachLsm({ fnName }: OwnAttach): void {
    this.#detachProgram(prefixed('lsm__', fnName));
  }

  detachFmodRet({ fnName }: OwnAttach): void {
    this.#detachProgram(prefixed('kmod_ret__', fnName));
  }

  #detachProgram(fnName: string): void {
    const links = this.object.links.filter((link) => link.open && link.program === fnName);
    if (links.length === 0) throw new BpfError('ENOENT', 'detach', `program ${fnName} is not attached`);
    for (const link of links) link.close();
  }

  detachPerfEvent(event: PerfCounter | PerfEventName): void {
    this.#detach('perf_event', counterOf(typeof event === 'string' ? { event } : event));
  }

  #detachUser(kind: 'uprobe' | 'uretprobe', place: UprobePlace): void {
    for (const target of this.#userTargets(kind, place)) this.#detach(kind, placeOf(target));
  }

  #detach(kind: AttachTarget['kind'], place: string, fnName?: string): void {
    const links = this.object.links.filter(
      (link) =>
        link.open &&
        link.target.kind === kind &&
        placeOf(link.target) === place &&
        (fnName === undefined || link.program === fnName),
    );
    if (links.length === 0) throw new BpfError('ENOENT', 'detach', `nothing is attached to ${kind} ${place}`);
    for (const link of links) link.close();
  }

  numOpenKprobes(): number {
    return this.#count('kprobe', 'kretprobe');
  }

  numOpenUprobes(): number {
    return this.#count('uprobe', 'uretprobe');
  }

  numOpenTracepoints(): number {
    return this.#count('tracepoint', 'raw_tracepoint');
  }

  #count(...kinds: AttachTarget['kind'][]): number {
    return this.object.links.filter((link) => link.open && kinds.includes(link.target.kind)).length;
  }
}

/** A function's name with what says where it belongs, which may be left out. */
function prefixed(prefix: string, fnName: string): string {
  return fnName.startsWith(prefix) ? fnName : prefix + fnName;
}

/** Every process for none, and for -1, as perf_event_open(2) has it. */
function onlyIn(pid: number | undefined): { readonly pid?: number } {
  return pid === undefined || pid < 0 ? {} : { pid };
}

function needed(value: string | undefined, method: string, expected: string): string {
  if (value !== undefined && value !== '') return value;
  throw new UsageError(`${method} is not told where`, { expected });
}

function placeOf(target: AttachTarget): string {
  switch (target.kind) {
    case 'uprobe':
    case 'uretprobe':
      return `${target.binary}:${target.address}${target.pid === undefined ? '' : ` of process ${target.pid}`}`;
    case 'perf_event':
      return target.event;
    case 'xdp':
      return String(target.ifindex);
    case 'tc':
      return `${target.direction} ${target.ifindex}`;
    case 'socket':
      return String(target.socket);
    default:
      return 'name' in target ? target.name : target.function;
  }
}
