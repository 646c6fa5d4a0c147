import { InputError, SysError } from '../../base/index.ts';
import type { Btf, BtfType } from '../../btf/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Fd, ProgramInfo, ProgramLoad, ProgramTestResult, ProgramTestRun } from '../../sys/index.ts';
import {
  type AttachType,
  helperById,
  helpers,
  isGplCompatible,
  type ProgramType,
  programTypes,
} from '../../uapi/index.ts';
import type { Facts } from '../../verifier/index.ts';
import type { CallWindow, Engine, Executable, Helper, Host, LinkedProgram } from '../../vm/index.ts';
import { type FdTable, Resource } from '../fds/fds.ts';
import type { MapResource } from '../fds/map-resource.ts';
import type { Current } from '../machine/current.ts';
import type { PacketBuffers } from '../net/buffers.ts';
import type { KernelVariables } from '../objects/kernel-variables.ts';
import { isModifiable } from '../points/overrides.ts';
import { type Call, callsOf, checkHelpers, linked, tagOf } from './code.ts';
import { convertContextAccesses, queueGuard, reachOf } from './context-code.ts';
import { sanitizeDeadCode } from './dead-code.ts';
import { insertBefore } from './insert.ts';
import { cellHelpers, inlineHelpers, mapLayout } from './map-layout.ts';
import { packetBytes, programTestRun } from './program-run.ts';
import { type TestResult, type TestRun, testRun } from './test-run.ts';
import { judge, type NamedFds, namedFds } from './verification.ts';

/**
 * BPF_PROG_LOAD: checks what bpf_prog_load checks (kernel/bpf/syscall.c), asks the verifier, puts the addresses of maps
 * where the code names their fds, and gives the code to the engine with what the verifier found out.
 */
const op = 'prog_load';
/** BPF_COMPLEXITY_LIMIT_INSNS */
const mostSlots = 1_000_000;
const nameSize = 16;
/** What the typedef of a raw tracepoint's prototype is called in BTF. */
const rawTypePrefix = 'btf_trace_';

/** The one point that a tracing program may be attached to. */
export interface Attachment {
  readonly type: AttachType;
  /** Of a function, or of a raw tracepoint. */
  readonly name: string;
}

type ProgramFacts = Pick<ProgramResource, 'info' | 'attachment' | 'overrides' | 'contextReach'>;

export class ProgramResource extends Resource {
  override readonly kind = 'program';
  readonly info: ProgramInfo;
  readonly executable: Executable;
  /** Of a tracing program: what it was loaded for. */
  readonly attachment: Attachment | undefined;
  /** kprobe_override: it calls override_return. */
  readonly overrides: boolean;
  /** max_ctx_offset: the end of the last byte of its context that it reads or writes. */
  readonly contextReach: number;
  readonly #maps: readonly MapResource[];
  readonly #forget: (id: number) => void;

  /** @param forget called with the id when nothing holds the program any more */
  constructor(facts: ProgramFacts, executable: Executable, maps: readonly MapResource[], forget: (id: number) => void) {
    super();
    this.info = facts.info;
    this.attachment = facts.attachment;
    this.overrides = facts.overrides;
    this.contextReach = facts.contextReach;
    this.executable = executable;
    this.#maps = maps;
    this.#forget = forget;
    for (const map of maps) map.hold();
  }

  get id(): number {
    return this.info.id;
  }

  get name(): string {
    return this.info.name;
  }

  get type(): ProgramType {
    return this.info.type;
  }

  protected override release(): void {
    this.#forget(this.id);
    for (const map of this.#maps) map.letGo();
  }
}

/** What an engine is told: of registers when it asks, which need not be at once. */
class EngineFacts implements NonNullable<LinkedProgram['facts']> {
  readonly verified = true;
  readonly mayFault: Uint8Array;
  readonly #proved: Facts;

  constructor(proved: Facts) {
    this.mayFault = proved.mayFault;
    this.#proved = proved;
  }

  get registers(): Uint8Array {
    return this.#proved.registers;
  }
}

/** What programs are made with. */
export interface ProgramParts {
  readonly memory: Memory;
  readonly btf: Btf;
  readonly fds: FdTable;
  readonly engine: Engine;
  readonly window: CallWindow;
  readonly variables: KernelVariables;
  /** Bodies of helpers, by number. */
  readonly helpers: readonly (Helper | undefined)[];
  /** Bodies of kernel functions, by BTF id. */
  readonly kfuncs: ReadonlyMap<number, Helper>;
  readonly current: Current;
  /** By the offset that a program's pointer holds. */
  readonly maps: ReadonlyMap<number, BpfMap>;
  readonly packets: PacketBuffers;
}

export class Programs {
  readonly #fds: FdTable;
  readonly #btf: Btf;
  readonly #engine: Engine;
  readonly #host: Host;
  readonly #variables: KernelVariables;
  readonly #packets: PacketBuffers;
  readonly #helpers: readonly (Helper | undefined)[];
  readonly #byId = new Map<number, ProgramResource>();
  #lastId = 0;

  constructor(parts: ProgramParts) {
    const { memory, btf, fds, engine, window, variables, helpers, kfuncs, current, maps, packets } = parts;
    this.#packets = packets;
    this.#fds = fds;
    this.#btf = btf;
    this.#engine = engine;
    this.#helpers = helpers;
    this.#variables = variables;
    const cells = cellHelpers(current.cells);
    this.#host = {
      memory,
      window,
      helper: (id) => helpers[id],
      kfunc: (id) => kfuncs.get(id),
      packet: (context, offset, size) => packetBytes(memory, context, offset, size),
      inline: (id) => cells.get(id) ?? inlineHelpers[id],
      mapLayout: (address) => {
        const map = maps.get(address);
        return map === undefined ? undefined : mapLayout(memory, map, current.cells.cpu);
      },
    };
  }

  /**
   * @throws SysError E2BIG, EINVAL, EBADF, EACCES … as Linux; ENOSYS for a program that the verifier accepts and that
   * calls what this kernel has no body for
   */
  load(attributes: ProgramLoad): Fd {
    checkSize(attributes.code);
    checkType(attributes.type);
    const attachment =
      attributes.type === 'tracing' || attributes.type === 'lsm' ? this.#attachment(attributes) : undefined;
    const named = namedFds(attributes.code, this.#fds);
    const verdict = judge(attributes, named, this.#btf, attachment?.name);
    const { facts: proved } = verdict;
    const calls = callsOf(attributes.code).filter(({ slot }) => proved.reached[slot] === 1);
    this.#checkSimulated(calls);
    const info = this.#info(attributes, named, verdict.statistics.processed);
    const code = linked(attributes.code, named, this.#variables);
    sanitizeDeadCode(code, proved.reached);
    const contextReach = reachOf(code, proved.throughContext);
    const guarded = convertContextAccesses(code, attributes.type, proved.throughContext);
    const plain = { name: info.name, code, facts: new EngineFacts(proved) };
    const program = insertBefore(plain, guarded, (slot) => queueGuard((code[slot * 8 + 1] as number) >>> 4));
    const executable = this.#make(program, this.#host);
    const maps = [...new Set(named.maps.values())];
    joinArrays(maps, attributes.type);
    this.#lastId = info.id;
    const overrides = calls.some(({ kind, id }) => kind === 'helper' && id === helpers.override_return.id);
    const facts = { info, attachment, overrides, contextReach };
    const resource = new ProgramResource(facts, executable, maps, (id) => this.#byId.delete(id));
    this.#byId.set(resource.id, resource);
    return this.#fds.open(resource);
  }

  #info({ type, name = '', code, license }: ProgramLoad, named: NamedFds, verifiedInstructions: number): ProgramInfo {
    return {
      id: this.#lastId + 1,
      type,
      name: name.slice(0, nameSize - 1),
      tag: tagOf(code),
      size: code.length,
      verifiedInstructions,
      mapIds: [...new Set([...named.maps.values()].map(({ id }) => id))],
      isGplCompatible: isGplCompatible(license),
    };
  }

  info(fd: Fd): ProgramInfo {
    return this.#get(fd, 'obj_get_info_by_fd').info;
  }

  /** BPF_PROG_GET_NEXT_ID */
  nextId(id: number): number | null {
    let next: number | null = null;
    for (const each of this.#byId.keys()) if (each > id && (next === null || each < next)) next = each;
    return next;
  }

  /** BPF_PROG_TEST_RUN */
  run(fd: Fd, run: ProgramTestRun): ProgramTestResult {
    return programTestRun(this.#host.memory, this.#packets, this.#get(fd, 'prog_test_run'), run);
  }

  #get(fd: Fd, call: string): ProgramResource {
    return this.#fds.get<ProgramResource>(fd, 'program', call);
  }

  /** Runs a program by hand that nothing attaches and no verifier sees. @throws SysError as `load` */
  testRun(run: TestRun): TestResult {
    checkSize(run.code);
    if (run.type !== undefined) checkHelpers(callsOf(run.code), run.type, run.license);
    const code = linked(run.code, namedFds(run.code, this.#fds), this.#variables);
    return testRun(this.#host, run, (host) => this.#make({ name: run.name ?? '', code }, host));
  }

  /** What a verified program calls must have a body here. */
  #checkSimulated(calls: readonly Call[]): void {
    for (const { kind, id, slot } of calls) {
      if (kind === 'helper' && this.#helpers[id] !== undefined) continue;
      if (kind === 'kfunc' && this.#host.kfunc?.(id) !== undefined) continue;
      const called =
        kind === 'helper' ? `helper bpf_${helperById(id)?.name}#${id}` : `kernel function ${this.#nameOf(id)}#${id}`;
      throw new SysError('ENOSYS', op, `instruction ${slot}: ${called} is not simulated`, {
        hint: 'the verifier accepts the program, and Linux would run it; this simulated kernel has no body for the call',
      });
    }
  }

  #nameOf(id: number): string {
    const type = this.#btf.type(id);
    return 'name' in type ? type.name : '';
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
      if (!isModifiable(target.name)) {
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

  /** Makes code runnable that was made of a program's. */
  make(program: LinkedProgram): Executable {
    return this.#make(program, this.#host);
  }

  #make(program: LinkedProgram, host: Host): Executable {
    try {
      return this.#engine.load(program, host);
    } catch (fault) {
      if (!(fault instanceof InputError)) throw fault;
      throw new SysError('EINVAL', op, fault.message, { ...optional(fault), cause: fault });
    }
  }
}

function checkSize(code: Uint8Array): void {
  const slots = code.length / 8;
  if (slots === 0 || slots > mostSlots) {
    throw new SysError('E2BIG', op, `a program of ${slots} instructions`, { expected: '1 to 1,000,000 instructions' });
  }
  if (Number.isInteger(slots)) return;
  throw new SysError('EINVAL', op, `${code.length} bytes of code`, { expected: '8 bytes an instruction' });
}

function checkType(type: ProgramType): void {
  if (programTypes[type] === undefined) throw new SysError('EINVAL', op, `no program type '${type}'`);
}

/** bpf_lsm_verify_prog (kernel/bpf/bpf_lsm.c): a GPL program, for a function that is a hook. */
function hookOf(target: BtfType, type: AttachType | undefined, license: string): Attachment {
  if (!isGplCompatible(license)) {
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
