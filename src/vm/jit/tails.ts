import { type Block, type BlockEnd, successorsOf } from './blocks.ts';

/**
 * Ends of a function that several ways lead to are given to each of them as a copy. What is the same on one of these
 * ways, a field that is 0 or a version that is 4, is then known in its copy, and no way has to bring its registers
 * into the places that the others use: on a flow dissector a fifth of the time.
 *
 * Only what goes straight to an `exit` is copied, so that the graph keeps its form.
 */
/** A longer tail is not copied, and no more instructions than that are added to a function. */
const longestTail = 192;
const mostAdded = 2048;
/** A shorter one, such as `r0 = 0; exit`, is copied only to what goes on there anyway: branches may share it. */
const shortestTail = 8;

export function copyTails(blocks: readonly Block[]): readonly Block[] {
  const entries = new Int32Array(blocks.length);
  entries[0] = 1;
  for (const { end } of blocks) for (const next of successorsOf(end)) entries[next]!++;
  const isTail = (node: number): boolean => {
    const { end, count } = blocks[node] as Block;
    const ends = end.kind === 'exit' || (end.kind === 'goto' && blocks[end.next]?.end.kind === 'exit');
    return ends && entries[node]! > 1 && count <= longestTail;
  };
  if (!blocks.some((_, node) => isTail(node))) return blocks;
  const copies: Block[] = [];
  let added = 0;
  /** A way that leads to a tail: to a copy, except the last one, which keeps the tail itself. */
  const own = (next: number, least: number): number => {
    if (!isTail(next)) return next;
    const { count } = blocks[next] as Block;
    if (count < least || added + count > mostAdded) return next;
    entries[next]!--;
    added += count;
    return blocks.length + copies.push(blocks[next] as Block) - 1;
  };
  const led = blocks.map(
    (block): Block => ({
      ...block,
      end: leadTo(block.end, (next) => own(next, block.end.kind === 'goto' ? 1 : shortestTail)),
    }),
  );
  return [...led, ...copies];
}

/** The same end with its successors renamed. */
export function leadTo(end: BlockEnd, rename: (node: number) => number): BlockEnd {
  switch (end.kind) {
    case 'goto':
      return { kind: 'goto', next: rename(end.next) };
    case 'branch': {
      if (end.taken === end.next) {
        const next = rename(end.next);
        return { kind: 'branch', taken: next, next };
      }
      return { kind: 'branch', taken: rename(end.taken), next: rename(end.next) };
    }
    case 'switch':
      return { kind: 'switch', to: end.to.map(rename) };
    default:
      return end;
  }
}
