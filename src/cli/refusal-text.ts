import { formatFault, InputError, type Position } from '../base/index.ts';
import type { Judged } from './verify-file.ts';

/** A refused program of a C text in a few lines, as a compiler would say it: place, reason, the line, what helps. */
export function refusalText(judged: Judged): string {
  const { program, verdict, missing } = judged;
  const reason = missing?.message ?? verdict.message;
  const hint = missing?.hint ?? verdict.explanation?.suggestion;
  const at = placeOf(judged);
  const details = { ...(at ? { at } : {}), ...(hint === undefined ? {} : { hint }) };
  return `${formatFault(new InputError(`error: program ${program.name} is refused: ${reason}`, details))}\n`;
}

/** The instruction that was refused; of a program that was not looked at, where the text names it. */
function placeOf({ program, verdict }: Judged): Position | undefined {
  const last = [...verdict.log.matchAll(/^(\d+): \(/gm)].at(-1);
  const slot = verdict.explanation?.at?.slot ?? (last ? Number(last[1]) : undefined);
  return slot === undefined ? (program.declared ?? program.at(0)) : program.at(slot);
}
