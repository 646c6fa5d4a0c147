import { nearestHint, type Position, SysError, viewOf } from '../base/index.ts';
import {
  loadedFor,
  type MapSpec,
  type ObjectBtf,
  type ObjectSpec,
  type ProgramSpec,
  parseSection,
  targetId,
} from '../object/index.ts';
import type { Fd, Kernel, ProgramLoad } from '../sys/index.ts';
import { mapFlags, type ProgramType } from '../uapi/index.ts';
import { attachAll, type BpfLink, type Target } from './attach.ts';
import { BpfError, request } from './bpf-error.ts';
import { type Codec, encoded, u32Codec } from './codec.ts';
import { type LoadedMap, MapTable } from './map-table.ts';
import { PerfBuffer, type PerfBufferOptions } from './perf-buffer.ts';
import { loadOrExplain } from './refusal.ts';
import { RingBuffer, type RingBufferOptions } from './ring-buffer.ts';

/**
 * An object in a kernel: its maps made, its programs loaded. Whoever loads it owns it; closing it detaches the programs
 * and lets the maps go, in the order that a process does when it ends.
 */
export interface LoadOptions {
  /** Other entries for maps, by name: what a user's option asks for. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Loads a program when `load` first asks for it, as BCC does: then it may say what type it is loaded as. */
  readonly lazy?: boolean;
  /** Maps that the object's programs name and do not declare: extern tables. They stay their owner's. */
  readonly shared?: ReadonlyMap<string, LoadedMap>;
}

/** A program that is loaded. */
export class BpfProgram {
  readonly spec: ProgramSpec;
  readonly fd: Fd;
  readonly #kernel: Kernel;
  readonly #links: BpfLink[];

  constructor(kernel: Kernel, fd: Fd, spec: ProgramSpec, links: BpfLink[]) {
    this.#kernel = kernel;
    this.fd = fd;
    this.spec = spec;
    this.#links = links;
  }

  /**
   * Attaches where its section says, or to the target given; a pattern attaches to all that match.
   * @param at where the target is named, when the program's source does it
   * @throws BpfError ENOENT for a function or tracepoint that is not there, with the nearest names
   */
  attach(target?: Target, at: Position | undefined = target ? undefined : this.spec.at): BpfLink[] {
    const place = target ?? parseSection(this.spec.section).target;
    if (!place) {
      throw new BpfError('EINVAL', 'attach', `program ${this.spec.name} does not say where it attaches`, {
        hint: `its section is "${this.spec.section}": name a target`,
      });
    }
    const links = attachAll(this.#kernel, { fd: this.fd, name: this.spec.name }, place, at);
    this.#links.push(...links);
    return links;
  }
}

export class BpfObject implements Disposable {
  readonly spec: ObjectSpec;
  readonly kernel: Kernel;
  readonly maps: ReadonlyMap<string, LoadedMap>;
  readonly #programs = new Map<string, BpfProgram>();
  /** Its maps and the shared ones. */
  readonly #known = new Map<string, LoadedMap>();
  readonly #links: BpfLink[] = [];
  readonly #buffers: Disposable[] = [];
  #open = true;

  constructor(kernel: Kernel, spec: ObjectSpec, options: LoadOptions) {
    this.kernel = kernel;
    this.spec = spec;
    const maps = new Map<string, LoadedMap>();
    this.maps = maps;
    try {
      for (const map of innerFirst(spec.maps)) maps.set(map.name, createMap(kernel, map, options, maps, spec.btf));
      for (const map of spec.maps) if (map.innerMap !== undefined) this.#fill(map, (name) => this.maps.get(name)?.fd);
      for (const [name, map] of options.shared ?? []) if (!maps.has(name)) this.#known.set(name, map);
      for (const [name, map] of maps) this.#known.set(name, map);
      if (!options.lazy) for (const program of spec.programs) this.load(program.name);
      for (const map of spec.maps) if (map.type === 'prog_array') this.#fill(map, (name) => this.#filler(name));
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /** Puts into a map's slots what it holds at the start. */
  #fill({ name, holds = [], at }: MapSpec, descriptorOf: (name: string) => Fd | undefined): void {
    const map = this.maps.get(name);
    for (const { slot, name: held } of map ? holds : []) {
      const value = descriptorOf(held) ?? missing('map or program', held, this.maps.keys(), at);
      const update = (): void =>
        this.kernel.mapUpdate((map as LoadedMap).fd, encoded(u32Codec, slot), encoded(u32Codec, value));
      request('map update', `cannot put ${held} into map ${name}`, update);
    }
  }

  /** A program that a slot holds; it is loaded for that where programs are loaded when they are asked for. */
  #filler(name: string): Fd | undefined {
    return this.spec.programs.some((one) => one.name === name) ? this.load(name).fd : undefined;
  }

  /** What is attached, in order. */
  get links(): readonly BpfLink[] {
    return this.#links;
  }

  /** Those that are loaded. */
  get programs(): ReadonlyMap<string, BpfProgram> {
    return this.#programs;
  }

  program(name: string): BpfProgram {
    return this.programs.get(name) ?? missing('program', name, this.programs.keys());
  }

  /**
   * The program of that name, loaded now unless it was before.
   * @param type what it is loaded as; its own type when absent
   * @throws BpfError when the kernel refuses it, or EINVAL when it was loaded as another type
   */
  load(name: string, type?: ProgramType): BpfProgram {
    const known = this.#programs.get(name);
    if (known) {
      if (type === undefined || known.spec.type === type) return known;
      throw new BpfError('EINVAL', 'program load', `program ${name} was loaded as ${known.spec.type}, not ${type}`);
    }
    const found = this.spec.programs.find((one) => one.name === name);
    if (!found) {
      return missing(
        'program',
        name,
        this.spec.programs.map((one) => one.name),
      );
    }
    const spec = type === undefined || type === found.type ? found : { ...found, type };
    const fd = loadProgram(this.kernel, spec, this.spec, this.#known);
    const program = new BpfProgram(this.kernel, fd, spec, this.#links);
    this.#programs.set(name, program);
    return program;
  }

  map(name: string): LoadedMap {
    return this.#known.get(name) ?? missing('map', name, this.#known.keys());
  }

  /** A map's table with the codecs given. The value of a per-CPU map is an array of one for each CPU. */
  table<K, V>(name: string, key: Codec<K>, value: Codec<V>): MapTable<K, V> {
    return new MapTable(this.kernel, this.map(name), key, value);
  }

  /** Opens the rings of a perf event array; closed with the object. */
  perfBuffer<T>(name: string, options: PerfBufferOptions<T>): PerfBuffer<T> {
    const buffer = new PerfBuffer(this.kernel, this.map(name), options);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Opens a BPF ring buffer; closed with the object. */
  openRingBuffer<T>(name: string, options: RingBufferOptions<T>): RingBuffer<T> {
    const buffer = new RingBuffer(this.kernel, this.map(name), options);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Attaches every program where its section says; programs whose section leaves it open are passed over. */
  autoAttach(): readonly BpfLink[] {
    for (const program of this.programs.values()) {
      if (parseSection(program.spec.section).target) program.attach();
    }
    return this.#links;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const link of this.#links) link.close();
    for (const buffer of this.#buffers) buffer[Symbol.dispose]();
    for (const program of this.programs.values()) this.kernel.close(program.fd);
    for (const map of this.maps.values()) this.kernel.close(map.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes the maps and loads the programs of an object. Nothing stays behind when one of them is refused.
 * @throws BpfError with the errno of the kernel; for a program with the verifier's words as hint
 */
export function loadObject(kernel: Kernel, spec: ObjectSpec, options: LoadOptions = {}): BpfObject {
  return new BpfObject(kernel, spec, options);
}

/** Maps of maps after the others, as they are made like one of them. */
function innerFirst(maps: readonly MapSpec[]): MapSpec[] {
  return [...maps.filter((map) => map.innerMap === undefined), ...maps.filter((map) => map.innerMap !== undefined)];
}

/** Makes a map of an object; `made` has those that it may be like. @throws BpfError when the kernel refuses */
export function createMap(
  kernel: Kernel,
  spec: MapSpec,
  options: LoadOptions = {},
  made: ReadonlyMap<string, LoadedMap> = new Map(),
  btf?: ObjectBtf,
): LoadedMap {
  const { name, type, keySize, valueSize, flags, types } = spec;
  const asked = options.maxEntries?.[name] ?? spec.maxEntries;
  // An event for each CPU, when the object leaves the number open (as libbpf does).
  const maxEntries = type === 'perf_event_array' && asked === 0 ? kernel.cpus : asked;
  const inner = spec.innerMap === undefined ? undefined : made.get(spec.innerMap);
  if (spec.innerMap !== undefined && inner === undefined) missing('map', spec.innerMap, made.keys(), spec.at);
  const create = (): Fd =>
    kernel.mapCreate({
      type,
      keySize,
      valueSize,
      maxEntries,
      flags,
      name,
      ...(inner ? { innerMap: inner.fd } : {}),
      ...(btf && types?.value ? { types: { btf, key: types.key ?? 0, value: types.value } } : {}),
    });
  const { pinPath } = spec;
  const fd = request(
    'map create',
    `cannot make map ${name}`,
    () => (pinPath === undefined ? create() : pinned(kernel, pinPath, create)),
    () => (spec.at ? { at: spec.at } : {}),
  );
  if (spec.contents) putContents(kernel, fd, spec, spec.contents);
  return { fd, spec };
}

/** The map at a path; made and pinned there when there is none. */
function pinned(kernel: Kernel, path: string, create: () => Fd): Fd {
  try {
    return kernel.objectGet(path);
  } catch (fault) {
    if (!(fault instanceof SysError) || fault.errno !== 'ENOENT') throw fault;
  }
  const fd = create();
  try {
    kernel.objectPin(fd, path);
  } catch (fault) {
    kernel.close(fd);
    throw fault;
  }
  return fd;
}

/** A section of the program's data; one that programs only read is frozen, so that nobody can change it (as libbpf). */
function putContents(kernel: Kernel, fd: Fd, spec: MapSpec, contents: Uint8Array): void {
  request('map update', `cannot fill map ${spec.name}`, () => kernel.mapUpdate(fd, new Uint8Array(4), contents));
  if ((spec.flags & mapFlags.readOnlyProgram) === 0) return;
  request('map freeze', `cannot freeze map ${spec.name}`, () => kernel.mapFreeze(fd));
}

function loadProgram(
  kernel: Kernel,
  spec: ProgramSpec,
  { license, btf }: ObjectSpec,
  maps: ReadonlyMap<string, LoadedMap>,
): Fd {
  return loadOrExplain(kernel, {
    type: spec.type,
    code: linkMaps(spec, maps),
    license,
    name: spec.name,
    lines: spec.lines,
    ...(btf === undefined ? {} : { btf }),
    ...(spec.functions === undefined ? {} : { functions: spec.functions }),
    ...(spec.type === 'tracing' || spec.type === 'lsm' ? attachment(kernel, spec) : {}),
  });
}

/** What a tracing program is loaded for, as its section says it: by its id in the kernel's BTF. */
function attachment(kernel: Kernel, spec: ProgramSpec): Pick<ProgramLoad, 'expectedAttachType' | 'attachBtfId'> {
  const place = loadedFor(spec.section);
  if (!place) return {};
  const { attachType: expectedAttachType, name } = place;
  const attachBtfId = targetId(place, kernel.profile.btf);
  if (attachBtfId !== undefined) return { expectedAttachType, attachBtfId };
  return expectedAttachType === 'trace_raw_tp'
    ? missing('raw tracepoint', name, kernel.rawTracepoints(), spec.at)
    : missing('function', name, kernel.functions(), spec.at);
}

/** src_reg of an ld_imm64 whose immediate is a map's fd: of the map itself, or of its value (include/uapi/linux/bpf.h). */
const pseudoMapFd = 1;
const pseudoMapValue = 2;

/**
 * The code with the fds of its maps: in each ld_imm64, src_reg (high half of byte 1) and the immediate (byte 4); for a
 * place in a map's value also its offset (byte 12, the second slot's immediate).
 */
export function linkMaps(
  spec: Pick<ProgramSpec, 'code' | 'relocations'>,
  maps: ReadonlyMap<string, LoadedMap>,
): Uint8Array {
  const code = spec.code.slice();
  const view = viewOf(code);
  for (const { slot, map, offset } of spec.relocations) {
    const { fd } = maps.get(map) ?? missing('map', map, maps.keys());
    const at = slot * 8;
    const source = offset === undefined ? pseudoMapFd : pseudoMapValue;
    view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (source << 4));
    view.setInt32(at + 4, fd, true);
    if (offset !== undefined) view.setUint32(at + 12, offset, true);
  }
  return code;
}

function missing(what: string, name: string, names: Iterable<string>, at?: Position): never {
  const owner = what === 'program' || what === 'map' ? 'the object' : 'this kernel';
  throw new BpfError('ENOENT', what, `${owner} has no ${what} '${name}'`, {
    ...(at ? { at } : {}),
    ...nearestHint(name, names),
  });
}
