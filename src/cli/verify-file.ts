import { existsSync } from 'node:fs';
import { viewOf } from '../base/index.ts';
import type { KernelProfile, TypeId } from '../btf/index.ts';
import { loadedFor, type MapSpec, unknownTarget } from '../object/index.ts';
import { type AttachType, attachTypes, mapFlags, type ProgramType } from '../uapi/index.ts';
import {
  type LineInfo,
  type MapShape,
  type ProgramText,
  recordFields,
  type Verdict,
  verify,
} from '../verifier/index.ts';
import { type Io, print } from './io.ts';
import { hexProgram, type Program, readPrograms, refuseOpenMaps } from './prog-input.ts';
import { profileNamed } from './values.ts';
import { verdictJson, verdictText } from './verdict-text.ts';
import { defaultLogLevel, defaultType, type VerifyFlags } from './verify-flags.ts';

/** Verifies every program of a file and prints the verdicts. @returns the exit code: 1 when one is refused */
export async function verifyFile(file: string, flags: VerifyFlags, io: Io): Promise<number> {
  const programs = isHex(file) ? [hexProgram(file, 'hex')] : await readPrograms(file, flags, io);
  const kernel = await profileNamed(flags.kernel);
  const judged = programs.map((program) => judge(program, flags, kernel));
  if (flags.format === 'json') {
    const { encodeJson } = await import('../report/index.ts');
    await print(io, judged.map((each) => `${encodeJson(verdictJson(each))}\n`).join(''));
  } else {
    const explain = flags.explain ?? io.stdout.isTTY === true;
    const shown = { explain, logs: flags.logLevel !== undefined };
    await print(io, judged.map((each) => verdictText(each, shown)).join('\n'));
  }
  return judged.every(({ verdict }) => verdict.verdict === 'accept') ? 0 : 1;
}

/** Hex that stands on the command line itself: at least one instruction, and no file of that name. */
function isHex(file: string): boolean {
  return /^(0x)?([0-9a-f]{2}[\s,]*){8,}$/i.test(file) && !existsSync(file);
}

/** A program, what it was taken for, and what the verifier says. */
export interface Judged {
  readonly program: Program;
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  readonly attachTo: string | undefined;
  readonly verdict: Verdict;
  /** What it is loaded for and the kernel has not. */
  readonly missing: ReturnType<typeof unknownTarget>;
}

function judge(program: Program, flags: VerifyFlags, kernel: KernelProfile): Judged {
  refuseOpenMaps(program);
  const type = flags.type ?? program.type ?? defaultType;
  const section = attachmentOf(program.section);
  const attachType = flags.expectedAttachType ?? section.attachType;
  const attachTo = flags.attachTo ?? section.attachTo;
  const license = flags.license ?? program.license;
  const lines = program.lines.flatMap(lineOf);
  const text: ProgramText = {
    ...linked(program),
    type,
    kernel: kernel.btf,
    ...(program.btf && program.functions ? { btf: program.btf, functions: program.functions } : {}),
    ...(attachType === undefined ? {} : { attachType: attachTypes[attachType] }),
    ...(attachTo === undefined ? {} : { attachTo }),
    ...(license === undefined ? {} : { license }),
    ...(program.form === 'c' ? { lines } : { places: lines }),
  };
  const verdict = verify(text, {
    logLevel: flags.logLevel ?? defaultLogLevel,
    strictAlignment: flags.strictAlignment === true,
    now: () => performance.now() * 1e6,
  });
  const loaded = (type === 'tracing' || type === 'lsm') && attachTo !== undefined;
  const missing = loaded ? unknownTarget({ attachType, name: attachTo }, kernel) : undefined;
  return { program, type, attachType, attachTo, verdict, missing };
}

/** What a section says about the program's attaching that the verifier asks for. */
function attachmentOf(section: string | undefined): { attachType?: AttachType; attachTo?: string } {
  if (section === 'cgroup_skb/ingress') return { attachType: 'cgroup_inet_ingress' };
  if (section === 'cgroup_skb/egress') return { attachType: 'cgroup_inet_egress' };
  if (section === undefined) return {};
  const place = loadedFor(section);
  return place === undefined ? {} : { attachType: place.attachType, attachTo: place.name };
}

/** BPF_PSEUDO_MAP_FD and BPF_PSEUDO_MAP_VALUE, in the high half of an ld_imm64's second byte. */
const pseudoMap = 1;
const pseudoMapValue = 2;

/** The code with a number for each map, and what the numbers stand for. */
function linked({ code, relocations, maps, btf }: Program): Pick<ProgramText, 'code' | 'maps'> {
  const numbers = new Map(maps.map(({ name }, index) => [name, index + 1]));
  const result = code.slice();
  const view = viewOf(result);
  for (const { slot, map, offset } of relocations) {
    const at = slot * 8;
    const source = offset === undefined ? pseudoMap : pseudoMapValue;
    view.setUint8(at + 1, (view.getUint8(at + 1) & 15) | (source << 4));
    view.setInt32(at + 4, numbers.get(map) ?? 0, true);
    if (offset !== undefined) view.setInt32(at + 12, offset, true);
  }
  return { code: result, maps: new Map(maps.map((spec, index) => [index + 1, shapeOf(spec, maps, btf)])) };
}

function shapeOf(spec: MapSpec, maps: readonly MapSpec[], btf: Program['btf']): MapShape {
  const { name, type, keySize, valueSize, maxEntries, flags, innerMap, contents } = spec;
  const inner = maps.find((other) => other.name === innerMap);
  return {
    name,
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    ...(inner ? { inner: shapeOf(inner, maps, btf) } : {}),
    ...fieldsOf(spec.types?.value, btf),
    ...(contents && (flags & mapFlags.readOnlyProgram) !== 0 ? { frozen: contents } : {}),
  };
}

/** Locks, timers and other objects of the kernel's in a map's values, where the object knows their type. */
function fieldsOf(value: TypeId | undefined, btf: Program['btf']): Partial<MapShape> {
  if (value === undefined || !btf || btf.type(value).kind !== 'struct') return {};
  const fields = recordFields(btf, value);
  const lock = fields.find(({ kind }) => kind === 'spinLock');
  const timer = fields.find(({ kind }) => kind === 'timer');
  return { btf, fields, ...(lock ? { spinLock: lock.offset } : {}), ...(timer ? { timer: timer.offset } : {}) };
}

/** A place without a line of text tells people nothing. */
function lineOf({ slot, at: { file, line, column, text } }: Program['lines'][number]): LineInfo[] {
  if (file === undefined || line === undefined || text === undefined) return [];
  return [{ slot, file, line, text, ...(column === undefined ? {} : { column }) }];
}
