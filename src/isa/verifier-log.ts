import { InputError } from '../base/index.ts';

/**
 * A whole log of the verifier, level 2 (kernel/bpf/verifier.c): it walks the program, so instructions come again, in
 * the order of the walk, between states. Here each stands once, in its place.
 *
 *         8: 0......... (18) r1 = 0x1          the list of live registers, where the kernel prints it, is complete
 *   8: (18) r1 = 0x1        ; R1_w=1           a step of the walk
 */
export interface LoggedInstruction {
  readonly slot: number;
  /** 1-based line of the log. */
  readonly line: number;
  /** As a listing has it: slot, opcode, words. */
  readonly text: string;
}

const markers = /^(?:processed \d+ insns|func#\d+ @\d+|Live regs before insn:|\d+: R\d+=)/m;
const listed = /^ +(?:\d+ +)?(\d+): [.\d]{10} (\([0-9a-f]{2}\) .*)$/;
const stepped = /^(\d+): (\([0-9a-f]{2}\) .*)$/;
/** ld_imm64, which takes two slots. */
const wide = '(18)';

/**
 * The instructions of a verifier's log in the order of slots, or undefined for another text.
 * @throws InputError for a log that leaves out an instruction
 */
export function readVerifierLog(text: string): LoggedInstruction[] | undefined {
  if (!markers.test(text)) return undefined;
  const lines = text.split(/\r?\n/);
  const found = instructionsIn(lines, listed) ?? instructionsIn(lines, stepped);
  if (!found) return undefined;
  let next = 0;
  for (const { slot, line, text: words } of found) {
    if (slot !== next) {
      throw new InputError(`the log does not show instruction ${next}`, {
        at: { line },
        hint: 'the verifier prints what it walks through: a list of the whole program is needed here',
      });
    }
    next += words.includes(wide) ? 2 : 1;
  }
  return found;
}

function instructionsIn(lines: readonly string[], shape: RegExp): LoggedInstruction[] | undefined {
  const bySlot = new Map<number, LoggedInstruction>();
  for (const [index, line] of lines.entries()) {
    const [, slot, text] = shape.exec(line) ?? [];
    if (slot === undefined || bySlot.has(Number(slot))) continue;
    bySlot.set(Number(slot), { slot: Number(slot), line: index + 1, text: `${slot}: ${text}` });
  }
  return bySlot.size === 0 ? undefined : [...bySlot.values()].sort((a, b) => a.slot - b.slot);
}
