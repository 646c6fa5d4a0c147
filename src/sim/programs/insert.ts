import { viewOf } from '../../base/index.ts';
import { factRegisters } from '../../isa/index.ts';
import type { LinkedProgram } from '../../vm/index.ts';
import { ldImm64 } from './verification.ts';

/**
 * Puts instructions into a verified program, as bpf_patch_insn_single does (kernel/bpf/core.c): what jumped to the
 * instruction behind comes to the new one, all other jumps and calls go where they went.
 */
const classMask = 0x07;
const jump = 0x05;
const jump32 = 0x06;
const operationMask = 0xf0;
const call = 0x80;
const exit = 0x90;
/** JMP32 | JA: its distance is the immediate. */
const longJump = 0x06;
/** The source of a call of a function of the program, and of an ld_imm64 of its address. */
const localCall = 1;
const functionAddress = 4;

/**
 * A copy of the program with an instruction before each of the slots, which are in ascending order.
 * @param instruction the 8 bytes that go before a slot
 */
export function insertBefore(
  program: LinkedProgram,
  slots: readonly number[],
  instruction: (slot: number) => Uint8Array,
): LinkedProgram {
  if (slots.length === 0) return program;
  const { name, code, facts } = program;
  const count = code.length / 8;
  /** Where an old slot stands now, and where what jumped to it goes. */
  const moved = new Int32Array(count + 1);
  const target = new Int32Array(count + 1);
  let added = 0;
  for (let slot = 0; slot <= count; slot++) {
    target[slot] = slot + added;
    if (slots[added] === slot) added++;
    moved[slot] = slot + added;
  }
  const longer = new Uint8Array(code.length + added * 8);
  const view = viewOf(longer);
  for (const slot of slots) longer.set(instruction(slot), (target[slot] as number) * 8);
  for (let slot = 0; slot < count; slot++) {
    const now = moved[slot] as number;
    longer.set(code.subarray(slot * 8, slot * 8 + 8), now * 8);
    relocate(view, slot, now, target);
    if (code[slot * 8] !== ldImm64) continue;
    slot++;
    longer.set(code.subarray(slot * 8, slot * 8 + 8), (now + 1) * 8);
  }
  if (facts === undefined) return { name, code: longer };
  const { mayFault } = facts;
  return {
    name,
    code: longer,
    facts: {
      verified: facts.verified,
      ...(mayFault ? { mayFault: spread(mayFault, 1, moved) } : {}),
      /** Made when it is asked for, as the program's own. */
      get registers() {
        return spread(facts.registers ?? new Uint8Array(count * factRegisters), factRegisters, moved);
      },
    },
  };
}

/** Mends the distance of a jump, a call or an address of a function that stood at a slot. */
function relocate(view: DataView, slot: number, now: number, target: Int32Array): void {
  const at = now * 8;
  const opcode = view.getUint8(at);
  const source = view.getUint8(at + 1) >>> 4;
  const kind = opcode & classMask;
  const operation = opcode & operationMask;
  const isLocal = opcode === (jump | call) && source === localCall;
  const byImmediate = isLocal || opcode === longJump || (opcode === ldImm64 && source === functionAddress);
  if (byImmediate) {
    const to = slot + 1 + view.getInt32(at + 4, true);
    view.setInt32(at + 4, (target[to] as number) - now - 1, true);
  } else if ((kind === jump || kind === jump32) && operation !== call && operation !== exit) {
    const to = slot + 1 + view.getInt16(at + 2, true);
    view.setInt16(at + 2, (target[to] as number) - now - 1, true);
  }
}

/** Bytes of each slot where it stands now; of an added slot nothing is known. */
function spread(bytes: Uint8Array, size: number, moved: Int32Array): Uint8Array {
  const count = bytes.length / size;
  const result = new Uint8Array((moved[count] as number) * size);
  for (let slot = 0; slot < count; slot++) {
    result.set(bytes.subarray(slot * size, (slot + 1) * size), (moved[slot] as number) * size);
  }
  return result;
}
