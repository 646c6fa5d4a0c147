import { InputError, SysError, viewOf } from '../base/index.ts';
import type { Btf, BtfType } from '../btf/index.ts';
import type { Memory } from '../memory/index.ts';
import { kernelSpace } from '../memory/index.ts';
import type { Fd, ProgramLoad } from '../sys/index.ts';
import {
  type AttachType,
  helperAllowed,
  helperById,
  helpers,
  onlyFor,
  type ProgramType,
  programTypes,
} from '../uapi/index.ts';
import type { CallWindow, Engine, Executable, Helper, Host } from '../vm/index.ts';
import { type FdTable, Resource } from './fds.ts';
import type { MapResource } from './map-resource.ts';
import { isErrorInjectable } from './overrides.ts';
import { type TestResult, type TestRun, testRun } from './test-run.ts';

/**
 * BPF_PROG_LOAD: checks what bpf_prog_load checks (kernel/bpf/syscall.c), puts the addresses of maps where the code
 * names their fds, and gives the code to the engine.
 */
const op = 'prog_load';
/** BPF_COMPLEXITY_LIMIT_INSNS, MAX_USED_MAPS */
const mostSlots = 1_000_000;
const mostMaps = 64;
const nameSize = 16;
/** What the typedef of a raw tracepoint's prototype is called in BTF. */
const rawTypePrefix = 'btf_trace_';

/** ld_imm64, and what its source register makes of the immediate (include/uapi/linux/bpf.h: BPF_PSEUDO_*). */
const ldImm64 = 0x18;
const pseudo = { mapFd: 1, mapValue: 2, mapIndex: 5, mapIndexValue: 6 } as const;
const callInstruction = 0x85;

/** Licenses that license_is_gpl_compatible knows (include/linux/license.h). */
const gplLicenses: ReadonlySet<string> = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

/** The one point that a tracing program may be attached to. */
export interface Attachment {
  readonly type: AttachType;
  /** Of a function, or of a raw tracepoint. */
  readonly name: string;
}

type ProgramFacts = Pick<ProgramResource, 'id' | 'name' | 'type' | 'attachment' | 'overrides'>;

export class ProgramResource extends Resource {
  override readonly kind = 'program';
  readonly name: string;
  readonly type: ProgramType;
  readonly executable: Executable;
  readonly id: number;
  /** Of a tracing program: what it was loaded for. */
  readonly attachment: Attachment | undefined;
  /** kprobe_override: it calls override_return. */
  readonly overrides: boolean;
  readonly #maps: readonly MapResource[];
  readonly #forget: (id: number) => void;

  /** @param forget called with the id when nothing holds the program any more */
  constructor(facts: ProgramFacts, executable: Executable, maps: readonly MapResource[], forget: (id: number) => void) {
    super();
    this.id = facts.id;
    this.name = facts.name;
    this.type = facts.type;
    this.attachment = facts.attachment;
    this.overrides = facts.overrides;
    this.executable = executable;
    this.#maps = maps;
    this.#forget = forget;
    for (const map of maps) map.hold();
  }

  protected override release(): void {
    this.#forget(this.id);
    for (const map of this.#maps) map.letGo();
  }
}

export class Programs {
  readonly #fds: FdTable;
  readonly #btf: Btf;
  readonly #engine: Engine;
  readonly #host: Host;
  readonly #helpers: readonly (Helper | undefined)[];
  readonly #byId = new Map<number, ProgramResource>();
  #lastId = 0;

  constructor(
    memory: Memory,
    btf: Btf,
    fds: FdTable,
    engine: Engine,
    window: CallWindow,
    helpers: readonly (Helper | undefined)[],
  ) {
    this.#fds = fds;
    this.#btf = btf;
    this.#engine = engine;
    this.#helpers = helpers;
    this.#host = {
      memory,
      window,
      helper: (id) => helpers[id],
    };
  }

  /** @throws SysError E2BIG, EINVAL, EBADF as Linux */
  load(attributes: ProgramLoad): Fd {
    const attachment =
      attributes.type === 'tracing' || attributes.type === 'lsm' ? this.#attachment(attributes) : undefined;
    const { code, maps, overrides } = this.#linked(attributes);
    // The verifier's place: it judges `code` with its maps here, before the engine sees it.
    const name = (attributes.name ?? '').slice(0, nameSize - 1);
    const executable = this.#make(name, code, this.#host);
    joinArrays(maps, attributes.type);
    const facts = { id: ++this.#lastId, name, type: attributes.type, attachment, overrides };
    const program = new ProgramResource(facts, executable, maps, (id) => this.#byId.delete(id));
    this.#byId.set(program.id, program);
    return this.#fds.open(program);
  }

  /** Runs a program by hand that nothing attaches and no verifier sees. @throws SysError as `load` */
  testRun(run: TestRun): TestResult {
    const { code } = this.#linked(run);
    return testRun(this.#host, run, (host) => this.#make(run.name ?? '', code, host));
  }

  /** The code with addresses for the fds of maps, and those maps. Without a type any helper may be called. */
  #linked(attributes: Omit<ProgramLoad, 'type'> & { type?: ProgramType }): {
    code: Uint8Array;
    maps: MapResource[];
    overrides: boolean;
  } {
    const slots = attributes.code.length / 8;
    if (slots === 0 || slots > mostSlots) {
      throw new SysError('E2BIG', op, `a program of ${slots} instructions`, {
        expected: '1 to 1,000,000 instructions',
      });
    }
    if (!Number.isInteger(slots)) {
      throw new SysError('EINVAL', op, `${attributes.code.length} bytes of code`, {
        expected: '8 bytes an instruction',
      });
    }
    const { type } = attributes;
    if (type !== undefined && programTypes[type] === undefined) {
      throw new SysError('EINVAL', op, `no program type '${type}'`);
    }
    const code = attributes.code.slice();
    const maps = this.#linkMaps(code);
    const overrides = type !== undefined && this.#checkHelpers(code, type, attributes).has(helpers.override_return.id);
    return { code, maps, overrides };
  }

  /** bpf_check_attach_target (kernel/bpf/verifier.c), as far as functions and raw tracepoints go. */
  #attachment({ type: programType, expectedAttachType: type, attachBtfId: id, license }: ProgramLoad): Attachment {
    if (id === undefined || id === 0) throw new SysError('EINVAL', op, 'Tracing programs must provide btf_id');
    const target = id < this.#btf.count ? this.#btf.type(id) : undefined;
    if (!target || !('name' in target)) throw new SysError('EINVAL', op, `attach_btf_id ${id} is not found in BTF`);
    if (type === 'trace_raw_tp') {
      if (target.kind !== 'typedef') throw new SysError('EINVAL', op, `attach_btf_id ${id} is not a typedef`);
      if (!target.name.startsWith(rawTypePrefix)) {
        throw new SysError('EINVAL', op, `attach_btf_id ${id} points to wrong type name ${target.name}`);
      }
      return { type, name: target.name.slice(rawTypePrefix.length) };
    }
    if (programType === 'lsm') return hookOf(target, type, license);
    if (type === 'modify_return') {
      if (target.kind !== 'function') throw new SysError('EINVAL', op, `attach_btf_id ${id} is not a function`);
      if (!isErrorInjectable(target.name) && !target.name.startsWith('security_')) {
        throw new SysError('EINVAL', op, `${target.name}() is not modifiable`, {
          expected: 'a system call, another function that allows error injection, or one of security_',
        });
      }
      return { type, name: target.name };
    }
    if (type !== 'trace_fentry' && type !== 'trace_fexit') {
      throw new SysError('EINVAL', op, `no tracing program of attach type '${type ?? 'none'}'`, {
        expected: 'trace_fentry, trace_fexit, modify_return or trace_raw_tp',
      });
    }
    if (target.kind !== 'function') throw new SysError('EINVAL', op, `attach_btf_id ${id} is not a function`);
    return { type, name: target.name };
  }

  /** BPF_PROG_GET_FD_BY_ID */
  fdById(id: number): Fd {
    const program = this.#byId.get(id);
    if (program === undefined) throw new SysError('ENOENT', 'prog_get_fd_by_id', `no program has the id ${id}`);
    return this.#fds.open(program);
  }

  /** Replaces map fds by addresses, as resolve_pseudo_ldimm64 does (kernel/bpf/verifier.c). Returns the maps. */
  #linkMaps(code: Uint8Array): MapResource[] {
    const view = viewOf(code);
    const maps = new Set<MapResource>();
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] !== ldImm64) continue;
      const source = code[at + 1]! >>> 4;
      if (at + 16 > code.length) throw new SysError('EINVAL', op, `instruction ${at / 8}: ld_imm64 is cut off`);
      if (source === pseudo.mapFd || source === pseudo.mapValue) this.#linkMap(view, at, source, maps);
      if (source === pseudo.mapIndex || source === pseudo.mapIndexValue) {
        throw new SysError('EINVAL', op, `instruction ${at / 8}: a map by index needs an fd_array`);
      }
      at += 8;
    }
    if (maps.size > mostMaps) throw new SysError('E2BIG', op, `${maps.size} maps`, { expected: `at most ${mostMaps}` });
    return [...maps];
  }

  #linkMap(view: DataView, at: number, source: number, maps: Set<MapResource>): void {
    const resource = this.#fds.get<MapResource>(view.getInt32(at + 4, true), 'map', `${op}: instruction ${at / 8}`);
    maps.add(resource);
    let address = resource.map.address;
    if (source === pseudo.mapValue) {
      const offset = view.getUint32(at + 12, true);
      const { shape } = resource.map;
      if (shape.type !== 'array' || shape.maxEntries !== 1 || offset >= shape.valueSize) {
        throw new SysError('EINVAL', op, `instruction ${at / 8}: no direct value at ${offset} of map '${shape.name}'`, {
          expected: 'an array of one element and an offset inside its value',
        });
      }
      address = resource.firstValue() + offset;
    }
    view.setUint8(at + 1, view.getUint8(at + 1) & 0xf);
    view.setUint32(at + 4, address, true);
    view.setUint32(at + 12, kernelSpace, true);
  }

  /** check_helper_call's first questions: is there such a helper, for this type, under this license. Returns their ids. */
  #checkHelpers(code: Uint8Array, type: ProgramType, attributes: Omit<ProgramLoad, 'type'>): ReadonlySet<number> {
    const view = viewOf(code);
    const called = new Set<number>();
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] === ldImm64) at += 8;
      else if (code[at] === callInstruction && code[at + 1]! >>> 4 === 0) {
        const id = view.getInt32(at + 4, true);
        this.#checkHelper(id, at / 8, type, attributes);
        called.add(id);
      }
    }
    return called;
  }

  #checkHelper(
    id: number,
    slot: number,
    type: ProgramType,
    { license, expectedAttachType }: Omit<ProgramLoad, 'type'>,
  ): void {
    const helper = helperById(id);
    const where = `instruction ${slot}`;
    if (!helper) throw new SysError('EINVAL', op, `${where}: invalid func unknown#${id}`);
    const name = `bpf_${helper.name}#${id}`;
    const only = type === 'tracing' ? onlyFor[helper.name] : undefined;
    if (!helperAllowed(helper.name, type) || (only && !only.includes(expectedAttachType ?? 'trace_fentry'))) {
      throw new SysError('EINVAL', op, `${where}: program of this type cannot use helper ${name}`);
    }
    if (helper.gpl && !gplLicenses.has(license)) {
      throw new SysError('EINVAL', op, `${where}: cannot call GPL-restricted function ${name}`, {
        hint: `the program's license is '${license}'`,
      });
    }
    if (this.#helpers[id] === undefined) {
      throw new SysError('EINVAL', op, `${where}: the simulated kernel has no helper ${name}`);
    }
  }

  #make(name: string, code: Uint8Array, host: Host): Executable {
    try {
      return this.#engine.load({ name, code }, host);
    } catch (fault) {
      if (!(fault instanceof InputError)) throw fault;
      throw new SysError('EINVAL', op, fault.message, { ...optional(fault), cause: fault });
    }
  }
}

/** bpf_lsm_verify_prog (kernel/bpf/bpf_lsm.c): a GPL program, for a function that is a hook. */
function hookOf(target: BtfType, type: AttachType | undefined, license: string): Attachment {
  if (!gplLicenses.has(license)) {
    throw new SysError('EINVAL', op, 'LSM programs must have a GPL compatible license');
  }
  if (type !== 'lsm_mac' || target.kind !== 'function' || !target.name.startsWith('bpf_lsm_')) {
    const name = 'name' in target ? target.name : '';
    throw new SysError('EINVAL', op, `${name} is no LSM hook`, { expected: 'a function of bpf_lsm_, as lsm_mac' });
  }
  return { type, name: target.name };
}

/** bpf_check_tail_call: a prog_array belongs to the type of the first program that is in it or calls it. */
function joinArrays(maps: readonly MapResource[], type: ProgramType): void {
  const arrays = maps.filter(({ map }) => map.shape.type === 'prog_array');
  for (const { programs, map } of arrays) {
    if (programs === undefined || programs === type) continue;
    throw new SysError('EINVAL', op, `map '${map.shape.name}' holds ${programs} programs`, {
      expected: `one of ${type} programs`,
    });
  }
  for (const array of arrays) array.programs = type;
}

/** Where the engine found the fault, and what it says to do. */
function optional(fault: InputError): { at?: NonNullable<InputError['at']>; expected?: string; hint?: string } {
  return {
    ...(fault.at === undefined ? {} : { at: fault.at }),
    ...(fault.expected === undefined ? {} : { expected: fault.expected }),
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}
