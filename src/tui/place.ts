import { type Block, block, type Target } from './block.ts';
import type { Browser } from './browser.ts';
import type { DashboardModel } from './model.ts';
import { clip, justify, type Line, lineWidth, printable, type Span, span, width } from './text.ts';

/** The line above a page that says where the user is, and what stands there when a page is empty. */

/** The groups that are open, each clickable; the ends matter most, so the middle gives way. */
export function presentPlace(browser: Browser, here: string | undefined, right: readonly Span[], cells: number): Block {
  const names = ['all', ...browser.path.map((key) => (key === '' ? '(none)' : printable(key)))];
  if (here !== undefined) names.push(here);
  const room = Math.max(10, cells - lineWidth(right) - 2);
  const separator = ' › ';
  let first = 0;
  const shownWidth = (): number =>
    names.slice(first).reduce((sum, name) => sum + width(name) + separator.length, first > 0 ? separator.length : 0);
  while (first < names.length - 1 && shownWidth() > room) first++;
  const line: Span[] = [span(' ')];
  const targets: Target[] = [];
  let x = 1;
  if (first > 0) {
    line.push(span('…', 'dim'), span(separator, 'dim'));
    x += 1 + separator.length;
  }
  names.slice(first).forEach((name, i) => {
    const last = first + i === names.length - 1;
    const text = clip(name, Math.max(4, room - x));
    if (i > 0) {
      line.push(span(separator, 'dim'));
      x += separator.length;
    }
    line.push(span(text, last ? 'strong' : 'plain'));
    if (!last) targets.push({ y: 0, from: x, to: x + width(text), hit: { kind: 'level', depth: first + i } });
    x += width(text);
  });
  return block([justify(line, right, cells)], targets);
}

export function filterSpans(model: DashboardModel): Span[] {
  return model.filter === '' ? [] : [span('  filter: '), span(printable(model.filter), 'warn')];
}

export function emptyLines(model: DashboardModel, noun: string): Line[] {
  if (model.filter !== '')
    return [[], [span(`  Nothing matches “${printable(model.filter)}”. Esc clears the filter.`)]];
  const ended = model.run.state === 'ended';
  const article = /^[aeiou]/.test(noun) ? 'an' : 'a';
  return [[], [span(ended ? `  The scenario ended without ${article} ${noun}.` : `  No ${noun} yet.`, 'dim')]];
}
