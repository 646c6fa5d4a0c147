import type { Register } from '../../isa/index.ts';
import { InterferenceGraph } from './interference.ts';
import { LiveOut } from './liveness.ts';
import { framePointer, Machine, type MachineFunction } from './machine.ts';

/**
 * Register allocation by colouring the interference graph (Chaitin, Briggs): copies are coalesced where that cannot
 * cost a spill, what is live over a call keeps out of r0–r5, and what finds no colour goes to the stack. BPF has ten
 * registers to give.
 */
const mostRounds = 40;

/** Gives each virtual register a real one; the frame grows by what is spilled. */
export function allocateRegisters(f: MachineFunction): void {
  const temporary = new Set<number>();
  const out = new LiveOut(f);
  for (let round = 0; round < mostRounds; round++) {
    const graph = new InterferenceGraph(f);
    graph.build(out);
    graph.coalesce();
    const spilled = graph.colour(temporary);
    if (spilled.length === 0) {
      graph.apply();
      return;
    }
    for (const register of spilled) {
      const members = graph.members(register);
      for (const member of members) out.delete(member);
      spill(f, members, temporary);
    }
  }
  throw new RangeError('the registers of this function cannot be given out');
}

/** Keeps registers in eight bytes of the stack: read before each use, written after each change. */
function spill(f: MachineFunction, members: readonly number[], temporary: Set<number>): void {
  f.frame = Math.ceil((f.frame + 8) / 8) * 8;
  const offset = -f.frame;
  const gone = new Uint8Array(f.registers);
  for (const member of members) gone[member] = 1;
  const isGone = (register: number): boolean => gone[register] === 1;
  const fresh = (): number => {
    temporary.add(f.registers);
    return f.registers++;
  };
  const reload = (to: number, at: Machine['at']): Machine =>
    new Machine(to, [framePointer], at, (dst, uses) => ({
      kind: 'load',
      signed: false,
      dst,
      size: 8,
      base: uses[0] as Register,
      offset,
    }));
  const save = (from: number, at: Machine['at']): Machine =>
    new Machine(-1, [framePointer, from], at, (_, uses) => ({
      kind: 'store',
      size: 8,
      base: uses[0] as Register,
      offset,
      src: { kind: 'register', register: uses[1] as Register },
    }));
  for (const block of f.blocks) {
    const code: Machine[] = [];
    for (const machine of block.code) {
      const reads = machine.uses.some(isGone);
      const writes = isGone(machine.def);
      if (machine.move && reads && writes) continue;
      const register = reads || writes ? fresh() : -1;
      if (reads) code.push(reload(register, machine.at));
      if (reads) machine.uses = machine.uses.map((one) => (isGone(one) ? register : one));
      if (writes) machine.def = register;
      code.push(machine);
      if (writes) code.push(save(register, machine.at));
    }
    const { end } = block;
    if (end.kind === 'branch') {
      const right = 'register' in end.right ? end.right.register : -1;
      if (isGone(end.left) || isGone(right)) {
        const register = fresh();
        code.push(reload(register, end.at));
        if (isGone(end.left)) end.left = register;
        if (isGone(right)) end.right = { register };
      }
    }
    block.code = code;
  }
}
