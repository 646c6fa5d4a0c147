import { InputError, SysError, viewOf } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { kernelSpace } from '../memory/index.ts';
import type { Fd, ProgramLoad } from '../sys/index.ts';
import { helperAllowed, helperById, type ProgramType, programTypes } from '../uapi/index.ts';
import type { CallWindow, Engine, Executable, Helper, Host } from '../vm/index.ts';
import { type FdTable, Resource } from './fds.ts';
import type { MapResource } from './map-commands.ts';
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

export class ProgramResource extends Resource {
  override readonly kind = 'program';
  readonly name: string;
  readonly type: ProgramType;
  readonly executable: Executable;
  readonly #maps: readonly MapResource[];

  constructor(name: string, type: ProgramType, executable: Executable, maps: readonly MapResource[]) {
    super();
    this.name = name;
    this.type = type;
    this.executable = executable;
    this.#maps = maps;
    for (const map of maps) map.hold();
  }

  protected override release(): void {
    for (const map of this.#maps) map.letGo();
  }
}

export class Programs {
  readonly #fds: FdTable;
  readonly #engine: Engine;
  readonly #host: Host;
  readonly #helpers: readonly (Helper | undefined)[];

  constructor(
    memory: Memory,
    fds: FdTable,
    engine: Engine,
    window: CallWindow,
    helpers: readonly (Helper | undefined)[],
  ) {
    this.#fds = fds;
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
    const { code, maps } = this.#linked(attributes);
    // The verifier's place: it judges `code` with its maps here, before the engine sees it.
    const name = (attributes.name ?? '').slice(0, nameSize - 1);
    const executable = this.#make(name, code, this.#host);
    return this.#fds.open(new ProgramResource(name, attributes.type, executable, maps));
  }

  /** Runs a program by hand that nothing attaches and no verifier sees. @throws SysError as `load` */
  testRun(run: TestRun): TestResult {
    const { code } = this.#linked(run);
    return testRun(this.#host, run, (host) => this.#make(run.name ?? '', code, host));
  }

  /** The code with addresses for the fds of maps, and those maps. Without a type any helper may be called. */
  #linked(attributes: Omit<ProgramLoad, 'type'> & { type?: ProgramType }): { code: Uint8Array; maps: MapResource[] } {
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
    if (type !== undefined) this.#checkHelpers(code, type, attributes.license);
    return { code, maps };
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

  /** check_helper_call's first questions: is there such a helper, for this type, under this license. */
  #checkHelpers(code: Uint8Array, type: ProgramType, license: string): void {
    const view = viewOf(code);
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] === ldImm64) at += 8;
      else if (code[at] === callInstruction && code[at + 1]! >>> 4 === 0) {
        this.#checkHelper(view.getInt32(at + 4, true), at / 8, type, license);
      }
    }
  }

  #checkHelper(id: number, slot: number, type: ProgramType, license: string): void {
    const helper = helperById(id);
    const where = `instruction ${slot}`;
    if (!helper) throw new SysError('EINVAL', op, `${where}: invalid func unknown#${id}`);
    const name = `bpf_${helper.name}#${id}`;
    if (!helperAllowed(helper.name, type)) {
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

/** Where the engine found the fault, and what it says to do. */
function optional(fault: InputError): { at?: NonNullable<InputError['at']>; expected?: string; hint?: string } {
  return {
    ...(fault.at === undefined ? {} : { at: fault.at }),
    ...(fault.expected === undefined ? {} : { expected: fault.expected }),
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}
