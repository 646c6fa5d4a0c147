import {
  dominance,
  immediateDominators,
  type Order,
  predecessorsOf,
  reversePostorder,
  type Successors,
} from './dominators.ts';

/**
 * From a control-flow graph to WebAssembly's nested blocks, after Norman Ramsey, "Beyond Relooper" (ICFP 2022): the
 * dominator tree is walked; a node that several forward edges reach becomes the end of a `block`, a node that a back
 * edge reaches the head of a `loop`, every other node stands where its one predecessor branches to it. A component
 * with several entries (irreducible) first gets a dispatch node in front of them.
 *
 * Nothing here recurses: a program may have a million instructions.
 */
export interface Structure {
  /** The graph with dispatch nodes behind the given ones. An edge to a dispatched node goes through its dispatch. */
  readonly successors: Successors;
  /** The dispatch node that must be passed to reach a node, or -1. */
  readonly dispatchOf: Int32Array;
  /** Its number among the dispatch node's successors. */
  readonly labelOf: Int32Array;
  /** Reverse postorder number, -1 for what is never reached. */
  readonly order: Int32Array;
  /** Children in the dominator tree that are merges, last in reverse postorder first (so the outermost block first). */
  readonly merges: readonly (readonly number[])[];
  readonly isMerge: Uint8Array;
  readonly isLoop: Uint8Array;
}

/**
 * Orders, dominators, merges and loop heads of a graph, dispatch nodes put in where it is irreducible.
 * @param switches nodes that reach their successors by a table: these then all stand behind the end of a block
 */
export function structure(graph: Successors, switches: ReadonlySet<number> = new Set()): Structure {
  let successors: Successors = graph;
  let dispatch: Dispatch | undefined;
  let order = reversePostorder(successors);
  let dominators = immediateDominators(successors, order);
  if (!isReducible(successors, order, dominators)) {
    dispatch = new Dispatch(graph);
    successors = dispatch.successors;
    order = reversePostorder(successors);
    dominators = immediateDominators(successors, order);
  }
  const count = successors.length;
  const forward = new Int32Array(count);
  const isLoop = new Uint8Array(count);
  for (const node of order.nodes) {
    const byTable = node >= graph.length || switches.has(node);
    for (const next of successors[node] as readonly number[]) {
      if (order.number[next]! <= order.number[node]!) isLoop[next] = 1;
      else forward[next]! += byTable ? 2 : 1;
    }
  }
  const isMerge = new Uint8Array(count);
  const merges: number[][] = Array.from({ length: count }, () => []);
  for (let i = order.nodes.length - 1; i > 0; i--) {
    const node = order.nodes[i] as number;
    if (forward[node]! < 2) continue;
    isMerge[node] = 1;
    merges[dominators[node]!]!.push(node);
  }
  const none = (): Int32Array => new Int32Array(count).fill(-1);
  return {
    successors,
    dispatchOf: dispatch?.nodeOf ?? none(),
    labelOf: dispatch?.labelOf ?? none(),
    order: order.number,
    merges,
    isMerge,
    isLoop,
  };
}

/** Every edge against the order goes to a dominator of its source. */
function isReducible(successors: Successors, order: Order, dominators: Int32Array): boolean {
  let dominates: ((above: number, below: number) => boolean) | undefined;
  for (const node of order.nodes) {
    for (const next of successors[node] as readonly number[]) {
      if (order.number[next]! > order.number[node]!) continue;
      dominates ??= dominance(dominators);
      if (!dominates(next, node)) return false;
    }
  }
  return true;
}

/** How often all nodes may be looked at before one dispatch node for the whole graph is put in instead. */
const mostVisits = 64;

/** Puts dispatch nodes in front of components with several entries, from the outside in. */
class Dispatch {
  readonly successors: number[][];
  readonly nodeOf: Int32Array;
  readonly labelOf: Int32Array;
  readonly #predecessors: number[][];

  constructor(graph: Successors) {
    const nodes = reversePostorder(graph).nodes;
    this.successors = graph.map((list) => [...list]);
    this.#predecessors = predecessorsOf(this.successors, nodes);
    this.nodeOf = new Int32Array(graph.length * 2).fill(-1);
    this.labelOf = new Int32Array(graph.length * 2).fill(-1);
    if (this.#makeReducible(nodes)) return;
    // Deep nests of loops would be walked again and again: every edge goes through one node then.
    this.successors = graph.map((list) => [...list]);
    const all = predecessorsOf(this.successors, nodes);
    for (const node of nodes) this.#predecessors[node] = all[node] as number[];
    this.nodeOf.fill(-1);
    this.labelOf.fill(-1);
    this.#dispatchTo([...nodes]);
  }

  /** False when it took too long. */
  #makeReducible(nodes: readonly number[]): boolean {
    const work: (readonly number[])[] = [nodes];
    let visits = nodes.length * mostVisits;
    for (let region = work.pop(); region; region = work.pop()) {
      visits -= region.length;
      if (visits < 0) return false;
      for (const component of components(this.successors, region)) {
        const header = this.#header(component);
        const inside = component.filter((node) => node !== header);
        if (inside.length > 0) work.push(inside);
      }
    }
    return true;
  }

  /** The one entry of a component; a dispatch node is made where there are several. */
  #header(component: readonly number[]): number {
    const inside = new Set(component);
    const entries = component.filter(
      (node) => node === 0 || this.#predecessors[node]!.some((before) => !inside.has(before)),
    );
    return entries.length === 1 ? (entries[0] as number) : this.#dispatchTo(entries);
  }

  /** All edges to the entries now go to a new node, which knows by its label where to go on. */
  #dispatchTo(entries: number[]): number {
    const dispatch = this.successors.length;
    const sources = new Set<number>();
    entries.forEach((entry, label) => {
      for (const before of this.#predecessors[entry] as number[]) {
        sources.add(before);
        const edges = this.successors[before] as number[];
        edges.forEach((target, i) => {
          if (target === entry) edges[i] = dispatch;
        });
      }
      this.#predecessors[entry] = [dispatch];
      this.nodeOf[entry] = dispatch;
      this.labelOf[entry] = label;
    });
    this.successors.push(entries);
    this.#predecessors.push([...sources]);
    return dispatch;
  }
}

/** Strongly connected components of the given nodes that hold a cycle (Tarjan, without recursion). */
function components(successors: Successors, nodes: readonly number[]): number[][] {
  const member = new Set(nodes);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const found: number[][] = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const walk: { node: number; next: number }[] = [{ node: root, next: 0 }];
    while (walk.length > 0) {
      const top = walk[walk.length - 1] as { node: number; next: number };
      if (top.next === 0) {
        low.set(top.node, index.size);
        index.set(top.node, index.size);
        stack.push(top.node);
        onStack.add(top.node);
      }
      const next = successors[top.node]?.[top.next++];
      if (next !== undefined) {
        if (!member.has(next)) continue;
        if (!index.has(next)) walk.push({ node: next, next: 0 });
        else if (onStack.has(next)) low.set(top.node, Math.min(low.get(top.node)!, index.get(next)!));
        continue;
      }
      walk.pop();
      const parent = walk[walk.length - 1];
      if (parent) low.set(parent.node, Math.min(low.get(parent.node)!, low.get(top.node)!));
      if (low.get(top.node) !== index.get(top.node)) continue;
      const component: number[] = [];
      for (let node = -1; node !== top.node; ) {
        node = stack.pop() as number;
        onStack.delete(node);
        component.push(node);
      }
      if (component.length > 1 || successors[top.node]!.includes(top.node)) found.push(component);
    }
  }
  return found;
}
