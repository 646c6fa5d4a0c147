import type { Btf } from '../../src/btf/index.ts';
import { assemble } from '../../src/isa/index.ts';
import { type AttachType, attachTypes, helperByName, kfuncByName, type ProgramType } from '../../src/uapi/index.ts';
import type { MapShape, ProgramText } from '../../src/verifier/index.ts';
import { caseMaps } from './case-maps.ts';
import { type CaseTypes, caseTypes } from './case-types.ts';

/**
 * Cases as text: blocks parted by blank lines.
 *
 *   # name
 *   program type [license] [attach=ATTACH_TYPE] [to=TARGET] [sleepable] [strict] [plain]
 *   assembly …        `MAP ll` the address of a map of case-maps.ts, `MAP[4] ll` a place in its only value, `LABEL ll`
 *                     a function's, `NAME ll` a kernel variable's; `call NAME` a helper or kernel function;
 *                     `$NAME` the id of a type of case-types.ts, `$kernel:NAME` that of a struct of the kernel's
 *   => accept | accept RESULT | reject ERRNO last line of the log
 *
 * `plain` programs have no BTF of their own. RESULT is what the program returns for 64 zero bytes of packet.
 */
export interface VerifierCase {
  readonly name: string;
  readonly type: ProgramType;
  readonly attach: AttachType | undefined;
  readonly to: string | undefined;
  readonly license: string;
  readonly sleepable: boolean;
  readonly strict: boolean;
  readonly plain: boolean;
  readonly code: Uint8Array;
  readonly places: readonly Place[];
  /** The first slots of its functions. */
  readonly starts: readonly number[];
  readonly source: string;
  /** The block without its last line. */
  readonly text: string;
  readonly expected: string;
}

/** A slot whose immediate depends on who judges the program. */
export interface Place {
  readonly slot: number;
  readonly kind: 'map' | 'value' | 'function' | 'symbol' | 'type';
  readonly name: string;
}

export const types: CaseTypes = caseTypes();
export const maps: ReadonlyMap<string, MapShape> = caseMaps(types);
export const mapNames: readonly string[] = [...maps.keys()];

export function readCases(text: string): VerifierCase[] {
  return text
    .trim()
    .split(/\n\n+/)
    .filter((block) => block.startsWith('# '))
    .map(readCase);
}

/** Where numbers begin that stand for kernel functions and types until their ids are known. */
const placeholder = 0x6000_0000;

function readCase(block: string): VerifierCase {
  const lines = block.split('\n');
  const name = (lines[0] as string).replace(/^# /, '');
  const [type = '', ...words] = (lines[1] as string).split(' ');
  const expected = lines.at(-1)?.startsWith('=>') ? (lines.at(-1) as string).slice(3) : '';
  const source = lines.slice(2, lines.at(-1)?.startsWith('=>') ? -1 : undefined).join('\n');
  const option = (key: string): string | undefined =>
    words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const flags = ['sleepable', 'strict', 'plain'];
  const license = words.find((word) => !word.includes('=') && !flags.includes(word)) ?? 'GPL';
  return {
    name,
    type: type as ProgramType,
    attach: option('attach') as AttachType | undefined,
    to: option('to'),
    license,
    sleepable: words.includes('sleepable'),
    strict: words.includes('strict'),
    plain: words.includes('plain'),
    ...assembled(source),
    source,
    text: lines.slice(0, lines.at(-1)?.startsWith('=>') ? -1 : undefined).join('\n'),
    expected,
  };
}

function assembled(source: string): Pick<VerifierCase, 'code' | 'places' | 'starts'> {
  const named: { kind: Place['kind']; name: string }[] = [];
  const standIn = (kind: Place['kind'], name: string): number => placeholder + named.push({ kind, name }) - 1;
  const offsets = new Map<string, number>();
  const text = source
    .replace(/\$kernel:(\w+)/g, (_, name: string) => String(standIn('type', name)))
    .replace(/\$(\w+)/g, (_, name: string) => String(types.ids.get(name)))
    .replace(/(\w+)\[(\d+)\] ll/g, (_, name: string, offset: string) => {
      const label = `${name}__${offset}`;
      offsets.set(label, Number(offset));
      return `${label} ll`;
    });
  const { code, relocations } = assemble(text, {
    helper: (word) => helperByName(word)?.id ?? (kfuncByName(word) ? standIn('function', word) : undefined),
  });
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const places: Place[] = relocations.map(({ slot, map }) => {
    const offset = offsets.get(map);
    if (offset === undefined) return { slot, kind: maps.has(map) ? 'map' : 'symbol', name: map };
    view.setInt32(slot * 8 + 12, offset, true);
    return { slot, kind: 'value', name: map.slice(0, map.lastIndexOf('__')) };
  });
  for (const { slot, kind } of places) setSource(view, slot, sources[kind]);
  for (let slot = 0; slot < code.length / 8; slot++) {
    const found = named[view.getInt32(slot * 8 + 4, true) - placeholder];
    if (!found) continue;
    if (found.kind === 'function') setSource(view, slot, 2);
    places.push({ slot, ...found });
  }
  return { code, places, starts: functionStarts(view) };
}

/** What makes of a 64-bit immediate a map, a place in one, or a kernel variable (BPF_PSEUDO_*). */
const sources: Readonly<Record<Place['kind'], number>> = { map: 1, value: 2, symbol: 3, function: 2, type: 0 };

function setSource(view: DataView, slot: number, source: number): void {
  view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | (source << 4));
}

function functionStarts(view: DataView): number[] {
  const starts = new Set([0]);
  for (let slot = 0; slot < view.byteLength / 8; slot++) {
    const opcode = view.getUint8(slot * 8);
    const source = view.getUint8(slot * 8 + 1) >>> 4;
    const isFunction = (opcode === 0x85 && source === 1) || (opcode === 0x18 && source === 4);
    if (isFunction) starts.add(slot + 1 + view.getInt32(slot * 8 + 4, true));
    if (opcode === 0x18) slot++;
  }
  return [...starts].sort((a, b) => a - b);
}

/** A case as `verify` takes it. */
export function programOf(test: VerifierCase, kernel: Btf): ProgramText {
  const code = test.code.slice();
  const view = new DataView(code.buffer);
  for (const place of test.places) view.setInt32(place.slot * 8 + 4, immediate(place, kernel), true);
  return {
    code,
    type: test.type,
    license: test.license,
    sleepable: test.sleepable,
    kernel,
    maps: new Map([...maps.values()].map((shape, index) => [100 + index, shape])),
    ...(test.attach ? { attachType: attachTypes[test.attach] } : {}),
    ...(test.to ? { attachTo: test.to } : {}),
    ...(test.plain ? {} : { btf: types.btf, functions: functionRows(test) }),
  };
}

function immediate({ kind, name }: Place, kernel: Btf): number {
  if (kind === 'map' || kind === 'value') return 100 + mapNames.indexOf(name);
  if (kind === 'function') return kernel.find('function', name) ?? 0x7fff_ffff;
  if (kind === 'type') return kernel.find('struct', name) ?? 0;
  for (let id = 1; id < kernel.count; id++) {
    const type = kernel.type(id);
    if (type.kind === 'variable' && type.name === name) return id;
  }
  return 0;
}

/** The functions of a program, each with a type of case-types.ts. */
export function functionRows(test: VerifierCase): { slot: number; type: number }[] {
  return test.starts.map((slot, index) => ({ slot, type: types.ids.get(`function ${index}`) as number }));
}

/** The verifier's last word: the last line of its log before the statistics. */
export function lastLine(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('processed '));
  return lines.at(-1) ?? '';
}

/** An expectation without what the program returns when it runs. */
export function withoutResult(expected: string): string {
  return expected.startsWith('accept') ? 'accept' : expected;
}
