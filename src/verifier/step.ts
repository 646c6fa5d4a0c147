import type { Access } from './access.ts';
import { callHelper, forgetCallerSaved } from './calls.ts';
import { returnRange } from './context.ts';
import { jumpDistance } from './control-flow.ts';
import type { Environment } from './environment.ts';
import { jumpIf } from './jumps.ts';
import { callKernel, mayCallKernelLocked } from './kernel-calls.ts';
import { accessMemory } from './memory-access.ts';
import { checkNothingHeld } from './references.ts';
import { kindText, numberRegister, type Register, unknownScalar } from './register.ts';
import { callLocal, checkScalarRange, returnLocal } from './subprogram-calls.ts';
import { checkRead, checkWrite, loadWide, transferArithmetic } from './transfer.ts';

/**
 * What one instruction does to the state of a path: checked, and carried out (kernel/bpf/verifier.c: do_check_insn).
 * Which instruction comes next is left in the environment.
 */

/** Runs one instruction; false at the end of the program. */
export function step(env: Environment): boolean {
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

const readModifyWrites: ReadonlySet<number> = new Set([0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]);
const noAtomics: ReadonlySet<string> = new Set([
  'context',
  'packet',
  'packetMeta',
  'flowKeys',
  'socket',
  'socketCommon',
  'tcpSocket',
  'xdpSocket',
]);

/** Checks the kind of pointer that an atomic instruction uses. A load over its own pointer is judged by what it gave. */
function checkAtomicPointer(env: Environment, number: number, access: 'loads from' | 'stores into'): void {
  const { kind, flags } = env.register(number);
  if (!noAtomics.has(kind)) return;
  env.fail('EACCES', `BPF_ATOMIC ${access} R${number} ${kindText(kind, flags)} is not allowed`);
}

function atomic(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const imm = slots.imm[slot] as number;
  const size = sizeOf(opcode);
  const src = slots.src[slot] as number;
  const dst = slots.dst[slot] as number;
  const offset = slots.offset[slot] as number;
  if (imm === 0x100) {
    rememberKind(env, checkRead(env, src));
    checkWrite(env, dst);
    env.setRegister(dst, accessMemory(env, { base: src, offset, size, write: false, atomic: true }));
    checkAtomicPointer(env, src, 'loads from');
  } else if (imm === 0x110) {
    const value = checkRead(env, src);
    rememberKind(env, checkRead(env, dst));
    accessMemory(env, { base: dst, offset, size, write: true, value, valueNumber: src, atomic: true });
    checkAtomicPointer(env, dst, 'stores into');
  } else readModifyWrite(env, imm, { base: dst, offset, size }, src);
  env.slot++;
}

function readModifyWrite(
  env: Environment,
  imm: number,
  place: Pick<Access, 'base' | 'offset' | 'size'>,
  src: number,
): void {
  if (!readModifyWrites.has(imm))
    env.fail('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`);
  if (place.size < 4) env.fail('EINVAL', 'invalid atomic operand size');
  checkRead(env, src);
  checkRead(env, place.base);
  if (imm === 0xf1) checkRead(env, 0);
  checkAtomicPointer(env, place.base, 'stores into');
  const before = accessMemory(env, { ...place, write: false, atomic: true, inPlace: true });
  accessMemory(env, { ...place, write: true, atomic: true, inPlace: true });
  const fetched = imm === 0xf1 ? 0 : imm & 1 ? src : -1;
  if (fetched < 0) return;
  checkWrite(env, fetched);
  env.setRegister(fetched, before);
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
