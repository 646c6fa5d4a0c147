import { colours, type InterferenceGraph } from './interference.ts';
import { firstVirtual } from './machine.ts';
import type { Moves } from './moves.ts';

/** Colours of the registers, and those that found none. */
export interface Colouring {
  /** Of each register that stands in the graph; -1: none. */
  readonly colourOf: Int8Array;
  readonly spilled: readonly number[];
}

/**
 * Colours the graph, optimistically: the order is made by taking away what is easy to colour, or else cheap to spill,
 * until nothing is left; the last to go is the first to be coloured.
 * @param reloads the first of the registers that live between one instruction and its reload or save
 */
export function colour(graph: InterferenceGraph, moves: Moves, reloads: number): Colouring {
  const colourOf = new Int8Array(graph.size).fill(-1);
  for (let i = 0; i < colours; i++) colourOf[i] = i;
  return colourInOrder(removalOrder(graph, reloads).reverse(), graph, moves, colourOf);
}

/**
 * Colours the registers from `since` on, and leaves the others as they are: those of reloads live so shortly that this
 * is mostly enough.
 */
export function colourMore(
  graph: InterferenceGraph,
  moves: Moves,
  { colourOf: known }: Colouring,
  since: number,
): Colouring {
  const colourOf = new Int8Array(graph.size).fill(-1);
  colourOf.set(known);
  const order: number[] = [];
  for (let i = since; i < graph.size; i++) order.push(i);
  return colourInOrder(order, graph, moves, colourOf);
}

function colourInOrder(
  order: readonly number[],
  { start, end, neighbours, forbidden }: InterferenceGraph,
  moves: Moves,
  colourOf: Int8Array,
): Colouring {
  const spilled: number[] = [];
  /** A bit for the colour of each register that has one: neighbours in no order are hard to guess for a branch. */
  const bitOf = new Uint16Array(colourOf.length);
  for (let i = 0; i < bitOf.length; i++) if ((colourOf[i] as number) >= 0) bitOf[i] = 1 << (colourOf[i] as number);
  moves.link();
  for (const node of order) {
    let taken = forbidden[node] as number;
    const from = start[node] as number;
    for (let at = (end[node] as number) - 1; at >= from; at--) taken |= bitOf[neighbours[at] as number] as number;
    const free = moves.freeColour(node, taken, colourOf);
    if (free < 0) spilled.push(node);
    else {
      colourOf[node] = free;
      bitOf[node] = 1 << free;
    }
  }
  return { colourOf, spilled };
}

function removalOrder(
  { start, end, neighbours, standing, degree, cost, size }: InterferenceGraph,
  reloads: number,
): number[] {
  const order: number[] = [];
  /** Neighbours that are left; below 0 for what is taken away. */
  const rest = new Int32Array(size).fill(-1);
  const left: number[] = [];
  const easy: number[] = [];
  for (let i = firstVirtual; i < size; i++) {
    const around = degree[i] as number;
    if (standing[i] === 0 || (cost[i] === 0 && around === 0)) continue;
    rest[i] = around;
    left.push(i);
    if (around < colours) easy.push(i);
  }
  for (;;) {
    let node = easy.pop() ?? -1;
    if (node < 0) node = cheapest(left, rest, cost, reloads);
    if (node < 0) return order;
    if ((rest[node] as number) < 0) continue;
    rest[node] = -1;
    order.push(node);
    const from = start[node] as number;
    for (let at = (end[node] as number) - 1; at >= from; at--) {
      const one = neighbours[at] as number;
      const around = rest[one] as number;
      rest[one] = around - 1;
      if (around === colours) easy.push(one);
    }
  }
}

/** The node whose spilling costs least for the neighbours that it frees; what was taken away leaves the list. */
function cheapest(nodes: number[], rest: Int32Array, cost: Float64Array, reloads: number): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  let kept = 0;
  for (const node of nodes) {
    const around = rest[node] as number;
    if (around < 0) continue;
    nodes[kept++] = node;
    const one = node >= reloads ? 1e12 : (cost[node] as number) / around;
    if (one >= least) continue;
    least = one;
    best = node;
  }
  nodes.length = kept;
  return best;
}
