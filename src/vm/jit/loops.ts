import { type Block, successorsOf } from './blocks.ts';
import { dominance, immediateDominators, type Order, predecessorsOf, reversePostorder } from './dominators.ts';

/** A loop with one entry and no loop in it. */
export interface Loop {
  readonly header: number;
  /** Its nodes in reverse postorder, the header first. */
  readonly nodes: readonly number[];
  /** Nodes outside of it that lead to the header. */
  readonly before: readonly number[];
}

/** The innermost loops of a function; none where two of them share an edge into their middle (irreducible). */
export function innermostLoops(blocks: readonly Block[]): Loop[] {
  const successors = blocks.map(({ end }) => successorsOf(end));
  const order = reversePostorder(successors);
  const sources = backEdges(successors, order);
  if (sources.size === 0) return [];
  const predecessors = predecessorsOf(successors, order.nodes);
  const dominates = dominance(immediateDominators(successors, order));
  for (const [header, ends] of sources) if (!ends.every((end) => dominates(header, end))) return [];
  const loops: Loop[] = [];
  for (const [header, ends] of sources) {
    const nodes = bodyOf(header, ends, predecessors, sources);
    if (!nodes) continue;
    nodes.sort((a, b) => order.number[a]! - order.number[b]!);
    const inside = new Set(nodes);
    loops.push({ header, nodes, before: predecessors[header]!.filter((node) => !inside.has(node)) });
  }
  return loops;
}

/** Headers with the ends of their back edges. */
function backEdges(successors: readonly (readonly number[])[], order: Order): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const node of order.nodes) {
    for (const next of successors[node] as readonly number[]) {
      if (order.number[next]! > order.number[node]!) continue;
      const ends = found.get(next);
      if (ends) ends.push(node);
      else found.set(next, [node]);
    }
  }
  return found;
}

/** Nodes that reach a back edge without passing the header; undefined when another loop's header is among them. */
function bodyOf(
  header: number,
  ends: readonly number[],
  predecessors: readonly (readonly number[])[],
  headers: ReadonlyMap<number, unknown>,
): number[] | undefined {
  const inside = new Set([header]);
  const work = [...ends];
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (inside.has(node)) continue;
    if (headers.has(node)) return undefined;
    inside.add(node);
    work.push(...(predecessors[node] as readonly number[]));
  }
  return [...inside];
}
