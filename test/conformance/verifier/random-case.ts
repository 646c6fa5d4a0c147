import { Random, viewOf } from '../../../src/base/index.ts';
import { loadProfile } from '../../../src/btf/index.ts';
import { assemble } from '../../../src/isa/index.ts';
import { helperByName, type ProgramType } from '../../../src/uapi/index.ts';
import type { ProgramText } from '../../../src/verifier/index.ts';
import { type MapName, mapFixtures, mapNames } from './map-fixtures.ts';
import { ProgramWriter, typeRows } from './random-source.ts';

/** One random program: as text, as bytes, and where it names which map. */
export interface RandomCase {
  readonly seed: number;
  readonly type: ProgramType;
  readonly attach: number;
  readonly text: string;
  /** Maps by their place in `mapNames` plus 1. */
  readonly code: Uint8Array;
  readonly at: readonly (readonly [slot: number, map: MapName, source: 1 | 2])[];
}

export function randomCase(seed: number): RandomCase {
  const random = new Random(seed);
  const row = typeRows[random.u32() % typeRows.length] as (typeof typeRows)[number];
  const text = new ProgramWriter(random, row).write();
  const { code, relocations } = assemble(text, { helper: (name) => helperByName(name)?.id });
  const bytes = code.slice();
  const at = relocations.map(({ slot, map }) => {
    const name = map as MapName;
    return [slot, name, name === 'GLOBAL' ? 2 : 1] as const;
  });
  if (random.chance(0.08)) mutate(bytes, random, new Set(at.flatMap(([slot]) => [slot, slot + 1])));
  const view = viewOf(bytes);
  for (const [slot, name, source] of at) {
    view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | (source << 4));
    view.setInt32(slot * 8 + 4, 1 + mapNames.indexOf(name), true);
  }
  return { seed, type: row.type, attach: row.attach ?? 0, text, code: bytes, at };
}

/** Changes one field of one instruction; not of those that name a map. */
function mutate(bytes: Uint8Array, random: Random, keep: ReadonlySet<number>): void {
  const count = bytes.length / 8;
  const slot = random.u32() % count;
  if (keep.has(slot)) return;
  const view = viewOf(bytes);
  const at = slot * 8;
  const field = random.u32() % 5;
  if (field === 0) view.setUint8(at, random.u32() & 255);
  else if (field === 1) view.setUint8(at + 1, (view.getUint8(at + 1) & 0xf0) | (random.u32() % 11));
  else if (field === 2) view.setUint8(at + 1, (view.getUint8(at + 1) & 15) | ((random.u32() % 11) << 4));
  else if (field === 3) view.setInt16(at + 2, view.getInt16(at + 2, true) + (random.u32() % 9) - 4, true);
  else view.setInt32(at + 4, view.getInt32(at + 4, true) + (random.u32() % 9) - 4, true);
}

const kernel = loadProfile('6.18').btf;

export function programOf({ code, type, attach }: RandomCase): ProgramText {
  const maps = new Map(mapNames.map((name, index) => [index + 1, mapFixtures[name]]));
  return { code, type, maps, kernel, ...(attach === 0 ? {} : { attachType: attach }) };
}
