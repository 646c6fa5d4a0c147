import { type Block, successorsOf } from './blocks.ts';

/**
 * A function that is too large for one WebAssembly function (V8 takes bodies of up to 7,654,321 bytes, and optimises
 * small ones sooner) is cut into chunks. Each is a graph of its own: a switch over the places where other chunks
 * enter it, its blocks, and a stub for each place in another chunk that it goes on at.
 *
 *   label    | chunk: 16 | entry of that chunk: 16 |
 */
export interface Chunk {
  readonly blocks: readonly Block[];
}

/** Instructions of one chunk; a function of no more is one piece. */
export const mostInstructions = 4096;

export function instructionsOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { count }) => sum + count, 0);
}

/** Cuts a function; it is entered by label 0. */
export function cut(blocks: readonly Block[]): Chunk[] {
  const chunkOf = new Int32Array(blocks.length);
  const members: number[][] = [[]];
  let size = 0;
  blocks.forEach((block, node) => {
    if (size + block.count > mostInstructions && members[members.length - 1]!.length > 0) {
      members.push([]);
      size = 0;
    }
    size += block.count;
    chunkOf[node] = members.length - 1;
    members[members.length - 1]!.push(node);
  });
  const labels = labelEntries(blocks, chunkOf, members.length);
  return members.map((nodes, chunk) => ({ blocks: chunkBlocks(blocks, nodes, chunk, chunkOf, labels) }));
}

/** The label of each block that is entered from another chunk, -1 for the others. */
function labelEntries(blocks: readonly Block[], chunkOf: Int32Array, chunks: number): Int32Array {
  const labels = new Int32Array(blocks.length).fill(-1);
  const counts = new Int32Array(chunks);
  const enter = (node: number): void => {
    if (labels[node] === -1) labels[node] = (chunkOf[node]! << 16) | counts[chunkOf[node]!]!++;
  };
  enter(0);
  blocks.forEach(({ end }, node) => {
    for (const next of successorsOf(end)) if (chunkOf[next] !== chunkOf[node]) enter(next);
  });
  return labels;
}

function chunkBlocks(
  blocks: readonly Block[],
  nodes: readonly number[],
  chunk: number,
  chunkOf: Int32Array,
  labels: Int32Array,
): Block[] {
  const within = new Map(nodes.map((node, index) => [node, index + 1] as const));
  const stubs: Block[] = [];
  const stubOf = new Map<number, number>();
  const place = (next: number): number => {
    if (chunkOf[next] === chunk) return within.get(next) as number;
    let stub = stubOf.get(next);
    if (stub === undefined) {
      stub = nodes.length + 1 + stubs.length;
      stubOf.set(next, stub);
      stubs.push({ first: 0, count: 0, end: { kind: 'leave', label: labels[next] as number } });
    }
    return stub;
  };
  const moved = nodes.map((node): Block => {
    const { first, count, end } = blocks[node] as Block;
    if (end.kind === 'goto') return { first, count, end: { kind: 'goto', next: place(end.next) } };
    if (end.kind !== 'branch') return { first, count, end };
    return { first, count, end: { kind: 'branch', taken: place(end.taken), next: place(end.next) } };
  });
  const entries = nodes.filter((node) => labels[node] !== -1).sort((a, b) => labels[a]! - labels[b]!);
  const entry: Block = { first: 0, count: 0, end: { kind: 'switch', to: entries.map((node) => within.get(node)!) } };
  return [entry, ...moved, ...stubs];
}
