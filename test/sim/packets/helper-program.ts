import { viewOf } from '../../../src/base/index.ts';
import { contextField, type HelperName, type ProgramType, programFlags } from '../../../src/uapi/index.ts';

/** Programs that call packet helpers and keep what they answer in a map: how such a program is written from its steps. */
export interface HelperCase {
  readonly name: string;
  readonly type: ProgramType;
  readonly text: string;
  readonly data: Uint8Array;
  readonly context?: Uint8Array;
  /** prog_flags */
  readonly flags?: number;
  /** Answers, in order; each is 8 bytes of the map `out`. */
  readonly results: number;
}

/** An argument: the context, a number, bytes that the helper reads, or so many that it writes. */
export type Value = 'context' | number | bigint | { readonly reads: readonly number[] } | { readonly writes: number };

interface Call {
  readonly call: HelperName;
  readonly with: readonly Value[];
}
/** One thing that a program does. */
type Step =
  | Call
  /** Keeps a field of the context. */
  | { readonly field: string }
  /** Keeps data_end - data, and the byte at an offset where there are so many. */
  | { readonly byte: number };

export const mostResults = 24;

/** The text of a program that does the steps, and how many answers it keeps. */
function program(
  context: '__sk_buff' | 'xdp_md',
  steps: readonly Step[],
  returns: number,
): { text: string; results: number } {
  const lines = [
    'r6 = r1',
    '*(u32 *)(r10 - 4) = 0',
    'r2 = r10',
    'r2 += -4',
    'r1 = out ll',
    'call bpf_map_lookup_elem',
    'if r0 == 0 goto done',
    'r7 = r0',
  ];
  let results = 0;
  const keep = (register: string): void => {
    lines.push(`*(u64 *)(r7 + ${8 * results++}) = ${register}`);
  };
  for (const [index, step] of steps.entries()) {
    if ('field' in step) {
      const [offset, size] = contextField(context, step.field) as readonly [number, number];
      lines.push(`r0 = *(u${size * 8} *)(r6 + ${offset})`);
      keep('r0');
    } else if ('byte' in step) {
      const [data] = contextField(context, 'data') as readonly [number, number];
      const [end] = contextField(context, 'data_end') as readonly [number, number];
      lines.push(`r2 = *(u32 *)(r6 + ${data})`, `r3 = *(u32 *)(r6 + ${end})`, 'r0 = r3', 'r0 -= r2');
      keep('r0');
      lines.push('r0 = -1', 'r4 = r2', `r4 += ${step.byte + 1}`, `if r4 > r3 goto none${index}`);
      lines.push(`r0 = *(u8 *)(r2 + ${step.byte})`, `none${index}:`);
      keep('r0');
    } else {
      callLines(step, lines, keep);
    }
  }
  return { text: [...lines, 'done:', `r0 = ${returns}`, 'exit'].join('\n'), results };
}

/** Buffers lie on the stack, each at its argument's place. */
function callLines(step: Call, lines: string[], keep: (register: string) => void): void {
  const written: number[] = [];
  for (const [index, value] of step.with.entries()) {
    const register = `r${index + 1}`;
    const base = -16 - 64 * (index + 1);
    if (value === 'context') lines.push(`${register} = r6`);
    else if (typeof value === 'bigint') lines.push(`${register} = ${value} ll`);
    else if (typeof value === 'number') {
      lines.push(value > 0x7fff_ffff ? `${register} = ${value} ll` : `${register} = ${value}`);
    } else if ('reads' in value) {
      for (const [at, byte] of value.reads.entries()) lines.push(`*(u8 *)(r10 - ${-(base + at)}) = ${byte}`);
      lines.push(`${register} = r10`, `${register} += ${base}`);
    } else {
      const words = Math.ceil(value.writes / 8);
      for (let word = 0; word < words; word++) {
        lines.push(`*(u64 *)(r10 - ${-(base + 8 * word)}) = -1`);
        written.push(base + 8 * word);
      }
      lines.push(`${register} = r10`, `${register} += ${base}`);
    }
  }
  lines.push(`call bpf_${step.call}`);
  keep('r0');
  for (const at of written) {
    lines.push(`r0 = *(u64 *)(r10 - ${-at})`);
    keep('r0');
  }
}

export const call = (name: HelperName, ...values: Value[]): Step => ({ call: name, with: values });
export const field = (name: string): Step => ({ field: name });
export const reads = (...bytes: number[]): Value => ({ reads: bytes });
export const writes = (bytes: number): Value => ({ writes: bytes });

export function skb(
  name: string,
  data: Uint8Array,
  steps: readonly Step[],
  type: ProgramType = 'sched_cls',
): HelperCase {
  return { name, type, data, ...program('__sk_buff', steps, 0) };
}

export function xdp(name: string, data: Uint8Array, steps: readonly Step[], context?: Uint8Array): HelperCase {
  const made = { name, type: 'xdp', data, ...program('xdp_md', steps, 2) } as const;
  return context === undefined ? made : { ...made, context };
}

/** A program that takes frames in several pages (BPF_F_XDP_HAS_FRAGS). */
export function xdpFragments(name: string, data: Uint8Array, steps: readonly Step[]): HelperCase {
  return { ...xdp(name, data, steps), flags: programFlags.xdpFragments };
}

/** An xdp_md that says how many bytes before the packet are meta data. */
export function meta(bytes: number, data: Uint8Array): Uint8Array {
  const context = new Uint8Array(24);
  viewOf(context).setUint32(0, bytes, true);
  viewOf(context).setUint32(4, data.length, true);
  return context;
}

/** What a run gave, as the fixture has it: numbers and bytes in hex. */
export interface HelperAnswer {
  readonly returned: number;
  readonly data: string;
  readonly results: readonly string[];
}

/** The answers that a program kept in the value of its map. */
export function resultsOf(value: Uint8Array, count: number): string[] {
  const view = viewOf(value);
  return Array.from({ length: count }, (_, index) => {
    const word = view.getBigUint64(8 * index, true);
    const signed = BigInt.asIntN(64, word);
    return signed >= -4096n && signed <= 0xffff_ffffn ? String(signed) : `0x${word.toString(16)}`;
  });
}
