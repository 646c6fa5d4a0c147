import { framePointer, type MachineBlock, type MachineFunction, machineSuccessors } from './machine.ts';

/**
 * Which registers are live where a block ends, as sets of bits: a row of words for each block, going backwards through
 * the blocks until nothing changes.
 */
export function liveOut(f: MachineFunction): ReadonlyMap<MachineBlock, Uint32Array> {
  const words = (f.registers + 31) >>> 5;
  const out = new Map<MachineBlock, Uint32Array>();
  const into = new Map<MachineBlock, Uint32Array>();
  const defined = new Map<MachineBlock, Uint32Array>();
  for (const block of f.blocks) {
    const used = new Uint32Array(words);
    const defs = new Uint32Array(words);
    noteUses(block, used, defs);
    into.set(block, used);
    defined.set(block, defs);
    out.set(block, new Uint32Array(words));
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = f.blocks.length - 1; i >= 0; i--) {
      const block = f.blocks[i] as MachineBlock;
      const after = out.get(block) as Uint32Array;
      const before = into.get(block) as Uint32Array;
      const defs = defined.get(block) as Uint32Array;
      for (const to of machineSuccessors(block)) {
        const next = into.get(to) as Uint32Array;
        for (let w = 0; w < words; w++) after[w] = (after[w] as number) | (next[w] as number);
      }
      for (let w = 0; w < words; w++) {
        const old = before[w] as number;
        const now = (old | ((after[w] as number) & ~(defs[w] as number))) >>> 0;
        if (now === old) continue;
        before[w] = now;
        changed = true;
      }
    }
  }
  return out;
}

/** What a block reads before it writes it, and what it writes. */
function noteUses(block: MachineBlock, used: Uint32Array, defs: Uint32Array): void {
  const use = (register: number): void => {
    const w = register >>> 5;
    const bit = 1 << (register & 31);
    if (register !== framePointer && ((defs[w] as number) & bit) === 0) used[w] = (used[w] as number) | bit;
  };
  for (const { uses, def } of block.code) {
    for (const register of uses) use(register);
    if (def >= 0) defs[def >>> 5] = (defs[def >>> 5] as number) | (1 << (def & 31));
  }
  if (block.end.kind !== 'branch') return;
  use(block.end.left);
  if ('register' in block.end.right) use(block.end.right.register);
}
