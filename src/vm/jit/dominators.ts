/** Graphs of numbered nodes, entered at node 0; successors by node. */
export type Successors = readonly (readonly number[])[];

export interface Order {
  /** Reached nodes in reverse postorder. */
  readonly nodes: readonly number[];
  /** The place of each node in it, -1 for what is never reached. */
  readonly number: Int32Array;
}

export function reversePostorder(successors: Successors): Order {
  const count = successors.length;
  const state = new Int32Array(count);
  const number = new Int32Array(count).fill(-1);
  const stack = [0];
  const nodes: number[] = [];
  number[0] = 0;
  while (stack.length > 0) {
    const node = stack[stack.length - 1] as number;
    const next = successors[node]?.[state[node]!];
    if (next === undefined) {
      nodes.push(node);
      stack.pop();
    } else {
      state[node]!++;
      if (number[next] === -1) {
        number[next] = 0;
        stack.push(next);
      }
    }
  }
  nodes.reverse();
  nodes.forEach((node, index) => {
    number[node] = index;
  });
  return { nodes, number };
}

/** Predecessors of each node, those only that are reached. */
export function predecessorsOf(successors: Successors, nodes: readonly number[]): number[][] {
  const predecessors: number[][] = Array.from({ length: successors.length }, () => []);
  for (const node of nodes) for (const next of successors[node] as readonly number[]) predecessors[next]!.push(node);
  return predecessors;
}

/**
 * The immediate dominator of each reached node, -1 for the others; the entry is its own. The semi-NCA method
 * (Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", 2005): nearly linear for any graph, as
 * the simpler iterative one is not.
 */
export function immediateDominators(successors: Successors, order: Order): Int32Array {
  const { vertices, preorder, parents } = depthFirst(successors, order.nodes.length);
  const predecessors = predecessorsOf(successors, order.nodes);
  const count = vertices.length;
  const semi = Int32Array.from(vertices, (_, index) => index);
  const forest = new Forest(parents, semi);
  for (let index = count - 1; index > 0; index--) {
    let least = parents[index] as number;
    for (const before of predecessors[vertices[index] as number] as number[]) {
      least = Math.min(least, semi[forest.evaluate(preorder[before] as number, index + 1)] as number);
    }
    semi[index] = least;
  }
  const byPreorder = parents.slice();
  for (let index = 1; index < count; index++) {
    let up = byPreorder[index] as number;
    while (up > semi[index]!) up = byPreorder[up] as number;
    byPreorder[index] = up;
  }
  const dominators = new Int32Array(successors.length).fill(-1);
  for (let index = 0; index < count; index++) dominators[vertices[index]!] = vertices[byPreorder[index]!] as number;
  return dominators;
}

/** Nodes in depth-first preorder, and the tree's parents by number in it. */
function depthFirst(
  successors: Successors,
  reached: number,
): { vertices: Int32Array; preorder: Int32Array; parents: Int32Array } {
  const vertices = new Int32Array(reached);
  const parents = new Int32Array(reached);
  const preorder = new Int32Array(successors.length).fill(-1);
  const nodes = [0];
  const from = [0];
  for (let count = 0; nodes.length > 0; ) {
    const node = nodes.pop() as number;
    const parent = from.pop() as number;
    if (preorder[node] !== -1) continue;
    preorder[node] = count;
    vertices[count] = node;
    parents[count] = parent;
    const next = successors[node] as readonly number[];
    for (let i = next.length - 1; i >= 0; i--) {
      nodes.push(next[i] as number);
      from.push(count);
    }
    count++;
  }
  return { vertices, preorder, parents };
}

/** The trees that nodes are linked into, last first; a path once walked is cut short. */
class Forest {
  readonly #up: Int32Array;
  readonly #label: Int32Array;
  readonly #semi: Int32Array;
  readonly #path: number[] = [];

  constructor(parents: Int32Array, semi: Int32Array) {
    this.#up = parents.slice();
    this.#label = Int32Array.from(parents, (_, index) => index);
    this.#semi = semi;
  }

  /** The node of least semidominator between `node` and the root of its tree; nodes from `linked` on are linked. */
  evaluate(node: number, linked: number): number {
    if (this.#up[node]! < linked) return this.#label[node] as number;
    const path = this.#path;
    let above = node;
    do {
      path.push(above);
      above = this.#up[above] as number;
    } while (this.#up[above]! >= linked);
    let best = this.#label[above] as number;
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      this.#up[at] = this.#up[above] as number;
      const label = this.#label[at] as number;
      if (this.#semi[best]! < this.#semi[label]!) this.#label[at] = best;
      else best = label;
      above = at;
    }
    return this.#label[node] as number;
  }
}

/** Whether one node dominates another, by intervals of a walk of the dominator tree. */
export function dominance(dominators: Int32Array): (above: number, below: number) => boolean {
  const count = dominators.length;
  const children: number[][] = Array.from({ length: count }, () => []);
  for (let node = 1; node < count; node++) if (dominators[node] !== -1) children[dominators[node]!]!.push(node);
  const first = new Int32Array(count);
  const last = new Int32Array(count);
  const stack = [0];
  for (let clock = 0; stack.length > 0; ) {
    const node = stack.pop() as number;
    if (node < 0) {
      last[~node] = clock;
      continue;
    }
    first[node] = clock++;
    stack.push(~node);
    for (const child of children[node]!) stack.push(child);
  }
  return (above, below) => first[above]! <= first[below]! && first[below]! < last[above]!;
}
