import type { ErrnoName } from '../base/index.ts';
import { callHelper, forgetCallerSaved } from './calls.ts';
import { returnRange } from './context.ts';
import {
  checkReach,
  checkStackDepth,
  checkSubprograms,
  computeLiveRegisters,
  findSubprograms,
  jumpDistance,
  resolveImmediates,
} from './control-flow.ts';
import { Environment } from './environment.ts';
import { type Explanation, explain, explainLog, explainSize } from './explain/explanation.ts';
import { Trail } from './explain/trail.ts';
import { FactCollector, type Facts } from './facts.ts';
import { completeFacts } from './facts-completion.ts';
import { jumpIf } from './jumps.ts';
import { callKernel, mayCallKernelLocked } from './kernel-calls.ts';
import { Log } from './log.ts';
import { accessMemory } from './memory-access.ts';
import type { ProgramText } from './program.ts';
import { checkNothingHeld } from './references.ts';
import { kindText, numberRegister, pointer, type Register, unknownScalar } from './register.ts';
import { Rejection } from './rejection.ts';
import { Frame, State } from './state.ts';
import { callLocal, checkScalarRange, returnLocal } from './subprogram-calls.ts';
import { checkRead, checkWrite, loadWide, transferArithmetic } from './transfer.ts';
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
  let explanation: Explanation | null | undefined;
  if (env.facts && isAccepted) completeFacts(env, env.facts, step);
  return {
    verdict: isAccepted ? 'accept' : 'reject',
    errno: log.fits ? (rejection?.errno ?? null) : 'ENOSPC',
    message: rejection?.message ?? '',
    log: log.text(),
    get explanation() {
      explanation ??= rejection ? explainAgain(program, options) : null;
      return explanation;
    },
    logTrueSize: log.trueSize,
    statistics: {
      processed,
      totalStates,
      peakStates,
      stackDepths: env.subprograms.map(({ stackDepth }) => stackDepth),
    },
    ...(env.facts && isAccepted ? { facts: env.facts.facts(env.seen) } : {}),
  };
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

/** Runs one instruction; false at the end of the program. */
function step(env: Environment): boolean {
  const { slots, slot } = env;
  const opcode = slots.opcode[slot] as number;
  switch (opcode & 7) {
    case 4:
    case 7:
      transferArithmetic(env);
      env.slot++;
      return true;
    case 1:
      load(env, opcode);
      return true;
    case 2:
    case 3:
      store(env, opcode);
      return true;
    case 0:
      loadOld(env, opcode);
      return true;
    default:
      return jump(env, opcode);
  }
}

const sizes: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, 24: 8 };

function sizeOf(opcode: number): number {
  return sizes[opcode & 0x18] as number;
}

function load(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const base = slots.src[slot] as number;
  const dst = slots.dst[slot] as number;
  const pointed = checkRead(env, base);
  checkWrite(env, dst);
  rememberKind(env, pointed);
  const loaded = accessMemory(env, {
    base,
    offset: slots.offset[slot] as number,
    size: sizeOf(opcode),
    write: false,
    signed: (opcode & 0xe0) === 0x80,
  });
  env.setRegister(dst, loaded);
  env.slot++;
}

const rewritten: ReadonlySet<string> = new Set(['context', 'socket', 'socketCommon', 'tcpSocket', 'xdpSocket', 'btf']);

/** One instruction cannot be rewritten for two kinds of pointers (save_aux_ptr_type). */
function rememberKind(env: Environment, pointed: Register): void {
  const before = env.pointerKind[env.slot];
  if (before === undefined) {
    env.pointerKind[env.slot] = pointed.kind;
  } else if (before !== pointed.kind && (rewritten.has(before) || rewritten.has(pointed.kind))) {
    env.fail('EINVAL', 'same insn cannot be used with different pointers');
  }
}

function store(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  if ((opcode & 7) === 3 && (opcode & 0xe0) === 0xc0) {
    atomic(env, opcode);
    return;
  }
  const base = slots.dst[slot] as number;
  const fromRegister = (opcode & 7) === 3;
  if ((opcode & 0xe0) !== 0x60 || (fromRegister ? slots.imm[slot] : slots.src[slot]) !== 0) {
    env.fail('EINVAL', fromRegister ? 'BPF_STX uses reserved fields' : 'BPF_ST uses reserved fields');
  }
  const value = fromRegister ? checkRead(env, slots.src[slot] as number) : numberRegister(slots.imm[slot] as number);
  const pointed = checkRead(env, base);
  rememberKind(env, pointed);
  accessMemory(env, {
    base,
    offset: slots.offset[slot] as number,
    size: sizeOf(opcode),
    write: true,
    value,
    ...(fromRegister ? { valueNumber: slots.src[slot] as number } : {}),
  });
  env.slot++;
}

const plainAtomics: ReadonlySet<number> = new Set([0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]);

function atomic(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const imm = slots.imm[slot] as number;
  const size = sizeOf(opcode);
  const src = slots.src[slot] as number;
  const dst = slots.dst[slot] as number;
  const offset = slots.offset[slot] as number;
  if (imm === 0x100) {
    checkRead(env, src);
    checkWrite(env, dst);
    env.setRegister(dst, accessMemory(env, { base: src, offset, size, write: false }));
    env.slot++;
    return;
  }
  if (!plainAtomics.has(imm) && imm !== 0x110)
    env.fail('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`);
  if (size < 4 && imm !== 0x110) env.fail('EINVAL', 'invalid atomic operand size');
  const value = checkRead(env, src);
  const pointed = checkRead(env, dst);
  if (imm === 0xf1) checkRead(env, 0);
  if (
    ['context', 'packet', 'packetMeta', 'flowKeys', 'socket', 'socketCommon', 'tcpSocket', 'xdpSocket'].includes(
      pointed.kind,
    )
  ) {
    env.fail('EACCES', `BPF_ATOMIC stores into R${dst} ${kindText(pointed.kind, pointed.flags)} is not allowed`);
  }
  if (imm === 0x110) {
    accessMemory(env, { base: dst, offset, size, write: true, value });
    env.slot++;
    return;
  }
  const before = accessMemory(env, { base: dst, offset, size, write: false, strict: true });
  accessMemory(env, { base: dst, offset, size, write: true, strict: true });
  const fetched = imm === 0xf1 ? 0 : imm & 1 ? src : -1;
  if (fetched >= 0) {
    checkWrite(env, fetched);
    env.setRegister(fetched, before);
  }
  env.slot++;
}

const packetLoaders: ReadonlySet<string> = new Set(['socket_filter', 'sched_cls', 'sched_act']);

function loadOld(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  if (opcode === 0x18) {
    loadWide(env);
    env.slot += 2;
    return;
  }
  if (!packetLoaders.has(env.program.type))
    env.fail('EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type');
  const indirect = (opcode & 0xe0) === 0x40;
  if (
    slots.dst[slot] !== 0 ||
    slots.offset[slot] !== 0 ||
    sizeOf(opcode) === 8 ||
    (!indirect && slots.src[slot] !== 0)
  ) {
    env.fail('EINVAL', 'BPF_LD_[ABS|IND] uses reserved fields');
  }
  const context = checkRead(env, 6);
  checkNothingHeld(env, 'BPF_LD_[ABS|IND]');
  if (context.kind !== 'context') env.fail('EINVAL', 'at the time of BPF_LD_ABS|IND R6 != pointer to skb');
  if (indirect) checkRead(env, slots.src[slot] as number);
  forgetCallerSaved(env);
  env.setRegister(0, unknownScalar);
  env.slot++;
}

function jump(env: Environment, opcode: number): boolean {
  const { slots, slot } = env;
  env.jumps++;
  switch (opcode & 0xf0) {
    case 0x80:
      return call(env);
    case 0x00:
      if ((opcode & 8) !== 0 || slots.src[slot] !== 0 || slots.dst[slot] !== 0)
        env.fail('EINVAL', 'BPF_JA uses reserved fields');
      env.slot = slot + 1 + jumpDistance(env, slot);
      return true;
    case 0x90:
      return exit(env, opcode);
    default:
      jumpIf(env);
      return true;
  }
}

function call(env: Environment): boolean {
  const { slots, slot } = env;
  if (
    (slots.opcode[slot] as number) & 8 ||
    slots.dst[slot] !== 0 ||
    (slots.src[slot] as number) > 2 ||
    (slots.src[slot] !== 2 && slots.offset[slot] !== 0)
  ) {
    env.fail('EINVAL', 'BPF_CALL uses reserved fields');
  }
  const source = slots.src[slot] as number;
  if (env.state.lock && !mayCallLocked(env, source)) {
    env.fail('EINVAL', 'function calls are not allowed while holding a lock');
  }
  if (source === 1) callLocal(env);
  else if (source === 0) callHelper(env);
  else return callKernel(env);
  return true;
}

function exit(env: Environment, opcode: number): boolean {
  const { slots, slot, state } = env;
  if (opcode !== 0x95 || slots.imm[slot] !== 0 || slots.src[slot] !== 0 || slots.dst[slot] !== 0) {
    env.fail('EINVAL', 'BPF_EXIT uses reserved fields');
  }
  checkNothingHeld(env, 'BPF_EXIT instruction in main prog', state.frames.length === 1);
  if (state.frames.length > 1) {
    env.liveness.update();
    returnLocal(env);
    return true;
  }
  const result = checkRead(env, 0);
  const { callback } = state.frame;
  if (callback) {
    env.needsExact(0);
    checkScalarRange(env, result, callback, 'At async callback return', 'R0');
  } else checkResult(env, result);
  return false;
}

/** Helpers that may be called while a lock is held. */
const unlockers: ReadonlySet<number> = new Set([94, 194]);

function mayCallLocked(env: Environment, source: number): boolean {
  if (source === 0) return unlockers.has(env.slots.imm[env.slot] as number);
  return source === 1 || mayCallKernelLocked(env);
}

function checkResult(env: Environment, result: Register): void {
  const range = returnRange(env.program.type, env.program.attachType ?? 0);
  if (!range) return;
  if (!result.isScalar) {
    env.fail('EINVAL', `At program exit the register R0 is not a known value (${kindText(result.kind, result.flags)})`);
  }
  env.needsExact(0);
  checkScalarRange(env, result, range, 'At program exit', 'R0');
}
