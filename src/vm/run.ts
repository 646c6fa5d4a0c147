import { type Host, maxCallFrames, maxLoops, type TrapKind } from './engine.ts';
import { type StackAreas, stackAreas } from './stack-areas.ts';

/**
 * The state of runs: registers, call frames, tail calls, the budget and what went wrong. It is kept from run to run,
 * so that a run allocates nothing, and stands on a stack, so that runs nest.
 */

/** Instructions between two looks at the budget; one when each is to be seen. */
const allowance = 0x7fff_ffff;
/** Register indices: low halves. */
export const r6 = 12;
export const r10 = 20;
const registerWords = 22;

/** What a frame keeps for its caller: r1–r9, the frame pointer's low half, and where to go on. */
export const saved = { registers: 0, framePointer: 18, returnTo: 19, loops: 20, words: 21 } as const;

/** One run under way. Runs nest: a helper may make an event that runs another program, or this one again. */
export class Run<Program> {
  readonly registers = new Int32Array(registerWords);
  readonly frames = new Int32Array((maxCallFrames + 1) * saved.words);
  /** The program that each frame returns into: a tail call replaces that of the frame above. */
  readonly callers: Program[] = [];
  /** 0 in the frame that the run began with. */
  depth = 0;
  tailCalls = 0;
  next: Program | null = null;
  /** Instructions left before the budget is looked at, what the budget still holds, and what was given out. */
  left = 0;
  reserve = 0;
  granted = 0;
  allowance = allowance;

  trapped: TrapKind | null = null;
  trapSlot = 0;
  /** Of a bad access: address and bytes. Of a bad call: the id in `trapLow`. */
  trapLow = 0;
  trapHigh = 0;
  trapSize = 0;

  start(budget: number | undefined, stepping = false): void {
    this.depth = 0;
    this.tailCalls = 0;
    this.next = null;
    this.trapped = null;
    this.left = 0;
    this.granted = 0;
    this.allowance = stepping ? 1 : allowance;
    this.reserve = budget ?? Number.POSITIVE_INFINITY;
    this.frames[saved.loops] = maxLoops;
  }

  /** Whether there are more instructions to give out. */
  refill(): boolean {
    const more = Math.min(this.reserve, this.allowance);
    this.left = more;
    this.reserve -= more;
    this.granted += more;
    return more > 0;
  }
}

/** What all programs of a host share: the runs under way, innermost last, kept for the next time. */
export class Session<Program> {
  readonly host: Host;
  readonly runs: Run<Program>[] = [];
  readonly stacks: StackAreas;
  active = 0;

  constructor(host: Host) {
    this.host = host;
    this.stacks = stackAreas(host);
  }

  enter(): Run<Program> {
    let run = this.runs[this.active];
    if (!run) {
      run = new Run<Program>();
      this.runs.push(run);
    }
    this.active++;
    this.stacks.level++;
    return run;
  }

  leave(): void {
    this.active--;
    this.stacks.level--;
  }

  /** The innermost run: the one whose helper is at work. */
  get current(): Run<Program> | undefined {
    return this.runs[this.active - 1];
  }
}
