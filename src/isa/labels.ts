import type { DecodedProgram } from './decode.ts';
import { targetOf } from './instruction.ts';

/**
 * Names for the places that a program goes to, so that its text can say `goto L7` and `call f12` where the bytes have
 * distances. Names that are known, as those of an assembler's labels, come first.
 */

/** Slots where functions begin, in order: the first, and what is called or whose address is taken. */
export function functionSlots(program: DecodedProgram): number[] {
  const slots = new Set<number>(program.slots > 0 ? [0] : []);
  for (const instruction of program.instructions) {
    if (instruction.kind !== 'call' && instruction.kind !== 'loadImm64') continue;
    const target = targetOf(instruction);
    if (target !== undefined && isInstruction(program, target)) slots.add(target);
  }
  return [...slots].sort((a, b) => a - b);
}

/** Whether an instruction begins at that slot. */
export function isInstruction(program: DecodedProgram, slot: number): boolean {
  return (program.indexOfSlot[slot] ?? -1) >= 0;
}

/**
 * A name for each slot that a jump or a call goes to: the known one, else `L` and the slot for a jump's, `f` and the
 * slot for a function's.
 * @param known slots by name
 */
export function nameTargets(
  program: DecodedProgram,
  known: ReadonlyMap<string, number> = new Map(),
): Map<number, string> {
  const names = new Map<number, string>();
  for (const [name, slot] of known) if (isInstruction(program, slot) && !names.has(slot)) names.set(slot, name);
  const name = (slot: number, letter: string): void => {
    let free = `${letter}${slot}`;
    while (known.has(free)) free += '_';
    if (isInstruction(program, slot) && !names.has(slot)) names.set(slot, free);
  };
  for (const slot of functionSlots(program)) if (slot > 0) name(slot, 'f');
  for (const instruction of program.instructions) {
    const target = targetOf(instruction);
    if (target !== undefined) name(target, 'L');
  }
  return names;
}
