import type { Environment } from '../environment.ts';
import { lineAt } from '../environment.ts';
import type { LineInfo } from '../program.ts';
import type { Register } from '../register.ts';
import { type Category, categories } from './categories.ts';
import { fill, findDetail, findMessage, type Parts } from './forms.ts';
import { isFork, type Slice, sliceOf } from './slice.ts';
import { type Step, stepsOf } from './trail.ts';
import { registerWords } from './words.ts';

/** What a refusal means, for people: beside the kernel's log, which is for those who know it. */
export interface Explanation {
  readonly category: Category;
  /** The category in words. */
  readonly title: string;
  readonly reason: string;
  /** The instruction that was refused; absent when the program as a whole was. */
  readonly at?: Place;
  /** What led there: assignments and branches that matter, in the order in which they ran. */
  readonly path: readonly PathStep[];
  readonly suggestion?: string;
}

export interface Place {
  readonly slot: number;
  /** In the verifier's words. */
  readonly instruction: string;
  readonly line?: LineInfo;
}

export interface PathStep extends Place {
  /** What it did: `r0 is a pointer to a value of map hits, or NULL`, `taken`. */
  readonly note: string;
}

const longestPath = 12;

/** Explains the refusal with which a walk with a trail ended. */
export function explain(env: Environment, message: string): Explanation {
  const said = [message, ...(env.trail?.said ?? []).toReversed()];
  const found = said.map(findMessage).find((each) => each !== undefined);
  const category = found?.row.category ?? 'internal';
  const steps = category === 'too-complex' ? [] : stepsOf(env.state?.trail);
  const subjects = subjectsOf(env, found?.parts ?? {}, steps);
  const isUnset = category === 'uninitialised';
  const slice = category === 'reference' ? sinceTaken(env, steps, said) : sliceOf(env, steps, subjects, isUnset);
  const slot = slotOf(found?.parts ?? {}) ?? steps.at(-1)?.slot;
  const at = slot === undefined ? undefined : placeOf(env, slot);
  const parts = partsOf(env, found?.parts ?? {}, { steps, slice, subjects, at });
  const row = (isUnset && isDestroyed(env, steps, slice) ? findMessage(`${message} after a call`) : found)?.row;
  const reasons = [row ? fill(row.reason, parts) : message, ...said.flatMap((line) => detailOf(env, line))];
  const suggestion = row?.suggestion;
  return {
    category,
    title: categories[category],
    reason: reasons.join('; '),
    ...(at ? { at } : {}),
    path: pathOf(env, steps, slice, said, isUnset),
    ...(suggestion === undefined ? {} : { suggestion: fill(suggestion, parts) }),
  };
}

/** Whether what is looked for was lost in a call, which keeps only r6 to r9. */
function isDestroyed(env: Environment, steps: readonly Step[], { origin }: Slice): boolean {
  const step = origin === undefined ? undefined : steps[origin];
  return step !== undefined && env.slots.opcode[step.slot] === 0x85;
}

function detailOf(env: Environment, line: string): string[] {
  const detail = findDetail(line);
  if (!detail) return [];
  const slot = slotOf(detail.parts);
  const place = slot === undefined ? {} : { place: placeWords(placeOf(env, slot)) };
  return [fill(detail.row.reason, { ...detail.parts, ...place })];
}

/** The instruction that a message names by itself. */
function slotOf(parts: Parts): number | undefined {
  return parts.slot === undefined ? undefined : Number(parts.slot);
}

/** The registers that a message is about: those that it names, else the address of a load or store. */
function subjectsOf(env: Environment, parts: Parts, steps: readonly Step[]): number[] {
  const slot = steps.at(-1)?.slot;
  if (slot === undefined) return [];
  const { slots } = env;
  const opcode = slots.opcode[slot] as number;
  const [dst, src] = [slots.dst[slot] as number, slots.src[slot] as number];
  const kind = opcode & 7;
  const named = Number(parts.register ?? parts.index ?? Number.NaN);
  if (!Number.isNaN(named)) {
    const isBinary = (kind === 4 || kind === 7) && (opcode & 8) !== 0 && named === dst;
    return isBinary ? [dst, src] : [named];
  }
  if (kind === 1) return [src];
  if (kind === 2 || kind === 3) return [dst];
  if (opcode === 0x95) return [0];
  return kind === 4 || kind === 7 ? [dst] : [];
}

interface Situation {
  readonly steps: readonly Step[];
  readonly slice: Slice;
  readonly subjects: readonly number[];
  readonly at: Place | undefined;
}

/** What a row's texts may name, besides the parts of the message. */
function partsOf(env: Environment, parts: Parts, situation: Situation): Parts {
  const { subjects, at, steps } = situation;
  const [subject] = subjects;
  const last = steps.at(-1);
  const held = subject === undefined || !last ? undefined : env.state?.frame.registers[subject];
  const slot = at?.slot;
  const called = slot !== undefined && env.slots.isHelperCall(slot) ? env.helperText(slot) : 'the call';
  return {
    subject: subject === undefined ? 'the register' : `R${subject}`,
    value: held ? registerWords(held) : 'not known',
    source: sourceWords(env, situation, held),
    here: at ? placeWords(at) : 'there',
    helper: called,
    type: env.program.type,
    ...parts,
  };
}

function placeWords({ slot, line }: Place): string {
  return line ? `line ${line.line}` : `instruction ${slot}`;
}

/** Where the subject's value came from. */
function sourceWords(env: Environment, { steps, slice, subjects, at }: Situation, held: Register | undefined): string {
  const step = slice.origin === undefined ? undefined : steps[slice.origin];
  const words = held ? registerWords(held) : 'the value';
  if (!step) return words;
  const from = placeOf(env, step.slot);
  const isSame = from.line !== undefined && from.line.line === at?.line?.line;
  const place = isSame ? '' : ` (${placeWords(from)})`;
  const opcode = env.slots.opcode[step.slot] as number;
  if (env.slots.isHelperCall(step.slot)) {
    const what = held?.isScalar ? 'the result of' : 'the pointer returned by';
    const isLost = (subjects[0] ?? 0) > 0 && held?.kind === 'uninitialised';
    return `${isLost ? '' : `${what} `}${env.helperText(step.slot)}${place}`;
  }
  if ((opcode & 7) === 1)
    return `${held?.isScalar ? 'the number' : 'the pointer'} loaded from ${registerWords(step.src)}${place}`;
  return `${words}${place}`;
}

function placeOf(env: Environment, slot: number): Place {
  const { lines, places } = env.program;
  const line = lineAt(lines ?? places ?? [], slot);
  const instruction = env.slots.count > slot ? env.instructionText(slot).replace(/^\([0-9a-f]{2}\) /, '') : '';
  return { slot, instruction, ...(line ? { line } : {}) };
}

function pathOf(
  env: Environment,
  steps: readonly Step[],
  slice: Slice,
  said: readonly string[],
  isUnset: boolean,
): PathStep[] {
  if (steps.length === 0) return [];
  const kept = new Set(slice.steps);
  if (said.some((line) => line.startsWith('infinite loop')))
    for (const index of loopBranches(env, steps)) kept.add(index);
  const rising = [...kept].sort((a, b) => a - b);
  const shown = rising.length <= longestPath ? rising : [...rising.slice(0, 2), ...rising.slice(2 - longestPath)];
  return shown.map((index) => ({
    ...placeOf(env, (steps[index] as Step).slot),
    note: noteOf(env, steps, index, isUnset),
  }));
}

/** Where the references that are still held were taken, and which way was gone from the first of them on. */
function sinceTaken(env: Environment, steps: readonly Step[], said: readonly string[]): Slice {
  const slots = said.flatMap((line) => [...line.matchAll(/alloc_insn=(\d+)/g)].map(([, slot]) => Number(slot)));
  const taken = slots.map((slot) => steps.findLastIndex((step) => step.slot === slot)).filter((index) => index >= 0);
  const first = Math.min(...taken, steps.length);
  const branches = steps.flatMap(({ slot }, index) => (index > first && isFork(env, slot) ? [index] : []));
  return { steps: [...taken, ...branches], origin: undefined };
}

/** Branches of the last round of a loop. */
function loopBranches(env: Environment, steps: readonly Step[]): number[] {
  const last = steps.length - 1;
  const head = steps.findLastIndex(({ slot }, index) => slot === env.slot && index !== last);
  return steps.flatMap(({ slot }, index) => (index >= head && isFork(env, slot) ? [index] : []));
}

/** What a step did to what it wrote, or which way a branch went. */
function noteOf(env: Environment, steps: readonly Step[], index: number, isUnset: boolean): string {
  const { slots } = env;
  const { slot, depth, src } = steps[index] as Step;
  const next = steps[index + 1];
  const opcode = slots.opcode[slot] as number;
  const kind = opcode & 7;
  if ((kind === 5 || kind === 6) && opcode !== 0x85)
    return (next?.slot ?? env.slot) === slot + 1 ? 'not taken' : 'taken';
  if (slots.isLocalCall(slot)) return 'hands its arguments on';
  if (kind === 2) return '';
  if (kind === 3) return registerWords(src);
  if (opcode === 0x85 && isUnset) return 'keeps only r6 to r9';
  const written = opcode === 0x85 ? 0 : (slots.dst[slot] as number);
  const after = valueAfter(env, steps, index, written, depth);
  return after ? `r${written} is ${registerWords(after)}` : '';
}

/** What the register held at the next step that reads it. */
function valueAfter(
  env: Environment,
  steps: readonly Step[],
  index: number,
  register: number,
  depth: number,
): Register | undefined {
  for (let at = index + 1; at < steps.length; at++) {
    const step = steps[at] as Step;
    if (step.depth !== depth) continue;
    if (env.slots.dst[step.slot] === register) return step.dst;
    if (env.slots.src[step.slot] === register) return step.src;
  }
  return steps.at(-1)?.depth === depth ? env.state?.frame.registers[register] : undefined;
}

/** A program of no instructions, of too many, or of half of one. */
export function explainSize(bytes: number): Explanation {
  const reason =
    bytes % 8 === 0
      ? `a program has 1 to 1,000,000 slots of 8 bytes, and this has ${bytes / 8}`
      : `a program is slots of 8 bytes, and this has ${bytes} bytes`;
  return { category: 'malformed', title: categories.malformed, reason, path: [] };
}

/** A log that the kernel does not keep. */
export function explainLog(level: number, size: number): Explanation {
  const reason = `there is no log of level ${level} in ${size} bytes: level 0 goes with no buffer, and bits above 8 mean nothing`;
  return { category: 'argument', title: categories.argument, reason, path: [] };
}
