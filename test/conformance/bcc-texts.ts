import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../src/base/index.ts';
import type { Btf } from '../../src/btf/index.ts';
import { loadedFor, type MapSpec, type ObjectSpec, type ProgramSpec } from '../../src/object/index.ts';
import { attachTypes, type MapType, mapTypes, type ProgramType, programTypes } from '../../src/uapi/index.ts';
import { type MapShape, type ProgramText, type Verdict, verify } from '../../src/verifier/index.ts';
import { mapQuestion } from './kernel-script.ts';

/** The C texts of a folder with what is known of each, and the three who judge a program: a kernel, our verifier, BCC. */
export interface Text {
  readonly name: string;
  readonly text: string;
  readonly defines: Readonly<Record<string, string | true>>;
  /** How its functions are attached, where that is known. */
  readonly attach: readonly { readonly kind: string; readonly fn: string }[];
}

interface Facts {
  readonly attach?: Text['attach'];
  readonly cflags?: readonly string[];
}

/** @param only names to keep; all when empty */
export function* textsOf(folder: string, only: readonly string[]): Iterable<Text> {
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.c')) continue;
    const name = file.slice(0, -2);
    if (only.length > 0 && !only.includes(name)) continue;
    const path = join(folder, `${name}.json`);
    const facts = (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}) as Facts;
    const defines: Record<string, string | true> = {};
    for (const flag of facts.cflags ?? []) {
      const match = /^-D(\w+)(?:=(.*))?$/.exec(flag);
      if (match) defines[match[1] as string] = match[2] ?? true;
    }
    yield { name, text: readFileSync(join(folder, file), 'utf8'), defines, attach: facts.attach ?? [] };
  }
}

const kinds: Readonly<Record<string, ProgramType>> = {
  kprobe: 'kprobe',
  kretprobe: 'kprobe',
  uprobe: 'kprobe',
  uretprobe: 'kprobe',
  tracepoint: 'tracepoint',
  raw_tracepoint: 'raw_tracepoint',
  perf_event: 'perf_event',
};

/** The type that a program is loaded with: that of its attach call, else its own. */
export function typeOf(program: ProgramSpec, text: Text): ProgramType {
  const attached = text.attach.find((one) => one.fn === program.name);
  return (attached && kinds[attached.kind]) ?? program.type;
}

export interface KernelAnswer {
  readonly verdict?: string;
  readonly error?: string;
  readonly log?: string;
}

/** What the oracle is asked of a program: its code with the maps that it uses. */
export function questionOf(object: ObjectSpec, program: ProgramSpec, type: ProgramType): object {
  const maps = object.maps.map((map) => ({
    ...mapQuestion(map),
    at: program.relocations.filter((one) => one.map === map.name).map((one) => one.slot),
  }));
  const used = maps.filter((map) => map.at.length > 0);
  return { type: programTypes[type], insns: toHex(program.code), maps: used };
}

const pseudoMapFd = 1;
const pseudoMapValue = 2;

function attachmentOf({ section }: ProgramSpec): Pick<ProgramText, 'attachType' | 'attachTo'> {
  const place = loadedFor(section);
  return place === undefined ? {} : { attachType: attachTypes[place.attachType], attachTo: place.name };
}

/** A program as our verifier takes it: maps by made-up descriptors. @param kernel the types that it attaches to */
export function verifierText(
  object: ObjectSpec,
  program: ProgramSpec,
  kernel: Btf,
  type: ProgramType = program.type,
): ProgramText {
  const code = program.code.slice();
  const view = new DataView(code.buffer);
  const maps = new Map<number, MapShape>();
  const fds = new Map(object.maps.map((map, i) => [map.name, 100 + i] as const));
  for (const { slot, map, offset } of program.relocations) {
    const fd = fds.get(map) as number;
    view.setUint8(
      slot * 8 + 1,
      (view.getUint8(slot * 8 + 1) & 15) | ((offset === undefined ? pseudoMapFd : pseudoMapValue) << 4),
    );
    view.setInt32(slot * 8 + 4, fd, true);
    view.setInt32(slot * 8 + 12, offset ?? 0, true);
    maps.set(fd, shapeOf(object, object.maps.find((one) => one.name === map) as MapSpec));
  }
  const lines = program.lines.map(({ slot, at }) => ({
    slot,
    file: at.file ?? '',
    line: at.line ?? 0,
    column: at.column ?? 0,
    text: at.text ?? '',
  }));
  return { code, type, license: object.license, maps, lines, kernel, ...attachmentOf(program) };
}

function shapeOf(object: ObjectSpec, map: MapSpec): MapShape {
  const { name, type, keySize, valueSize, maxEntries, flags, innerMap, contents } = map;
  const inner = object.maps.find((one) => one.name === innerMap);
  return {
    name,
    type: type as MapType,
    keySize,
    valueSize,
    maxEntries,
    flags,
    ...(inner ? { inner: shapeOf(object, inner) } : {}),
    ...(name === '.rodata' && contents ? { frozen: contents } : {}),
  };
}

export function verified(object: ObjectSpec, program: ProgramSpec, kernel: Btf, type?: ProgramType): Verdict {
  return verify(verifierText(object, program, kernel, type));
}

/** What real BCC made of each text: see bcc-peer.py. */
export interface Peer {
  readonly error?: string;
  readonly ms?: number;
  readonly functions?: Readonly<Record<string, string>>;
  readonly maps?: Readonly<
    Record<string, readonly [type: number, key: number, leaf: number, entries: number, flags: number]>
  >;
}

/** Maps that differ from BCC's in type, sizes or entries. */
export function mapDifferences(object: ObjectSpec, peer: Peer, cpus: number): string[] {
  const differences: string[] = [];
  const own = new Map(object.maps.map((map) => [map.name, map] as const));
  for (const [name, [type, key, leaf, entries, flags]] of Object.entries(peer.maps ?? {})) {
    const map = own.get(name);
    if (!map) {
      differences.push(`${name}: only BCC has it`);
      continue;
    }
    // BCC sizes a perf array by the CPUs of its machine.
    const perCpu = map.type === 'perf_event_array' && map.maxEntries === cpus;
    const ours = [mapTypes[map.type], map.keySize, map.valueSize, perCpu ? entries : map.maxEntries, map.flags];
    const theirs = [type, key, leaf, entries, flags];
    if (ours.join() !== theirs.join()) differences.push(`${name}: [${ours}], BCC has [${theirs}]`);
  }
  return differences;
}
