import { SysError, viewOf } from '../../base/index.ts';
import type { Btf } from '../../btf/index.ts';
import type { LineInfo } from '../../object/index.ts';
import type { ProgramLoad, ProgramLog } from '../../sys/index.ts';
import { attachTypes, programFlags } from '../../uapi/index.ts';
import {
  explanationText,
  type Facts,
  type MapShape,
  type ProgramText,
  type RecordField,
  type Verdict,
  verify,
} from '../../verifier/index.ts';
import type { FdTable } from '../fds/fds.ts';
import type { MapResource } from '../fds/map-resource.ts';

/**
 * The question to the verifier and its answer: what a load's attributes and the maps behind its fds are in the
 * verifier's words, and a refusal as bpf(2) gives it: an errno, and a log in the buffer of the one who asked.
 */
const op = 'prog_load';

/** ld_imm64, and what its source register makes of the immediate (include/uapi/linux/bpf.h: BPF_PSEUDO_*). */
export const ldImm64 = 0x18;
export const pseudo = { mapFd: 1, mapValue: 2, variable: 3 } as const;

/** What the fds in a program's ld_imm64 are open for. */
export interface NamedFds {
  readonly maps: ReadonlyMap<number, MapResource>;
  /** Those that are open and no maps. */
  readonly others: ReadonlySet<number>;
}

/** Looks up the fds that a program names. */
export function namedFds(code: Uint8Array, fds: FdTable): NamedFds {
  const view = viewOf(code);
  const maps = new Map<number, MapResource>();
  const others = new Set<number>();
  for (let at = 0; at + 16 <= code.length; at += 8) {
    if (code[at] !== ldImm64) continue;
    const source = code[at + 1]! >>> 4;
    const fd = view.getInt32(at + 4, true);
    at += 8;
    if (source !== pseudo.mapFd && source !== pseudo.mapValue) continue;
    const resource = fds.find(fd);
    if (resource?.kind === 'map') maps.set(fd, resource as MapResource);
    else if (resource !== undefined) others.add(fd);
  }
  return { maps, others };
}

/** The verdict on a program that may run. */
export type Accepted = Verdict & { readonly facts: Facts };

/**
 * Asks the verifier, and writes its log where the caller wants it.
 * @param kernel the types that a program which is told its types sees
 * @param attachTo the function or tracepoint that a tracing program is for
 * @throws SysError with the verifier's errno and last words, at the line that they are about where that is known
 */
export function judge(attributes: ProgramLoad, named: NamedFds, kernel: Btf, attachTo: string | undefined): Accepted {
  const { log, flags = 0 } = attributes;
  const verdict = verify(textOf(attributes, named, kernel, attachTo), {
    facts: 'bytes',
    logLevel: log?.level ?? 0,
    ...(log ? { logSize: log.size } : {}),
    strictAlignment: (flags & programFlags.strictAlignment) !== 0,
  });
  if (log) writeLog(log, verdict);
  if (verdict.facts) return { ...verdict, facts: verdict.facts };
  if (verdict.errno === null) throw new Error('the verifier accepts a program and says nothing of it');
  throw new SysError(verdict.errno, op, verdict.message || 'the verifier refuses the program');
}

function writeLog(log: ProgramLog, verdict: Verdict): void {
  log.text = verdict.log;
  log.trueSize = verdict.logTrueSize;
  if (verdict.explanation) log.explanation = explanationText(verdict.explanation);
}

function textOf(
  attributes: ProgramLoad,
  { maps, others }: NamedFds,
  kernel: Btf,
  attachTo: string | undefined,
): ProgramText {
  const { code, type, license, expectedAttachType, lines, btf, functions, flags = 0, log } = attributes;
  return {
    code,
    type,
    license,
    kernel,
    sleepable: (flags & programFlags.sleepable) !== 0,
    maps: shapesOf(maps),
    otherFds: others,
    ...(expectedAttachType === undefined ? {} : { attachType: attachTypes[expectedAttachType] }),
    ...(attachTo === undefined ? {} : { attachTo }),
    ...(btf === undefined ? {} : { btf }),
    ...(functions === undefined ? {} : { functions }),
    // Without a log nobody is told of lines.
    ...(lines === undefined || log === undefined ? {} : { lines: lines.flatMap(lineOf) }),
  };
}

/** The shapes of maps by fd; two fds of one map have the same shape, as it stands for the map. */
function shapesOf(maps: ReadonlyMap<number, MapResource>): Map<number, MapShape> {
  const shapes = new Map<MapResource, MapShape>();
  const byFd = new Map<number, MapShape>();
  for (const [fd, resource] of maps) {
    const shape = shapes.get(resource) ?? shapeOf(resource);
    shapes.set(resource, shape);
    byFd.set(fd, shape);
  }
  return byFd;
}

function shapeOf(resource: MapResource): MapShape {
  const { shape } = resource.map;
  const { inner, constant, record } = resource;
  const place = (kind: RecordField['kind']) => record?.fields.find((field) => field.kind === kind)?.offset;
  const spinLock = place('spinLock');
  const timer = place('timer');
  return {
    ...shape,
    ...(record === undefined ? {} : record),
    ...(spinLock === undefined ? {} : { spinLock }),
    ...(timer === undefined ? {} : { timer }),
    ...(inner === undefined ? {} : { inner }),
    ...(constant === undefined ? {} : { frozen: constant }),
  };
}

/** A line without its text is of no use to a log. */
function lineOf({ slot, at: { file, line, column, text } }: LineInfo): NonNullable<ProgramText['lines']>[number][] {
  if (file === undefined || line === undefined || text === undefined) return [];
  return [{ slot, file, line, text, ...(column === undefined ? {} : { column }) }];
}
