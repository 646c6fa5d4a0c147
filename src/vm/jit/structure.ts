/**
 * From a control-flow graph to WebAssembly's nested blocks, after Norman Ramsey, "Beyond Relooper" (ICFP 2022): the
 * dominator tree is walked; a node that several forward edges reach becomes the end of a `block`, a node that a back
 * edge reaches the head of a `loop`, every other node stands where its one predecessor branches to it. A component
 * with several entries (irreducible) first gets a dispatch node in front of them.
 *
 * Nothing here recurses: a program may have a million instructions.
 */
export interface Graph {
  /** Nodes are numbered from 0, the entry. */
  readonly successors: readonly (readonly number[])[];
}

export interface Structure {
  /** The graph with dispatch nodes behind the given ones. An edge to a dispatched node goes through its dispatch. */
  readonly successors: readonly (readonly number[])[];
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

/** Orders, dominators, merges and loop heads of a graph, dispatch nodes put in where it is irreducible. */
export function structure(graph: Graph): Structure {
  const successors = graph.successors.map((list) => [...list]);
  const dispatch = new Dispatch(successors);
  let order = reversePostorder(successors);
  let dominators = immediateDominators(successors, order);
  if (!isReducible(successors, order, dominators)) {
    dispatch.makeReducible();
    order = reversePostorder(successors);
    dominators = immediateDominators(successors, order);
  }
  const count = successors.length;
  const forward = new Int32Array(count);
  const isLoop = new Uint8Array(count);
  for (let node = 0; node < count; node++) {
    if (order.number[node] === -1) continue;
    for (const next of successors[node] as number[]) {
      if (order.number[next]! <= order.number[node]!) isLoop[next] = 1;
      // What a dispatch goes to is reached through br_table, so it stands behind a block's end like a merge.
      else forward[next]! += node < graph.successors.length ? 1 : 2;
    }
  }
  const isMerge = new Uint8Array(count);
  const merges: number[][] = Array.from({ length: count }, () => []);
  for (let i = order.nodes.length - 1; i > 0; i--) {
    const node = order.nodes[i] as number;
    if (forward[node]! < 2) continue;
    isMerge[node] = 1;
    (merges[dominators[node] as number] as number[]).push(node);
  }
  return {
    successors,
    dispatchOf: dispatch.nodeOf(count),
    labelOf: dispatch.labelOf(count),
    order: order.number,
    merges,
    isMerge,
    isLoop,
  };
}

interface Order {
  /** Reached nodes in reverse postorder. */
  readonly nodes: readonly number[];
  readonly number: Int32Array;
}

function reversePostorder(successors: readonly (readonly number[])[]): Order {
  const count = successors.length;
  const state = new Int32Array(count);
  const seen = new Uint8Array(count);
  const stack = [0];
  const nodes: number[] = [];
  seen[0] = 1;
  while (stack.length > 0) {
    const node = stack[stack.length - 1] as number;
    const next = successors[node]?.[state[node]!];
    if (next === undefined) {
      nodes.push(node);
      stack.pop();
    } else {
      state[node]!++;
      if (seen[next] === 0) {
        seen[next] = 1;
        stack.push(next);
      }
    }
  }
  nodes.reverse();
  const number = new Int32Array(count).fill(-1);
  nodes.forEach((node, index) => {
    number[node] = index;
  });
  return { nodes, number };
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". The entry dominates itself. */
function immediateDominators(successors: readonly (readonly number[])[], order: Order): Int32Array {
  const predecessors = predecessorsOf(successors, order.nodes);
  const dominators = new Int32Array(successors.length).fill(-1);
  dominators[0] = 0;
  const meet = (a: number, b: number): number => {
    let x = a;
    let y = b;
    while (x !== y) {
      while (order.number[x]! > order.number[y]!) x = dominators[x] as number;
      while (order.number[y]! > order.number[x]!) y = dominators[y] as number;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of order.nodes) {
      if (node === 0) continue;
      let best = -1;
      for (const before of predecessors[node] as number[]) {
        if (dominators[before] === -1) continue;
        best = best === -1 ? before : meet(before, best);
      }
      if (dominators[node] !== best) {
        dominators[node] = best;
        changed = true;
      }
    }
  }
  return dominators;
}

/** Every edge against the order goes to a dominator of its source. */
function isReducible(successors: readonly (readonly number[])[], order: Order, dominators: Int32Array): boolean {
  for (const node of order.nodes) {
    for (const next of successors[node] as number[]) {
      if (order.number[next]! > order.number[node]!) continue;
      let up = node;
      while (order.number[up]! > order.number[next]!) up = dominators[up] as number;
      if (up !== next) return false;
    }
  }
  return true;
}

/** Puts dispatch nodes in front of components with several entries, from the outside in. */
class Dispatch {
  readonly #successors: number[][];
  readonly #node = new Map<number, number>();
  readonly #label = new Map<number, number>();
  #predecessors: number[][] = [];

  constructor(successors: number[][]) {
    this.#successors = successors;
  }

  nodeOf(count: number): Int32Array {
    const out = new Int32Array(count).fill(-1);
    for (const [entry, node] of this.#node) out[entry] = node;
    return out;
  }

  labelOf(count: number): Int32Array {
    const out = new Int32Array(count).fill(-1);
    for (const [entry, label] of this.#label) out[entry] = label;
    return out;
  }

  makeReducible(): void {
    const nodes = reversePostorder(this.#successors).nodes;
    this.#predecessors = predecessorsOf(this.#successors, nodes);
    const work: (readonly number[])[] = [nodes];
    while (work.length > 0) {
      for (const component of components(this.#successors, work.pop() as readonly number[])) {
        const header = this.#header(component);
        const inside = component.filter((node) => node !== header);
        if (inside.length > 0) work.push(inside);
      }
    }
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
    const dispatch = this.#successors.length;
    const sources = new Set<number>();
    entries.forEach((entry, label) => {
      for (const before of this.#predecessors[entry] as number[]) {
        sources.add(before);
        const edges = this.#successors[before] as number[];
        edges.forEach((target, i) => {
          if (target === entry) edges[i] = dispatch;
        });
      }
      this.#predecessors[entry] = [dispatch];
      this.#node.set(entry, dispatch);
      this.#label.set(entry, label);
    });
    this.#successors.push(entries);
    this.#predecessors.push([...sources]);
    return dispatch;
  }
}

function predecessorsOf(successors: readonly (readonly number[])[], nodes: readonly number[]): number[][] {
  const predecessors: number[][] = Array.from({ length: successors.length }, () => []);
  for (const node of nodes) for (const next of successors[node] as number[]) predecessors[next]!.push(node);
  return predecessors;
}

/** Strongly connected components of the given nodes that hold a cycle (Tarjan, without recursion). */
function components(successors: readonly (readonly number[])[], nodes: readonly number[]): number[][] {
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
        index.set(top.node, index.size);
        low.set(top.node, index.get(top.node) as number);
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
