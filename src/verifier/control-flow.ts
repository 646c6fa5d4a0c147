import type { mapTypes } from '../uapi/index.ts';
import type { Environment } from './environment.ts';
import { markLooping } from './kernel-function.ts';
import type { MapShape } from './program.ts';
import { resolveSymbol } from './symbols.ts';

/**
 * What can be said before any path is walked: where functions begin, whether jumps stay within theirs, which
 * instructions are never reached, where paths may be compared, and which registers are still read behind each
 * instruction (kernel/bpf/verifier.c: check_subprogs, check_cfg, compute_live_registers).
 */
export interface Subprogram {
  readonly start: number;
  /** The slot behind its last. */
  end: number;
  stackDepth: number;
  hasTailCall: boolean;
  hasLoadPacket: boolean;
  tailCallReachable: boolean;
  isCallback: boolean;
}

const maxSubprograms = 256;

export function findSubprograms(env: Environment): void {
  const { slots } = env;
  const starts = new Set<number>([0]);
  for (let slot = 0; slot < slots.count; slot++) {
    if (!slots.isLocalCall(slot) && !slots.isFunctionAddress(slot)) continue;
    const target = slot + 1 + (slots.imm[slot] as number);
    if (target < 0 || target >= slots.count) env.fail('EINVAL', 'call to invalid destination');
    if (!starts.has(target) && starts.size >= maxSubprograms) env.fail('E2BIG', 'too many subprograms');
    starts.add(target);
  }
  const sorted = [...starts].sort((a, b) => a - b);
  env.subprograms = sorted.map((start, index) => ({
    start,
    end: sorted[index + 1] ?? slots.count,
    stackDepth: 0,
    hasTailCall: false,
    hasLoadPacket: false,
    tailCallReachable: false,
    isCallback: false,
  }));
  if (env.log.full) for (const [index, start] of sorted.entries()) env.say(`func#${index} @${start}`);
}

export function jumpDistance(env: Environment, slot: number): number {
  const opcode = env.slots.opcode[slot] as number;
  return opcode === 0x06 ? (env.slots.imm[slot] as number) : (env.slots.offset[slot] as number);
}

export function isJump(opcode: number): boolean {
  const kind = opcode & 7;
  return kind === 5 || kind === 6;
}

export function checkSubprograms(env: Environment): void {
  const { slots, subprograms } = env;
  let index = 0;
  for (let slot = 0; slot < slots.count; slot++) {
    const current = subprograms[index] as Subprogram;
    const opcode = slots.opcode[slot] as number;
    if (slots.isHelperCall(slot) && slots.imm[slot] === 12) current.hasTailCall = true;
    if ((opcode & 7) === 0 && ((opcode & 0xe0) === 0x20 || (opcode & 0xe0) === 0x40)) current.hasLoadPacket = true;
    const operation = opcode & 0xf0;
    if (isJump(opcode) && operation !== 0x80 && operation !== 0x90) {
      const target = slot + 1 + jumpDistance(env, slot);
      if (target < current.start || target >= current.end) {
        env.fail('EINVAL', `jump out of range from insn ${slot} to ${target}`);
      }
    }
    if (slot === current.end - 1) {
      if (opcode !== 0x95 && opcode !== 0x05 && opcode !== 0x06) {
        env.fail('EINVAL', 'last insn is not an exit or jmp');
      }
      index++;
    }
  }
}

/** Helpers that call back into the program before they return. */
const syncCallbackHelpers: ReadonlySet<number> = new Set([164, 181, 180, 209]);
const asyncCallbackHelpers: ReadonlySet<number> = new Set([170]);

export function checkReach(env: Environment): void {
  const { slots } = env;
  const seen = new Reached(env).walk();
  for (let slot = 0; slot < slots.count; slot++) {
    if (!seen[slot]) env.fail('EINVAL', `unreachable insn ${slot}`);
    if (slots.isWide(slot)) {
      if (seen[slot + 1]) env.fail('EINVAL', `jump into the middle of ldimm64 insn ${slot}`);
      slot++;
    }
  }
}

/** Goes wherever control may go; marks where states are compared and where jumps are remembered. */
class Reached {
  readonly #env: Environment;
  readonly #seen: Uint8Array;
  readonly #pending: number[] = [0];

  constructor(env: Environment) {
    this.#env = env;
    this.#seen = new Uint8Array(env.slots.count);
    this.#seen[0] = 1;
  }

  /** @returns a byte a slot: 1 where control comes */
  walk(): Uint8Array {
    for (let slot = this.#pending.pop(); slot !== undefined; slot = this.#pending.pop()) this.#visit(slot);
    return this.#seen;
  }

  #go(from: number, to: number): void {
    const env = this.#env;
    if (to < 0 || to >= env.slots.count) {
      env.sayLine(from, `${from}: `);
      env.fail('EINVAL', `jump out of range from insn ${from} to ${to}`);
    }
    if (this.#seen[to] === 1) return;
    this.#seen[to] = 1;
    this.#pending.push(to);
  }

  #visit(slot: number): void {
    const env = this.#env;
    const { slots } = env;
    const opcode = slots.opcode[slot] as number;
    const next = slot + (slots.isWide(slot) ? 2 : 1);
    if (slots.isFunctionAddress(slot)) this.#call(slot, next, true);
    else if (!isJump(opcode)) this.#go(slot, next);
    else if ((opcode & 0xf0) === 0x80) {
      if (slots.isHelperCall(slot)) markCallback(env, slot, slots.imm[slot] as number);
      if (slots.isKernelCall(slot)) markLooping(env, slot);
      this.#call(slot, next, slots.isLocalCall(slot));
    } else if ((opcode & 0xf0) === 0x00) this.#jump(slot, slot + 1 + jumpDistance(env, slot));
    else if ((opcode & 0xf0) !== 0x90) {
      env.prunePoint[slot] = 1;
      if (opcode === 0xe5) env.forceCheckpoint[slot] = 1;
      this.#go(slot, next);
      this.#jump(slot, slot + 1 + (slots.offset[slot] as number));
    }
  }

  #call(slot: number, next: number, callee: boolean): void {
    const env = this.#env;
    env.prunePoint[next] = 1;
    env.jumpPoint[next] = 1;
    this.#go(slot, next);
    if (!callee) return;
    env.prunePoint[slot] = 1;
    this.#jump(slot, slot + 1 + (env.slots.imm[slot] as number));
  }

  #jump(slot: number, target: number): void {
    this.#env.prunePoint[target] = 1;
    this.#env.jumpPoint[target] = 1;
    this.#go(slot, target);
  }
}

function markCallback(env: Environment, slot: number, helper: number): void {
  if (asyncCallbackHelpers.has(helper)) env.prunePoint[slot] = 1;
  if (!syncCallbackHelpers.has(helper)) return;
  env.callsCallback[slot] = 1;
  env.forceCheckpoint[slot] = 1;
  env.prunePoint[slot] = 1;
  env.jumpPoint[slot] = 1;
}

export const maxStack = 512;
const maxFrames = 8;

/** Every chain of calls must fit the stack (check_max_stack_depth). */
export function checkStackDepth(env: Environment): void {
  const calls = env.subprograms.map((subprogram) => callsIn(env, subprogram));
  for (const [index, subprogram] of env.subprograms.entries()) {
    if (index === 0 || subprogram.isCallback) checkChain(env, index, calls);
  }
}

const privateStackTypes = new Set(['kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint']);

function checkChain(env: Environment, start: number, calls: readonly (readonly number[])[]): void {
  const hasPrivateStack = privateStackTypes.has(env.program.type) && !env.subprograms.some((each) => each.hasTailCall);
  /** What was found to fit: functions that call others many times, and these others … are reached in very many ways. */
  const fits = new Set<number>();
  const walk = (index: number, depthBefore: number, frames: number): void => {
    const key = (index * (maxStack + 1) + depthBefore) * maxFrames + frames;
    if (fits.has(key)) return;
    const subprogram = env.subprograms[index] as Subprogram;
    if (subprogram.hasTailCall && frames > 0 && depthBefore >= 256) {
      env.fail(
        'EACCES',
        `tail_calls are not allowed when call stack of previous frames is ${depthBefore} bytes. Too large`,
      );
    }
    const own = (subprogram.stackDepth + 15) & ~15;
    const isPrivate = hasPrivateStack && own >= 64;
    const depth = isPrivate ? depthBefore : depthBefore + own;
    if (isPrivate && own > maxStack) env.fail('EACCES', `stack size of subprog ${index} is ${own}. Too large`);
    if (depth > maxStack) env.fail('EACCES', `combined stack size of ${frames + 1} calls is ${depth}. Too large`);
    for (const target of calls[index] as readonly number[]) {
      if (frames + 1 >= maxFrames) env.fail('E2BIG', `the call stack of ${frames + 1} frames is too deep !`);
      walk(target, depth, frames + 1);
    }
    fits.add(key);
  };
  walk(start, 0, 0);
}

/** The functions that one calls, or hands to a helper that calls them before it returns. */
function callsIn(env: Environment, { start, end }: Subprogram): readonly number[] {
  const { slots } = env;
  const targets = new Set<number>();
  for (let slot = start; slot < end; slot++) {
    if (!slots.isLocalCall(slot) && !slots.isFunctionAddress(slot)) continue;
    const target = env.subprogramAt(slot + 1 + (slots.imm[slot] as number));
    if (!slots.isFunctionAddress(slot) || !env.asyncCallbacks.has(target)) targets.add(target);
  }
  return [...targets];
}

/** Resolves what 64-bit immediates stand for, and refuses opcodes that do not exist (resolve_pseudo_ldimm64). */
export function resolveImmediates(env: Environment): void {
  const { slots } = env;
  const used = new Set<MapShape>();
  for (let slot = 0; slot < slots.count; slot++) {
    const opcode = slots.opcode[slot] as number;
    const mode = opcode & 0xe0;
    if ((opcode & 7) === 1 && ((mode !== 0x60 && mode !== 0x80) || slots.imm[slot] !== 0)) {
      env.fail('EINVAL', 'BPF_LDX uses reserved fields');
    }
    if (opcode === 0x18) {
      resolveWide(env, slot, used);
      slot++;
    } else if (!env.isOpcode(opcode)) {
      env.fail('EINVAL', `unknown opcode ${opcode.toString(16).padStart(2, '0')}`);
    }
  }
}

/** MAX_USED_MAPS (include/linux/bpf_verifier.h) */
const mostMaps = 64;

/** @param used the maps that the program names */
function resolveWide(env: Environment, slot: number, used: Set<MapShape>): void {
  const { slots } = env;
  const next = slot + 1;
  if (
    next >= slots.count ||
    slots.opcode[next] !== 0 ||
    slots.dst[next] !== 0 ||
    slots.src[next] !== 0 ||
    slots.offset[next] !== 0
  ) {
    env.fail('EINVAL', 'invalid bpf_ld_imm64 insn');
  }
  const source = slots.src[slot] as number;
  const offset = (slots.imm[next] as number) >>> 0;
  if (source === 0 || source === 4) return;
  if (source === 3) {
    resolveSymbol(env, slot);
    return;
  }
  if (source > 6 || ((source === 1 || source === 5) && offset !== 0)) {
    env.fail('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  }
  if (source >= 5) env.fail('EPROTO', 'fd_idx without fd_array is invalid');
  const fd = slots.imm[slot] as number;
  const shape = env.program.maps?.get(fd);
  if (!shape) {
    env.fail(env.program.otherFds?.has(fd) ? 'EINVAL' : 'EBADF', `fd ${fd} is not pointing to valid bpf_map`);
  }
  env.mapAt.set(slot, shape);
  if (used.add(shape).size > mostMaps) {
    env.fail('E2BIG', `The total number of maps per program has reached the limit of ${mostMaps}`);
  }
  checkMapFits(env, shape.type, shape.spinLock !== undefined, shape.timer !== undefined);
  if (source === 1) return;
  if (offset >= 1 << 29) env.fail('EINVAL', `direct value offset of ${offset} is not allowed`);
  if (shape.type !== 'array' && shape.type !== 'arena') {
    env.fail('EINVAL', 'no direct value access support for this map type');
  }
  if (shape.maxEntries !== 1) {
    env.fail('ENOTSUPP', `invalid access to map value pointer, value_size=${shape.valueSize} off=${offset}`);
  }
  if (offset >= shape.valueSize) {
    env.fail('EINVAL', `invalid access to map value pointer, value_size=${shape.valueSize} off=${offset}`);
  }
}

const tracingTypes: ReadonlySet<string> = new Set([
  'kprobe',
  'tracepoint',
  'perf_event',
  'raw_tracepoint',
  'raw_tracepoint_writable',
]);

function checkMapFits(env: Environment, type: keyof typeof mapTypes, hasLock: boolean, hasTimer: boolean): void {
  const program = env.program.type;
  if (hasLock && tracingTypes.has(program)) env.fail('EINVAL', 'tracing progs cannot use bpf_spin_lock yet');
  if (hasLock && program === 'socket_filter') env.fail('EINVAL', 'socket filter progs cannot use bpf_spin_lock yet');
  if (hasTimer && tracingTypes.has(program)) env.fail('EINVAL', 'tracing progs cannot use bpf_timer yet');
  if (type === 'struct_ops') env.fail('EINVAL', 'bpf_struct_ops map cannot be used in prog');
}
