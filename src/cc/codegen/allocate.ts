import { GraphBuilder, mostLive } from './build-graph.ts';
import { type Colouring, colour, colourMore } from './colour.ts';
import { colours, InterferenceGraph } from './interference.ts';
import { LiveOut } from './liveness.ts';
import { firstVirtual, type MachineFunction } from './machine.ts';
import { Moves } from './moves.ts';
import { Spiller } from './spill.ts';

/**
 * Register allocation by colouring the interference graph (Chaitin, Briggs): copies are coalesced where that cannot
 * cost a spill, what is live over a call keeps out of r0–r5, and what finds no colour goes to the stack. BPF has ten
 * registers to give. The graph is made once: spilling takes registers out of it, and puts in those of the reloads.
 */
const mostRounds = 40;

/** Gives each virtual register a real one; the frame grows by what is spilled. Where it outgrows the stack by far, none. */
export function allocateRegisters(f: MachineFunction): void {
  const out = new LiveOut(f);
  const graph = new InterferenceGraph();
  const moves = new Moves(graph);
  const builder = new GraphBuilder(graph, moves);
  const reloads = f.registers;
  graph.grow(f.registers);
  builder.add(f.blocks, out, firstVirtual);
  if (builder.most > mostLive) {
    f.frame += (builder.most - colours) * 8;
    return;
  }
  moves.coalesce();
  let colouring = colour(graph, moves, reloads);
  for (let round = 0; colouring.spilled.length > 0; round++) {
    if (round === mostRounds) throw new RangeError('the registers of this function cannot be given out');
    const groups = groupsOf(colouring.spilled, graph);
    moves.remove(colouring.spilled);
    for (let i = firstVirtual; i < graph.size; i++) if ((groups[i] as number) >= 0) out.delete(i);
    const blocks = new Spiller(f, groups, colouring.spilled.length).run();
    const since = graph.size;
    graph.grow(f.registers);
    builder.add(blocks, out, since);
    colouring = colourMore(graph, moves, colouring, since);
    if (colouring.spilled.length === 0) break;
    moves.coalesce();
    colouring = colour(graph, moves, reloads);
  }
  apply(f, graph, colouring);
}

/** The number of each register among those that are spilled; -1 for the others. */
function groupsOf(spilled: readonly number[], graph: InterferenceGraph): Int32Array {
  const groups = new Int32Array(graph.size).fill(-1);
  for (const [i, register] of spilled.entries()) groups[register] = i;
  for (let i = firstVirtual; i < graph.size; i++) groups[i] = groups[graph.find(i)] as number;
  return groups;
}

/** Names the real registers in the code, and takes out the copies that are none any more. */
function apply(f: MachineFunction, graph: InterferenceGraph, { colourOf }: Colouring): void {
  const names = new Int8Array(graph.size);
  for (let i = 0; i < names.length; i++)
    names[i] = i < firstVirtual ? i : Math.max(0, colourOf[graph.find(i)] as number);
  const nameOf = (register: number): number => names[register] as number;
  for (const { code, end } of f.blocks) {
    let kept = 0;
    for (const machine of code) {
      const { uses } = machine;
      if (machine.def >= 0) machine.def = nameOf(machine.def);
      for (let i = 0; i < uses.length; i++) uses[i] = nameOf(uses[i] as number);
      if (!machine.move || machine.def !== uses[0]) code[kept++] = machine;
    }
    code.length = kept;
    if (end.kind !== 'branch') continue;
    end.left = nameOf(end.left);
    if ('register' in end.right) end.right = { register: nameOf(end.right.register) };
  }
}
