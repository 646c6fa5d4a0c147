import { helperById, helperPrototype } from '../uapi/index.ts';
import type { Environment } from './environment.ts';
import type { Slots } from './program.ts';

/**
 * Which registers are still read behind each instruction, whatever the path (kernel/bpf/verifier.c:
 * compute_live_registers): the others are not compared.
 */
const callerSaved = 0x3f;

/** Registers that an instruction reads and sets, as bits. */
function usesOf(env: Environment, slot: number): { use: number; def: number } {
  const { slots } = env;
  const opcode = slots.opcode[slot] as number;
  const dst = 1 << (slots.dst[slot] as number);
  const src = 1 << (slots.src[slot] as number);
  const fromRegister = (opcode & 8) !== 0;
  switch (opcode & 7) {
    case 0:
      // Of loads from the packet nothing is said: all is read.
      return opcode === 0x18 ? { use: 0, def: dst } : { use: 0x3ff, def: 0 };
    case 1:
      return { use: src, def: dst };
    case 2:
      return { use: dst, def: 0 };
    case 3:
      return (opcode & 0xe0) === 0xc0 ? atomicUses(slots.imm[slot] as number, dst, src) : { use: dst | src, def: 0 };
    case 4:
    case 7:
      if ((opcode & 0xf0) === 0xb0) return { use: fromRegister ? src : 0, def: dst };
      if ((opcode & 0xf0) === 0xd0) return { use: dst, def: dst };
      return { use: fromRegister ? dst | src : dst, def: dst };
    default:
      switch (opcode & 0xf0) {
        case 0x00:
        case 0xe0:
          return { use: 0, def: 0 };
        case 0x90:
          return { use: 1, def: 0 };
        case 0x80: {
          const known = slots.isHelperCall(slot) ? argumentCount(env, slots.imm[slot] as number) : 5;
          return { use: ((1 << (known + 1)) - 1) & ~1, def: callerSaved };
        }
        default:
          return { use: fromRegister ? dst | src : dst, def: 0 };
      }
  }
}

/** All five when nothing is known of the helper. */
function argumentCount(env: Environment, id: number): number {
  const name = helperById(id)?.name;
  return name === undefined ? 5 : helperPrototype(name, env.program.type).args.length;
}

function atomicUses(imm: number, dst: number, src: number): { use: number; def: number } {
  if (imm === 0xf1) return { use: 1 | dst | src, def: 1 };
  if (imm === 0x100) return { use: src, def: dst };
  if (imm === 0x110) return { use: dst | src, def: 0 };
  return { use: dst | src, def: imm & 1 ? src : 0 };
}

/** For each slot the registers that are read before they are set again. */
export function computeLiveRegisters(env: Environment): void {
  const { slots, liveRegisters, successors } = env;
  const uses = new Uint16Array(slots.count);
  const kept = new Uint16Array(slots.count);
  for (let slot = 0; slot < slots.count; slot++) {
    const { use, def } = usesOf(env, slot);
    uses[slot] = use;
    kept[slot] = ~def;
  }
  const update = (slot: number): boolean => {
    const next = successors.next[slot] as number;
    const jump = successors.jump[slot] as number;
    const out = (next < 0 ? 0 : (liveRegisters[next] as number)) | (jump < 0 ? 0 : (liveRegisters[jump] as number));
    const live = (out & (kept[slot] as number)) | (uses[slot] as number);
    if (live === liveRegisters[slot]) return false;
    liveRegisters[slot] = live;
    return true;
  };
  for (let slot = slots.count - 1; slot >= 0; slot--) if (!isSecondHalf(slots, slot)) update(slot);
  if (!successors.isForward) carryBack(env, update);
  if (env.log.full) sayLiveRegisters(env);
}

function isSecondHalf(slots: Slots, slot: number): boolean {
  return slot > 0 && slots.isWide(slot - 1) && slots.opcode[slot] === 0;
}

/** What jumps back bring: whatever leads to a slot is looked at again when that has changed. */
function carryBack({ slots, successors }: Environment, update: (slot: number) => boolean): void {
  const { next, jump } = successors;
  /** The slots that lead to each: where its chain begins, and for each way the place of the next. */
  const first = new Int32Array(slots.count).fill(-1);
  const other = new Int32Array(slots.count * 2).fill(-1);
  const pending: number[] = [];
  for (let slot = 0; slot < slots.count; slot++) {
    if (isSecondHalf(slots, slot)) continue;
    for (let way = 0; way < 2; way++) {
      const to = (way === 0 ? next[slot] : jump[slot]) as number;
      if (to < 0) continue;
      other[slot * 2 + way] = first[to] as number;
      first[to] = slot * 2 + way;
      if (to <= slot) pending.push(slot);
    }
  }
  for (let slot = pending.pop(); slot !== undefined; slot = pending.pop()) {
    if (!update(slot)) continue;
    for (let at = first[slot] as number; at >= 0; at = other[at] as number) pending.push(at >>> 1);
  }
}

function sayLiveRegisters(env: Environment): void {
  env.say('Live regs before insn:');
  const { slots } = env;
  for (let slot = 0; slot < slots.count; slot++) {
    const live = env.liveRegisters[slot] as number;
    let text = '';
    for (let register = 0; register < 10; register++) text += (live >>> register) & 1 ? String(register) : '.';
    const loop = env.loops.of(slot);
    const group = loop === 0 ? '    ' : `${String(loop).padStart(3)} `;
    env.say(`${group}${String(slot).padStart(3)}: ${text} ${env.instructionText(slot)}`);
    if (slots.isWide(slot)) slot++;
  }
}
