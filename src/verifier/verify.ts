import type { ErrnoName } from '../base/index.ts';
import { checkReach, checkStackDepth, checkSubprograms, findSubprograms, resolveImmediates } from './control-flow.ts';
import { Environment } from './environment.ts';
import { type Explanation, explain, explainLog, explainSize } from './explain/explanation.ts';
import { Trail } from './explain/trail.ts';
import { FactCollector, type Facts, ProvedFacts } from './facts.ts';
import { completeFacts } from './facts-completion.ts';
import { computeLiveRegisters } from './live-registers.ts';
import { Log } from './log.ts';
import type { ProgramText } from './program.ts';
import { pointer } from './register.ts';
import { Rejection } from './rejection.ts';
import { Frame, State } from './state.ts';
import { step } from './step.ts';
import { attachTarget } from './typed-context.ts';

/**
 * Judges a program as Linux 6.18 does for a privileged user: walks every path with an abstract state, and stops a path
 * where a state that was seen before covers it (kernel/bpf/verifier.c: bpf_check, do_check).
 */
export interface VerifyOptions {
  /** Bits: 1 the path that failed, 2 all paths, 4 statistics, 8 the log's head is kept and not its tail. 1 when absent. */
  readonly logLevel?: number;
  /** Bytes of the log's buffer, with its final zero; 0 only measures. 16 MiB when absent. */
  readonly logSize?: number;
  readonly strictAlignment?: boolean;
  /** Stores a state at every place where one may be (BPF_F_TEST_STATE_FREQ). */
  readonly testStateFrequency?: boolean;
  /** Instructions that may be processed; 1,000,000 when absent. */
  readonly limit?: number;
  /** A clock in ns for the time that level 4 prints, which is 0 without one. */
  readonly now?: () => number;
  /** What is to be told of registers: `bytes` as an engine wants it, `full` with ranges and regions. Nothing when absent. */
  readonly facts?: 'bytes' | 'full';
}

export interface Verdict {
  readonly verdict: 'accept' | 'reject';
  readonly errno: ErrnoName | null;
  /** The last message, without the rest of the log; empty when accepted. */
  readonly message: string;
  readonly log: string;
  /** What the refusal means. The program is walked again for it when it is first asked for; null when accepted. */
  readonly explanation: Explanation | null;
  /** Bytes of a buffer that would have held the whole log (log_true_size of union bpf_attr). */
  readonly logTrueSize: number;
  readonly statistics: {
    readonly processed: number;
    readonly totalStates: number;
    readonly peakStates: number;
    /** Bytes of each function's stack, in the order of their slots. */
    readonly stackDepths: readonly number[];
  };
  /** What holds of registers at each slot of an accepted program; when it was asked for. */
  readonly facts?: Facts;
}

const defaultLimit = 1_000_000;

/** A refusal before anything was looked at. */
const unread = {
  verdict: 'reject',
  message: '',
  log: '',
  logTrueSize: 0,
  statistics: { processed: 0, totalStates: 0, peakStates: 0, stackDepths: [] },
} as const satisfies Partial<Verdict>;

/**
 * The verdict of Linux 6.18 on a program, as bpf(BPF_PROG_LOAD) gives it to a privileged user: whether it may be loaded,
 * the errno and the log if not, word for word. Any bytes get a verdict; nothing is thrown for what a program does wrong.
 * @param program 8 bytes a slot, with the shapes of the maps that it names
 */
export function verify(program: ProgramText, options: VerifyOptions = {}): Verdict {
  const level = options.logLevel ?? 1;
  const log = new Log(level, options.logSize ?? (level === 0 ? 0 : 1 << 24));
  const count = program.code.length / 8;
  if (count < 1 || count > defaultLimit || !Number.isInteger(count)) {
    const errno = count > defaultLimit || count < 1 ? 'E2BIG' : 'EINVAL';
    return { ...unread, errno, explanation: explainSize(program.code.length) };
  }
  if (!log.isValid) return { ...unread, errno: 'EINVAL', explanation: explainLog(level, log.size) };
  const began = options.now?.() ?? 0;
  const env = new Environment(withAttachType(program), log, options.strictAlignment ?? false);
  env.storesAll = options.testStateFrequency ?? false;
  if (options.facts) env.facts = new FactCollector(count, options.facts === 'full');
  const rejection = judge(env, options.limit ?? defaultLimit);
  if (log.statistics) sayStatistics(env, (options.now?.() ?? 0) - began);
  const { processed, maxStatesPerSlot, totalStates, peakStates } = env;
  env.say(
    `processed ${processed} insns (limit ${defaultLimit}) max_states_per_insn ${maxStatesPerSlot} total_states ${totalStates} peak_states ${peakStates} mark_read 0`,
  );
  const isAccepted = !rejection && log.fits;
  const judged = {
    verdict: isAccepted ? 'accept' : 'reject',
    errno: log.fits ? (rejection?.errno ?? null) : 'ENOSPC',
    message: rejection?.message ?? '',
    log: log.text(),
    logTrueSize: log.trueSize,
    statistics: {
      processed,
      totalStates,
      peakStates,
      stackDepths: env.subprograms.map(({ stackDepth }) => stackDepth),
    },
  } as const;
  if (rejection) return explainedLater(judged, program, options);
  return { ...judged, explanation: null, ...(env.facts && isAccepted ? { facts: factsOf(env, env.facts) } : {}) };
}

function explainedLater(judged: Omit<Verdict, 'explanation'>, program: ProgramText, options: VerifyOptions): Verdict {
  let explanation: Explanation | null | undefined;
  return {
    ...judged,
    get explanation() {
      if (explanation === undefined) explanation = explainAgain(program, options);
      return explanation;
    },
  };
}

/** Completing takes the states of the walk, and about as long as it took: where they are many it is done at once. */
const mostKeptStates = 1000;

function factsOf(env: Environment, collector: FactCollector): Facts {
  const facts = new ProvedFacts(collector, env.seen, () => completeFacts(env, collector, step));
  if (env.totalStates > mostKeptStates) facts.complete();
  return facts;
}

/** `stack depth 16+8`: of each function (kernel/bpf/verifier.c: print_verification_stats). */
function sayStatistics(env: Environment, took: number): void {
  env.say(`verification time ${Math.floor(took / 1000)} usec`);
  env.say(`stack depth ${env.subprograms.map(({ stackDepth }) => stackDepth).join('+')}`);
}

/** What the system call fills in where no attach type is given (bpf_prog_load_fixup_attach_type). */
function withAttachType(program: ProgramText): ProgramText {
  const isDefault = program.type === 'cgroup_sock' && !program.attachType;
  return isDefault ? { ...program, attachType: 2 } : program;
}

/** Walks a refused program once more, with a note of each step. */
function explainAgain(program: ProgramText, options: VerifyOptions): Explanation | null {
  const env = new Environment(withAttachType(program), new Log(0, 0), options.strictAlignment ?? false);
  env.trail = new Trail();
  const rejection = judge(env, options.limit ?? defaultLimit);
  return rejection ? explain(env, rejection.message) : null;
}

/** Judges a program. @returns how it was refused; undefined when it was not */
function judge(env: Environment, limit: number): Rejection | undefined {
  try {
    check(env, limit);
    return undefined;
  } catch (fault) {
    if (!(fault instanceof Rejection)) throw fault;
    return fault;
  }
}

function check(env: Environment, limit: number): void {
  findSubprograms(env);
  checkSubprograms(env);
  env.target = attachTarget(env);
  resolveImmediates(env);
  checkReach(env);
  computeLiveRegisters(env);
  const state = new State();
  state.branches = 1;
  const frame = new Frame(-1, 0, 0);
  frame.registers[1] = pointer('context');
  frame.registers[10] = pointer('stack');
  state.frames.push(frame);
  env.state = state;
  walk(env, limit);
  if (!env.log.full) env.log.reset(0);
  if (env.hasEmptyCall) env.fail('EINVAL', 'invalid kernel function call not eliminated in verifier pass');
  checkStackDepth(env);
}

function walk(env: Environment, limit: number): void {
  const { slots, log } = env;
  let resumed = false;
  for (;;) {
    if (env.slot >= slots.count) env.fail('EFAULT', `invalid insn idx ${env.slot} insn_cnt ${slots.count}`);
    if (++env.processed > limit) env.fail('E2BIG', `BPF program is too large. Processed ${env.processed} insn`);
    env.begin();
    if (env.prunePoint[env.slot] && env.visited.stops()) {
      if (log.detailed) env.say(resumed ? `\nfrom ${env.previous} to ${env.slot}: safe` : `${env.slot}: safe`);
      if (!resume(env)) return;
      resumed = true;
      continue;
    }
    if (env.jumpPoint[env.slot]) env.history();
    if (log.full && resumed) {
      log.write(`\nfrom ${env.previous} to ${env.slot}:`);
      env.sayFrame(env.state.depth);
      resumed = false;
    }
    if (log.detailed) env.sayInstruction();
    env.seen[env.slot] = 1;
    env.facts?.visit(env);
    env.trail?.record(env);
    env.previous = env.slot;
    const depth = env.state.frames.length;
    env.liveness.begin();
    const goesOn = step(env);
    if (env.state.frames.length === depth) env.liveness.commit(env.previous);
    else if (env.state.frames.length < depth) resumed = true;
    if (goesOn) continue;
    if (!resume(env)) return;
    resumed = true;
  }
}

/** Ends the present path and takes up the last that waits; false when none is left. */
function resume(env: Environment): boolean {
  env.scratchAll();
  env.visited.end(env.state);
  env.liveness.update();
  const next = env.pending.pop();
  if (!next) return false;
  env.state = next.state;
  env.slot = next.slot;
  env.previous = next.previous;
  if (!env.log.full) env.log.reset(next.logEnd);
  return true;
}
