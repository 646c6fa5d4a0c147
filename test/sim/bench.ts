import { viewOf } from '../../src/base/index.ts';
import { BtfBuilder, type KernelProfile, loadProfile, readBtf } from '../../src/btf/index.ts';
import type { FunctionEntry, FunctionExit, KernelEvent, Task, TracepointEvent } from '../../src/events/index.ts';
import { assemble } from '../../src/isa/index.ts';
import { type BootOptions, boot, type OpenMachine } from '../../src/sim/index.ts';
import type { AttachTarget, Fd, MapCreate, ProgramLoad } from '../../src/sys/index.ts';
import { helperByName, mapFlags, type ProgramType } from '../../src/uapi/index.ts';
import type { Engine } from '../../src/vm/index.ts';

/** A machine, and short ways to put programs and events on it. */
export const profile: KernelProfile = loadProfile('6.18');

export const bash: Task = { pid: 4243, tgid: 4242, comm: 'bash', uid: 1000, gid: 100 };

export class Bench implements Disposable {
  readonly machine: OpenMachine;
  readonly #texts = new Set<Fd>();

  constructor(engine: Engine, options: Partial<BootOptions> = {}) {
    this.machine = boot({ profile, cpus: 2, memory: 16 << 20, engine, ...options });
  }

  map(attributes: Partial<MapCreate> & Pick<MapCreate, 'type'>): Fd {
    return this.machine.mapCreate({ keySize: 4, valueSize: 8, maxEntries: 16, name: 'map', ...attributes });
  }

  /** Assembly text with maps by name: `r1 = NAME ll`. */
  load(
    type: ProgramType,
    text: string,
    maps: Record<string, Fd> = {},
    license = 'GPL',
    more: Partial<ProgramLoad> = {},
  ): Fd {
    const code = this.code(text, maps);
    return this.machine.programLoad({ type, code, license, name: 'test', ...callbacksOf(code), ...more });
  }

  /** A map that holds a text which nothing can change; where a program names it, it gets the text's address. */
  text(text: string): Fd {
    const bytes = new TextEncoder().encode(`${text}\0`);
    const flags = mapFlags.readOnlyProgram;
    const map = this.map({ type: 'array', valueSize: bytes.length, maxEntries: 1, flags });
    this.machine.mapUpdate(map, u32Bytes(0), bytes);
    this.machine.mapFreeze(map);
    this.#texts.add(map);
    return map;
  }

  /** What the text says, with the fds of its maps. */
  code(text: string, maps: Record<string, Fd> = {}): Uint8Array {
    const { code, relocations } = assemble(text, { helper: (name) => helperByName(name)?.id });
    for (const { slot, map } of relocations) {
      const fd = maps[map] ?? -1;
      code[slot * 8 + 1] = (code[slot * 8 + 1]! & 0xf) | (this.#texts.has(fd) ? 0x20 : 0x10);
      viewOf(code).setInt32(slot * 8 + 4, fd, true);
    }
    return code;
  }

  attach(target: AttachTarget, text: string, maps: Record<string, Fd> = {}): Fd {
    return this.machine.attach(this.load(typeOf(target), text, maps), target);
  }

  /** A tracing program, loaded for the point that it is attached to. */
  trace(target: AttachTarget & { kind: 'fentry' | 'fexit' | 'raw_tracepoint' }, text: string, maps = {}): Fd {
    const { btf } = this.machine.profile;
    const raw = target.kind === 'raw_tracepoint';
    const id = raw ? btf.find('typedef', `btf_trace_${target.name}`) : btf.find('function', target.function);
    const type = raw ? 'trace_raw_tp' : target.kind === 'fentry' ? 'trace_fentry' : 'trace_fexit';
    const program = this.load('tracing', text, maps, 'GPL', { expectedAttachType: type, attachBtfId: id ?? 0 });
    return this.machine.attach(program, target);
  }

  entry(name: string, args: FunctionEntry['args'] = {}, more: Partial<FunctionEntry> = {}): void {
    this.machine.fire({ ...this.#moment(), kind: 'entry', function: name, args, ...more });
  }

  exit(name: string, returns: number | bigint = 0, more: Partial<FunctionExit> = {}): void {
    this.machine.fire({ ...this.#moment(), kind: 'exit', function: name, returns, ...more });
  }

  tracepoint(name: string, fields: TracepointEvent['fields'] = {}, more: Partial<TracepointEvent> = {}): void {
    this.machine.fire({ ...this.#moment(), kind: 'tracepoint', name, fields, ...more });
  }

  fire(event: Omit<KernelEvent, 'time' | 'cpu' | 'task' | 'stack'> & Partial<KernelEvent>): void {
    this.machine.fire({ ...this.#moment(), ...event } as KernelEvent);
  }

  /** The u64 at a byte offset of element `index` of an array. */
  u64(map: Fd, index = 0, offset = 0): bigint {
    return viewOf(this.machine.mapLookup(map, u32Bytes(index))).getBigUint64(offset, true);
  }

  bytes(map: Fd, index = 0): Uint8Array {
    return this.machine.mapLookup(map, u32Bytes(index));
  }

  [Symbol.dispose](): void {
    this.machine[Symbol.dispose]();
  }

  #moment(): { time: number; cpu: number; task: Task; stack: string[] } {
    return { time: this.machine.clock(), cpu: 0, task: bash, stack: [] };
  }
}

/** The types that the kernel wants of functions which a helper calls back: static, of no further interest. */
function callbacksOf(code: Uint8Array): Pick<ProgramLoad, 'btf' | 'functions'> {
  const slots: number[] = [];
  const view = viewOf(code);
  for (let at = 0; at < code.length; at += 8) {
    if (code[at] === 0x18 && code[at + 1]! >>> 4 === 4) slots.push(at / 8 + 1 + view.getInt32(at + 4, true));
  }
  if (slots.length === 0) return {};
  const builder = new BtfBuilder();
  const type = builder.function('callback', builder.int('int', 4, { signed: true }), []);
  const bytes = builder.encode();
  const functions = [...new Set(slots)].map((slot) => ({ slot, name: 'callback', type }));
  return { btf: Object.assign(readBtf(bytes), { bytes }), functions };
}

/** The type of program that a target takes. */
function typeOf({ kind }: AttachTarget): ProgramType {
  return kind === 'tracepoint' || kind === 'raw_tracepoint' || kind === 'perf_event' ? kind : 'kprobe';
}

export function u32Bytes(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

export function u64Bytes(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}

/** Leaves the pointer to element 0 of map `out` in r7, the context in r6; ends when there is none. */
export const openOutput = `
  r6 = r1
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = out ll
  call bpf_map_lookup_elem
  if r0 == 0 goto done
  r7 = r0
`;
export const end = `
done:
  r0 = 0
  exit
`;
/** A program that stores what `body` leaves in r0 in element 0 of the array `out`; the context is in r6. */
export function storing(body: string): string {
  return `${openOutput}${body}\n  *(u64 *)(r7 + 0) = r0\n${end}`;
}
