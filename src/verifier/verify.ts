import type { ErrnoName } from '../base/index.ts';
import { callHelper, callLocal, checkNothingHeld, forgetCallerSaved, returnLocal } from './calls.ts';
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
import { Environment, type Explored } from './environment.ts';
import { FactCollector, type Facts } from './facts.ts';
import { jumpIf } from './jumps.ts';
import { Log } from './log.ts';
import { accessMemory } from './memory-access.ts';
import type { ProgramText } from './program.ts';
import { covers } from './prune.ts';
import { kindText, numberRegister, pointer, type Register, unknownScalar } from './register.ts';
import { Rejection } from './rejection.ts';
import { s64Max, s64Min } from './scalar.ts';
import { Frame, frameText, State } from './state.ts';
import { checkRead, checkWrite, loadWide, transferArithmetic } from './transfer.ts';

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
  /** Instructions that may be processed; 1,000,000 when absent. */
  readonly limit?: number;
  /** What is to be told of registers: `bytes` as an engine wants it, `full` with ranges and regions. Nothing when absent. */
  readonly facts?: 'bytes' | 'full';
  /** A clock in ns for the time that level 4 prints, which is 0 without one. */
  readonly now?: () => number;
}

export interface Verdict {
  readonly verdict: 'accept' | 'reject';
  readonly errno: ErrnoName | null;
  /** The last message, without the rest of the log; empty when accepted. */
  readonly message: string;
  readonly log: string;
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

export function verify(program: ProgramText, options: VerifyOptions = {}): Verdict {
  const level = options.logLevel ?? 1;
  const log = new Log(level, options.logSize ?? (level === 0 ? 0 : 1 << 24));
  const count = program.code.length / 8;
  const empty = { processed: 0, totalStates: 0, peakStates: 0, stackDepths: [] };
  if (count < 1 || count > defaultLimit || !Number.isInteger(count)) {
    const errno = count > defaultLimit || count < 1 ? 'E2BIG' : 'EINVAL';
    return { verdict: 'reject', errno, message: '', log: '', logTrueSize: 0, statistics: empty };
  }
  if (!log.isValid)
    return { verdict: 'reject', errno: 'EINVAL', message: '', log: '', logTrueSize: 0, statistics: empty };
  const began = options.now?.() ?? 0;
  const env = new Environment(withAttachType(program), log, options.strictAlignment ?? false);
  if (options.facts) env.facts = new FactCollector(count, options.facts === 'full');
  let rejection: Rejection | undefined;
  try {
    judge(env, options.limit ?? defaultLimit);
  } catch (fault) {
    if (!(fault instanceof Rejection)) throw fault;
    rejection = fault;
  }
  if (log.statistics) sayStatistics(env, (options.now?.() ?? 0) - began);
  const { processed, maxStatesPerSlot, totalStates, peakStates } = env;
  env.say(
    `processed ${processed} insns (limit ${defaultLimit}) max_states_per_insn ${maxStatesPerSlot} total_states ${totalStates} peak_states ${peakStates} mark_read 0`,
  );
  const isAccepted = !rejection && log.fits;
  return {
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
    ...(env.facts && isAccepted ? { facts: env.facts.facts() } : {}),
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

function judge(env: Environment, limit: number): void {
  findSubprograms(env);
  checkSubprograms(env);
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
  checkStackDepth(env);
}

function walk(env: Environment, limit: number): void {
  const { slots, log } = env;
  let resumed = false;
  for (;;) {
    if (env.slot >= slots.count) env.fail('EFAULT', `invalid insn idx ${env.slot} insn_cnt ${slots.count}`);
    if (++env.processed > limit) env.fail('E2BIG', `BPF program is too large. Processed ${env.processed} insn`);
    if (env.prunePoint[env.slot] && isCovered(env)) {
      if (log.detailed) env.say(resumed ? `\nfrom ${env.previous} to ${env.slot}: safe` : `${env.slot}: safe`);
      if (!resume(env)) return;
      resumed = true;
      continue;
    }
    if (log.full && resumed) {
      log.write(`\nfrom ${env.previous} to ${env.slot}:`);
      env.sayFrame(env.state.depth);
      resumed = false;
    }
    if (log.detailed) env.sayInstruction();
    env.seen[env.slot] = 1;
    env.facts?.visit(env);
    env.previous = env.slot;
    if (step(env)) continue;
    if (!resume(env)) return;
    resumed = true;
  }
}

/** Ends the present path and takes up the last that waits; false when none is left. */
function resume(env: Environment): boolean {
  env.scratchAll();
  for (let state: State | undefined = env.state; state; state = state.parent) {
    if (--state.branches > 0) break;
  }
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
  accessMemory(env, { base, offset: slots.offset[slot] as number, size: sizeOf(opcode), write: true, value });
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
  if (slots.src[slot] === 1) callLocal(env);
  else if (slots.src[slot] === 0) callHelper(env);
  else env.fail('EINVAL', 'invalid kernel function call not eliminated in verifier pass');
  return true;
}

function exit(env: Environment, opcode: number): boolean {
  const { slots, slot, state } = env;
  if (opcode !== 0x95 || slots.imm[slot] !== 0 || slots.src[slot] !== 0 || slots.dst[slot] !== 0) {
    env.fail('EINVAL', 'BPF_EXIT uses reserved fields');
  }
  if (state.frames.length > 1) {
    returnLocal(env);
    return true;
  }
  checkNothingHeld(env, 'BPF_EXIT instruction in main prog');
  const result = checkRead(env, 0);
  checkResult(env, result);
  return false;
}

function checkResult(env: Environment, result: Register): void {
  const range = returnRange(env.program.type, env.program.attachType ?? 0);
  if (!range) return;
  if (!result.isScalar) {
    env.fail('EINVAL', `At program exit the register R0 is not a known value (${kindText(result.kind, result.flags)})`);
  }
  const { smin, smax } = result.scalar;
  if (smin >= BigInt(range.min) && smax <= BigInt(range.max)) return;
  const known = `${smin > s64Min ? ` smin=${smin}` : ''}${smax < s64Max ? ` smax=${smax}` : ''}`;
  env.fail(
    'EINVAL',
    `At program exit the register R0 has${known === '' ? ' unknown scalar value' : known} should have been in [${range.min}, ${range.max}]`,
  );
}

/** Compares the present state with those seen here; stores it when it is worth it (is_state_visited). */
function isCovered(env: Environment): boolean {
  const { state, slot } = env;
  let list = env.explored.get(slot);
  let adds =
    env.forceCheckpoint[slot] === 1 || (env.jumps - env.markJumps >= 2 && env.processed - env.markProcessed >= 8);
  for (const entry of list ?? []) {
    if (entry.state.branches > 0) {
      if (entry.state.mayGotoDepth === state.mayGotoDepth && covers(env, entry.state, state, true))
        loopFound(env, entry.state);
      if (env.forceCheckpoint[slot] !== 1 && env.jumps - env.markJumps < 20 && env.processed - env.markProcessed < 100)
        adds = false;
    } else if (covers(env, entry.state, state, false)) {
      entry.hits++;
      return true;
    }
    if (adds) entry.misses++;
  }
  if (!adds) return false;
  const kept = list?.filter(({ misses, hits }) => misses <= hits * 3 + 3) ?? [];
  env.peakStates += kept.length - (list?.length ?? 0);
  list = kept;
  env.explored.set(slot, list);
  keep(env, list, state, slot);
  return false;
}

function loopFound(env: Environment, old: State): never {
  env.sayLine(env.slot, '; ');
  env.say(`infinite loop detected at insn ${env.slot}`);
  env.log.write('cur state:');
  env.sayFrame(env.state.depth);
  env.log.write('old state:');
  return env.fail('EINVAL', frameText(old, old.depth, 0x7ff, undefined));
}

function keep(env: Environment, list: Explored[], state: State, slot: number): void {
  const kept = state.copy();
  kept.branches = 1;
  list.push({ state: kept, hits: 0, misses: 0 });
  state.parent = kept;
  state.firstSlot = slot;
  env.markJumps = env.jumps;
  env.markProcessed = env.processed;
  env.totalStates++;
  env.peakStates++;
  env.maxStatesPerSlot = Math.max(env.maxStatesPerSlot, list.length);
}
