import { framePointer, type MachineBlock, type MachineFunction } from './machine.ts';

/**
 * Which registers are live where a block ends, as sets of bits: a row of words for each block, going backwards through
 * the blocks until nothing changes. What is spilled later is only taken out: its reloads live within their blocks, so
 * the rows are worked out once for a function.
 */
export class LiveOut {
  /** Words of a row. */
  readonly words: number;
  /** The rows, in the order of the blocks. */
  readonly bits: Uint32Array;

  constructor(f: MachineFunction) {
    const { blocks } = f;
    const words = (f.registers + 31) >>> 5;
    this.words = words;
    this.bits = new Uint32Array(words * blocks.length);
    const into = new Uint32Array(words * blocks.length);
    const defined = new Uint32Array(words * blocks.length);
    for (const block of blocks) noteUses(block, into, defined, block.place * words);
    while (flow(blocks, this.bits, into, defined, words));
  }

  delete(register: number): void {
    const mask = ~(1 << (register & 31));
    for (let w = register >>> 5; w < this.bits.length; w += this.words) this.bits[w] = (this.bits[w] as number) & mask;
  }
}

/** One round over the blocks, from the last to the first. @returns whether another may change something */
function flow(
  blocks: readonly MachineBlock[],
  out: Uint32Array,
  into: Uint32Array,
  defined: Uint32Array,
  words: number,
): boolean {
  let changed = false;
  let goesBack = false;
  for (let i = blocks.length - 1; i >= 0; i--) {
    const row = i * words;
    const { end } = blocks[i] as MachineBlock;
    const next = end.kind === 'goto' ? end.to.place : end.kind === 'branch' ? end.no.place : -1;
    const other = end.kind === 'branch' ? end.yes.place : -1;
    if (next >= 0) join(out, row, into, next * words, words);
    if (other >= 0) join(out, row, into, other * words, words);
    goesBack ||= (next >= 0 && next <= i) || (other >= 0 && other <= i);
    for (let w = row; w < row + words; w++) {
      const old = into[w] as number;
      const now = (old | ((out[w] as number) & ~(defined[w] as number))) >>> 0;
      if (now === old) continue;
      into[w] = now;
      changed = true;
    }
  }
  return changed && goesBack;
}

function join(out: Uint32Array, row: number, into: Uint32Array, next: number, words: number): void {
  for (let w = 0; w < words; w++) out[row + w] = (out[row + w] as number) | (into[next + w] as number);
}

/** What a block reads before it writes it, and what it writes. */
function noteUses({ code, end }: MachineBlock, used: Uint32Array, defined: Uint32Array, row: number): void {
  for (const { uses, def } of code) {
    for (let i = 0; i < uses.length; i++) use(uses[i] as number, used, defined, row);
    if (def < 0) continue;
    const w = row + (def >>> 5);
    defined[w] = (defined[w] as number) | (1 << (def & 31));
  }
  if (end.kind !== 'branch') return;
  use(end.left, used, defined, row);
  if ('register' in end.right) use(end.right.register, used, defined, row);
}

function use(register: number, used: Uint32Array, defined: Uint32Array, row: number): void {
  const w = row + (register >>> 5);
  const bit = 1 << (register & 31);
  if (register !== framePointer && ((defined[w] as number) & bit) === 0) used[w] = (used[w] as number) | bit;
}
