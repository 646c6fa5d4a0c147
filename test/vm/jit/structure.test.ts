import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dominance, immediateDominators, reversePostorder, type Successors } from '../../../src/vm/jit/dominators.ts';
import { structure } from '../../../src/vm/jit/structure.ts';

/** Graphs of up to 14 nodes with up to two edges each, as jumps make them. */
const graphs = fc
  .integer({ min: 1, max: 14 })
  .chain((count) => fc.array(fc.array(fc.nat(count - 1), { maxLength: 2 }), { minLength: count, maxLength: count }));

/** Whether every way from the entry to `below` passes `above`: tried by walking around it. */
function dominatesByWalk(graph: Successors, above: number, below: number): boolean {
  if (above === 0 || above === below) return true;
  const seen = new Set([0]);
  const work = [0];
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (node === below) return false;
    for (const next of graph[node] as readonly number[]) {
      if (next === above || seen.has(next)) continue;
      seen.add(next);
      work.push(next);
    }
  }
  return true;
}

describe('dominators', () => {
  test('are those that every way passes', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const order = reversePostorder(graph);
        const dominates = dominance(immediateDominators(graph, order));
        for (const above of order.nodes) {
          for (const below of order.nodes) expect(dominates(above, below)).toBe(dominatesByWalk(graph, above, below));
        }
      }),
    );
  });

  test('of a chain of 200,000 with a common end take linear time', () => {
    const count = 200_000;
    const chain = Array.from({ length: count }, (_, node) => (node + 1 < count ? [node + 1, count - 1] : []));
    const dominators = immediateDominators(chain, reversePostorder(chain));
    expect(dominators[count - 1]).toBe(0);
    expect(dominators[count - 2]).toBe(count - 3);
  });
});

describe('structure', () => {
  test('leaves every edge against the order to a node that dominates its source', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { successors, order } = structure(graph);
        const dominates = dominance(immediateDominators(successors, reversePostorder(successors)));
        successors.forEach((list, node) => {
          if (order[node] === -1) return;
          for (const next of list) if (order[next]! <= order[node]!) expect(dominates(next, node)).toBe(true);
        });
      }),
    );
  });

  test('leads from every node to the same successors, dispatch nodes passed', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { successors, dispatchOf, labelOf, order } = structure(graph);
        graph.forEach((list, node) => {
          if (order[node] === -1) return;
          list.forEach((next, edge) => {
            const through = dispatchOf[next] as number;
            expect(successors[node]![edge]).toBe(through === -1 ? next : through);
            if (through !== -1) expect(successors[through]![labelOf[next]!]).toBe(next);
          });
        });
      }),
    );
  });

  test('puts no dispatch node into a reducible graph', () => {
    expect(structure([[1], [2, 3], [1], []]).successors).toHaveLength(4);
  });

  test('puts one in front of two entries of a loop', () => {
    const { successors, dispatchOf } = structure([[1, 2], [2], [1]]);
    expect(successors.slice(0, 3)).toEqual([[3, 3], [3], [3]]);
    expect([...(successors[3] as readonly number[])].sort()).toEqual([1, 2]);
    expect([...dispatchOf.subarray(0, 3)]).toEqual([-1, 3, 3]);
  });
});
