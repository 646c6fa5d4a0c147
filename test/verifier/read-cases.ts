import { assemble } from '../../src/isa/index.ts';
import { helperByName, type ProgramType } from '../../src/uapi/index.ts';
import type { MapShape } from '../../src/verifier/index.ts';

/**
 * Cases as text: blocks parted by blank lines.
 *
 *   # name
 *   program type [license]
 *   assembly …                    `MAP` is an array of four 16-byte values, `HASH` a hash of 8-byte values, `RING` a ring buffer
 *   => accept | reject ERRNO last line of the log
 */
export interface VerifierCase {
  readonly name: string;
  readonly type: ProgramType;
  readonly license: string;
  readonly code: Uint8Array;
  readonly maps: ReadonlyMap<number, MapShape>;
  readonly mapSlots: readonly { readonly slot: number; readonly map: string }[];
  readonly source: string;
  readonly expected: string;
}

export const caseMaps: Readonly<Record<string, MapShape>> = {
  MAP: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 4 },
  HASH: { type: 'hash', keySize: 8, valueSize: 8, maxEntries: 8 },
  RING: { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
};

export function readCases(text: string): VerifierCase[] {
  return text.trim().split(/\n\n+/).map(readCase);
}

function readCase(block: string): VerifierCase {
  const lines = block.split('\n');
  const name = (lines[0] as string).replace(/^# /, '');
  const [type, license = 'GPL'] = (lines[1] as string).split(' ');
  const expected = lines.at(-1)?.startsWith('=> ') ? (lines.at(-1) as string).slice(3) : '';
  const source = lines.slice(2, expected === '' ? undefined : -1).join('\n');
  const { code, relocations } = assemble(source, { helper: (helper) => helperByName(helper)?.id });
  const names = Object.keys(caseMaps);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  for (const { slot, map } of relocations) {
    view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | 16);
    view.setInt32(slot * 8 + 4, 100 + names.indexOf(map), true);
  }
  const maps = new Map(Object.values(caseMaps).map((shape, index) => [100 + index, shape]));
  return { name, type: type as ProgramType, license, code, maps, mapSlots: relocations, source, expected };
}
