import { type Block, block, type Target } from './block.ts';
import { type KeyRow, keyRows, type PageKind, shownKey } from './keys.ts';
import type { DashboardModel } from './model.ts';
import { justify, printable, type Span, span } from './text.ts';

/** The filter while it is typed, a message, or the keys that do something here, as many as fit. */
export function presentFooter(model: DashboardModel, cells: number): Block {
  if (model.editing) {
    const prompt = [span(' filter: ', 'key'), span(printable(model.filter)), span('▏', 'accent')];
    const hint = [span('Enter keeps it, Esc clears it ', 'dim')];
    return block([justify(prompt, hint, cells)]);
  }
  if (model.message !== '') return block([[span(` ${printable(model.message)}`, 'warn')]]);
  return presentKeys(model.page, cells);
}

function presentKeys(page: PageKind, cells: number): Block {
  const keys = (row: KeyRow): string => row.foot?.[2] ?? shownKey(row);
  const hint = (row: KeyRow): string => `${keys(row)} ${row.foot?.[0] ?? ''}`;
  const here = keyRows.filter((row) => row.foot && row.on.includes(page));
  const ranked = here.toSorted((a, b) => (a.foot?.[1] ?? 0) - (b.foot?.[1] ?? 0));
  const chosen = new Set<KeyRow>();
  // One cell before the first, two between any two.
  let left = cells + 1;
  for (const row of ranked) {
    const needed = hint(row).length + 2;
    if (needed > left) break;
    chosen.add(row);
    left -= needed;
  }
  const line: Span[] = [];
  const targets: Target[] = [];
  let x = 0;
  for (const row of here) {
    if (!chosen.has(row)) continue;
    line.push(span(x === 0 ? ' ' : '  '), span(keys(row), 'key'), span(` ${row.foot?.[0] ?? ''}`));
    x += x === 0 ? 1 : 2;
    targets.push({ y: 0, from: x, to: x + hint(row).length, hit: { kind: 'action', action: row.action } });
    x += hint(row).length;
  }
  return block([line], targets);
}
