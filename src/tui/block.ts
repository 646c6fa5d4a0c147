import type { Action } from './keys.ts';
import { fitLine, type Line } from './text.ts';

/**
 * A piece of the screen: lines from its top, and what a click on them means. Presenters make blocks, the page stacks
 * them; no one but the canvas knows a terminal.
 */
export interface Block {
  readonly lines: readonly Line[];
  readonly targets: readonly Target[];
}

/** Cells [from, to) of a line, and what they stand for. */
export interface Target {
  readonly y: number;
  readonly from: number;
  readonly to: number;
  readonly hit: Hit;
}

export type Hit =
  | { readonly kind: 'row'; readonly index: number }
  | { readonly kind: 'sort'; readonly key: string }
  /** Back to the level of so many opened groups. */
  | { readonly kind: 'level'; readonly depth: number }
  | { readonly kind: 'action'; readonly action: Action };

export const block = (lines: readonly Line[], targets: readonly Target[] = []): Block => ({ lines, targets });

/** One under the other. */
export function stack(...blocks: readonly Block[]): Block {
  const lines: Line[] = [];
  const targets: Target[] = [];
  for (const part of blocks) {
    for (const target of part.targets) targets.push({ ...target, y: target.y + lines.length });
    lines.push(...part.lines);
  }
  return { lines, targets };
}

/** Exactly `height` lines of exactly `cells`. */
export function fitBlock(part: Block, cells: number, height: number): Block {
  const lines = part.lines.slice(0, height).map((line) => fitLine(line, cells));
  while (lines.length < height) lines.push(fitLine([], cells));
  return { lines, targets: part.targets.filter((target) => target.y < height) };
}

export function hitAt(part: Block, x: number, y: number): Hit | undefined {
  return part.targets.find((target) => target.y === y && x >= target.from && x < target.to)?.hit;
}
