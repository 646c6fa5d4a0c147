import { accessBtf } from './btf-access.ts';
import { maxStack } from './control-flow.ts';
import type { Environment } from './environment.ts';
import type { Written } from './helper-call.ts';
import {
  checkMapFlags,
  checkMapRange,
  checkPacket,
  checkRange,
  growStack,
  helperMayAccessPacket,
  stackRange,
} from './memory-access.ts';
import { flag, kindText, type Register } from './register.ts';
import { blurred, markRead, writeFixed } from './stack-access.ts';
import { slotKinds } from './state.ts';

/**
 * Memory that a helper or kernel function reads or writes through an argument, of a size that another argument or the
 * prototype tells (kernel/bpf/verifier.c: check_helper_mem_access, check_mem_size_reg).
 */
export interface MemoryUse {
  readonly size: number;
  readonly write: boolean;
  readonly zeroAllowed: boolean;
  /** Gets what is written whole and needs no value before; absent when the size is not known exactly. */
  readonly fills?: Written[] | undefined;
}

export function checkMemory(env: Environment, number: number, use: MemoryUse): void {
  const register = env.register(number);
  const { size, write, zeroAllowed } = use;
  switch (register.kind) {
    case 'packet':
    case 'packetMeta':
      if (!helperMayAccessPacket(env, write)) env.fail('EACCES', 'helper access to the packet is not allowed');
      checkPacket(env, number, 0, size, zeroAllowed);
      break;
    case 'mapKey':
      if (write) env.fail('EACCES', `R${number} cannot write into map_key`);
      checkRange(env, register, number, 0, size, register.shape?.keySize ?? 0, zeroAllowed);
      break;
    case 'mapValue':
      checkMapFlags(env, register, register.offset, size, write);
      checkMapRange(env, number, 0, size, zeroAllowed);
      break;
    case 'memory':
    case 'buffer':
      if (write && register.flags & flag.readOnly)
        env.fail('EACCES', `R${number} cannot write into ${kindText(register.kind, register.flags)}`);
      if (register.kind === 'memory') checkRange(env, register, number, 0, size, register.size, zeroAllowed);
      break;
    case 'stack':
      checkStack(env, number, use);
      break;
    case 'btf':
      accessBtf(env, register, { base: number, offset: 0, size, write: false });
      break;
    default:
      if (register.isNull && size === 0 && zeroAllowed) break;
      env.fail('EACCES', `R${number} type=${kindText(register.kind, register.flags)} expected=fp`);
  }
}

function checkStack(env: Environment, number: number, { size, write, zeroAllowed, fills }: MemoryUse): void {
  if (size === 0 && zeroAllowed) return;
  if (size === 0) env.fail('EACCES', 'invalid zero-sized read');
  const register = env.register(number);
  const { min, max } = stackRange(env, number, 0, size, write ? 'write to' : 'read from');
  growStack(env, register.frame, Math.max(min, -maxStack));
  const frame = env.state.frames[register.frame];
  const raw = write && fills !== undefined && register.scalar.isConst;
  for (let offset = min; offset < max + size; offset++) {
    const slot = frame?.slot((-offset - 1) >> 3);
    const kind = slot?.type((-offset - 1) & 7) ?? slotKinds.invalid;
    if (raw && kind === slotKinds.dynptr) env.fail('EACCES', `potential write to dynptr at off=${min} disallowed`);
    if (raw || kind < slotKinds.dynptr) continue;
    const where = register.scalar.isConst ? `off ${min}+${offset - min}` : `var_off ${offset - min}`;
    env.fail('EACCES', `invalid read from stack R${number} ${where} size ${size}`);
  }
  if (raw) {
    fills.push({ number, size });
    return;
  }
  if (frame) markRead(env, frame, min, max + size);
  if (write) blur(env, register, size);
}

/** Bytes that may be written: not known any more, but not written for sure either. */
function blur(env: Environment, register: Register, size: number): void {
  const frame = env.state.frames[register.frame];
  const from = register.offset + Number(register.scalar.smin);
  const to = register.offset + Number(register.scalar.smax) + size;
  for (let offset = from; frame && offset < to; offset++) frame.slots[(-offset - 1) >> 3] = blurred(frame, offset);
}

/** What a call wrote on the stack is not known any more. */
export function clobber(env: Environment, { number, size }: Written): void {
  const register = env.register(number);
  const frame = register.kind === 'stack' ? env.state.frames[register.frame] : undefined;
  if (!frame) return;
  const from = register.offset + Number(register.scalar.smin);
  const to = register.offset + Number(register.scalar.smax) + size;
  for (let offset = from; offset < to; offset++) writeFixed(env, frame, offset, 1, undefined);
}

/** A size in a register, for the memory that the register before it leads to. */
export function checkSize(
  env: Environment,
  memoryNumber: number,
  size: Register,
  use: { readonly write: boolean; readonly zeroAllowed: boolean; readonly fills?: Written[] | undefined },
): number {
  const number = memoryNumber + 1;
  const { scalar } = size;
  if (scalar.smin < 0n) env.fail('EACCES', `R${number} min value is negative, either use unsigned or 'var &= const'`);
  if (scalar.umin === 0n && !use.zeroAllowed) {
    env.fail('EACCES', `R${number} invalid zero-sized read: u64=[${scalar.umin},${scalar.umax}]`);
  }
  if (scalar.umax >= 1n << 29n) {
    env.fail('EACCES', `R${number} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  const most = Number(scalar.umax);
  checkMemory(env, memoryNumber, {
    size: most,
    write: use.write,
    zeroAllowed: use.zeroAllowed,
    fills: scalar.isConst ? use.fills : undefined,
  });
  env.needsExact(number);
  return most;
}
