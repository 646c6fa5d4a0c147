import { type Block, block, fitBlock, hitAt, stack, type Target } from './block.ts';
import type { Browser } from './browser.ts';
import { detailLines, helpLines, ledgerLines, presentDocument, printedLines, textLines } from './document.ts';
import { formatClock, formatCount } from './figures.ts';
import { type HeaderModel, presentHeader } from './header.ts';
import { type KeyRow, keyRows, type PageKind, shownKey } from './keys.ts';
import type { DashboardModel } from './model.ts';
import { presentGroups, presentRecords } from './table.ts';
import { clip, justify, type Line, lineWidth, printable, type Span, span, width } from './text.ts';

/**
 * The whole screen from the model: header, where the user is, the page or what lies over it, and the footer. Pure but
 * for one thing: scroll offsets are brought within what there is to show, and the layout is left for the mouse.
 */
export function presentPage(model: DashboardModel, cells: number, rows: number): Block {
  const header = presentHeader(headerModel(model), cells, rows);
  const height = Math.max(1, rows - header.lines.length - 2);
  const [where, body] = presentBody(model, cells, height);
  const page = stack(
    fitBlock(header, cells, header.lines.length),
    fitBlock(where, cells, 1),
    fitBlock(body, cells, height),
    fitBlock(presentFooter(model, cells), cells, 1),
  );
  const whole = fitBlock(page, cells, rows);
  model.layout = { height: model.layout.height, hitAt: (x, y) => hitAt(whole, x, y) };
  return whole;
}

function headerModel({ run, browser }: DashboardModel): HeaderModel {
  const { options, state, speed, time, duration, events } = run;
  const root = browser?.tree.row([], time);
  const meter = run.eventMeter;
  const counted =
    browser && run.view.kind === 'records'
      ? {
          noun: run.view.noun,
          count: root?.count ?? 0,
          rate: root?.rate ?? 0,
          trend: root?.trend ?? [],
          bucket: browser.tree.limits.bucket,
        }
      : { noun: 'event', count: events, rate: meter.rate(time), trend: meter.trend(time), bucket: meter.width };
  const { tool, args, scenario } = options;
  const name = [tool.name, ...args].join(' ');
  const shared = { scenario: scenario.name, state, speed, time, duration, events };
  return { tool: name, ...shared, ...counted, ledger: run.ledger(), warnings: run.warnings() };
}

function presentBody(model: DashboardModel, cells: number, height: number): [where: Block, body: Block] {
  if (model.overlay) return presentOverlay(model, cells, height);
  if (!model.browser) return presentText(model, cells, height);
  if (model.record) return presentDetail(model, model.browser, cells, height);
  return presentList(model, model.browser, cells, height);
}

/** A document and its place line; brings the scroll offset within it. */
function presentPages(
  model: DashboardModel,
  left: Line,
  lines: readonly Line[],
  cells: number,
  height: number,
): [Block, Block] {
  model.scroll = Math.min(model.scroll, Math.max(0, lines.length - height));
  model.layout = { ...model.layout, height };
  const last = Math.min(lines.length, model.scroll + height);
  const part = lines.length > height ? `${model.scroll + 1}–${last} of ${lines.length} ` : '';
  return [block([justify(left, [span(part, 'dim')], cells)]), presentDocument(lines, model.scroll, height)];
}

function presentOverlay(model: DashboardModel, cells: number, height: number): [Block, Block] {
  const lines =
    model.overlay === 'help'
      ? helpLines(model.pageBelow)
      : model.overlay === 'ledger'
        ? ledgerLines(model.run.ledger())
        : printedLines(model.printed);
  return presentPages(model, [span(' Esc goes back', 'dim')], lines, cells, height);
}

function presentText(model: DashboardModel, cells: number, height: number): [Block, Block] {
  const { view } = model.run;
  const wanted = model.filter.toLowerCase();
  const all = view.kind === 'text' ? view.lines : [];
  const lines = wanted === '' ? all : all.filter((line) => line.toLowerCase().includes(wanted));
  const place = [span(` ${view.noun}`, 'strong'), ...filterSpans(model)];
  const text = lines.length > 0 ? textLines(lines) : emptyLines(model, view.noun);
  return presentPages(model, place, text, cells, height);
}

function presentDetail(model: DashboardModel, browser: Browser, cells: number, height: number): [Block, Block] {
  const record = model.record;
  if (!record) return [block([]), block([])];
  const lines = detailLines(browser.view.detail(record), cells);
  const here = `${browser.view.noun} at ${formatClock(record.time)}`;
  const [where, body] = presentPages(model, [], lines, cells, height);
  const right = where.lines[0] ?? [];
  return [
    crumbs(
      browser,
      here,
      right.filter((part) => part.text.trim() !== ''),
      cells,
    ),
    body,
  ];
}

/** Lists give half of a high screen to what the selected row holds. */
const previewFrom = 14;

function presentList(model: DashboardModel, browser: Browser, cells: number, height: number): [Block, Block] {
  const rows = browser.rows(model.run.time);
  const where = crumbs(browser, undefined, listState(model, browser, rows.length), cells);
  if (rows.length === 0) {
    model.layout = { ...model.layout, height };
    return [where, block(emptyLines(model, browser.view.noun))];
  }
  const split = model.preview && height >= previewFrom && !browser.isLog;
  const tableHeight = split ? Math.max(7, Math.ceil(height * 0.45)) : height;
  model.layout = { ...model.layout, height: tableHeight - 1 };
  const table = presentTable(model, browser, cells, tableHeight);
  if (!split) return [where, table];
  const rest = height - tableHeight;
  return [where, stack(fitBlock(table, cells, tableHeight), presentPreview(model, browser, cells, rest))];
}

function presentTable(model: DashboardModel, browser: Browser, cells: number, height: number): Block {
  const now = model.run.time;
  const clock = { now, bucket: browser.tree.limits.bucket, duration: model.run.duration };
  const { level, sort } = browser;
  if (level) {
    const rows = browser.groups(now);
    const table = { rows, index: browser.index(rows), offset: browser.offset(rows, height - 1), sort };
    return presentGroups(table, level, clock, cells, height);
  }
  const rows = browser.records();
  const table = { rows, index: browser.index(rows), offset: browser.offset(rows, height - 1), sort };
  return presentRecords(table, browser.view, cells, height);
}

/** What the selected row holds: the groups or records below it, or the record's page. Nothing in it can be selected. */
function presentPreview(model: DashboardModel, browser: Browser, cells: number, height: number): Block {
  const now = model.run.time;
  const row = browser.selected(now);
  if (!row) return block([]);
  if (!('key' in row)) {
    const lines = detailLines(browser.view.detail(row), cells);
    const title = rule(`${browser.view.noun} at ${formatClock(row.time)}`, cells);
    return fitBlock(block([title, ...lines]), cells, height);
  }
  const path = [...browser.path, row.key];
  const next = browser.view.levels[path.length];
  const title = rule(`${row.key === '' ? '(none)' : row.key}: ${next ? next.title : browser.view.noun}`, cells);
  const table = { index: -1, offset: 0, sort: undefined };
  const clock = { now, bucket: browser.tree.limits.bucket, duration: model.run.duration };
  const inside = next
    ? presentGroups(
        { ...table, rows: browser.groups(now, path, { key: 'count', reverse: false }) },
        next,
        clock,
        cells,
        height - 1,
      )
    : presentRecords(
        { ...table, rows: browser.records(path, { key: 'time', reverse: false }) },
        browser.view,
        cells,
        height - 1,
      );
  return block([title, ...inside.lines]);
}

function rule(title: string, cells: number): Line {
  const text = ` ${clip(printable(title), Math.max(1, cells - 8))} `;
  return [span('──', 'dim'), span(text, 'section'), span('─'.repeat(Math.max(0, cells - 2 - width(text))), 'dim')];
}

/** The groups that are open, each clickable; the ends matter most, so the middle gives way. */
function crumbs(browser: Browser, here: string | undefined, right: readonly Span[], cells: number): Block {
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

function filterSpans(model: DashboardModel): Span[] {
  return model.filter === '' ? [] : [span('  filter: '), span(printable(model.filter), 'warn')];
}

function listState(model: DashboardModel, browser: Browser, shown: number): Span[] {
  const noun = browser.level ? browser.level.title.toLowerCase() : browser.view.noun;
  const count = browser.tree.row(browser.path, model.run.time)?.count ?? 0;
  const kept = !browser.level && model.filter === '' && count > shown ? ` of ${formatCount(count)}` : '';
  const amount = `${formatCount(shown)}${kept} ${noun}${shown === 1 && kept === '' ? '' : 's'}`;
  return [...filterSpans(model), span(`  ${amount} `, 'dim')];
}

function emptyLines(model: DashboardModel, noun: string): Line[] {
  if (model.filter !== '')
    return [[], [span(`  Nothing matches “${printable(model.filter)}”. Esc clears the filter.`)]];
  const ended = model.run.state === 'ended';
  return [[], [span(ended ? `  The scenario ended without a ${noun}.` : `  No ${noun} yet.`, 'dim')]];
}

/** The filter while it is typed, a message, or the keys that do something here, as many as fit. */
function presentFooter(model: DashboardModel, cells: number): Block {
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
  let left = cells - 1;
  for (const row of ranked) {
    const needed = hint(row).length + 2;
    if (needed > left) break;
    chosen.add(row);
    left -= needed;
  }
  const line: Span[] = [span(' ')];
  const targets: Target[] = [];
  let x = 1;
  for (const row of here) {
    if (!chosen.has(row)) continue;
    const to = x + hint(row).length;
    line.push(span(keys(row), 'key'), span(` ${row.foot?.[0] ?? ''}  `));
    targets.push({ y: 0, from: x, to, hit: { kind: 'action', action: row.action } });
    x = to + 2;
  }
  return block([line], targets);
}
