import type { TracedRecord } from '../lab/index.ts';
import { type Block, block, fitBlock, hitAt, stack } from './block.ts';
import type { Browser } from './browser.ts';
import { detailLines, helpLines, ledgerLines, printedLines, textLines } from './document.ts';
import { formatMoment } from './figures.ts';
import { presentFooter } from './footer.ts';
import { type HeaderModel, presentHeader } from './header.ts';
import { presentList } from './list.ts';
import type { DashboardModel } from './model.ts';
import { emptyLines, filterSpans, presentPlace } from './place.ts';
import { justify, type Line, type Span, span } from './text.ts';

/**
 * The whole screen from the model: header, where the user is, the page or what lies over it, and the footer. Pure but
 * for one thing: it leaves the layout in the model, so that paging and the mouse know what was shown.
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
  model.layout = { ...model.layout, hitAt: (x, y) => hitAt(whole, x, y) };
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
  if (model.record) return presentDetail(model, model.browser, model.record, cells, height);
  return presentList(model, model.browser, cells, height);
}

/** The part of a document that is on the screen, and which part that is. */
function presentPart(model: DashboardModel, lines: readonly Line[], height: number): [part: Span, body: Block] {
  const end = Math.max(0, lines.length - height);
  model.layout = { ...model.layout, height, end };
  const first = Math.min(model.scroll, end);
  const last = Math.min(lines.length, first + height);
  const part = lines.length > height ? `${first + 1}–${last} of ${lines.length} ` : '';
  return [span(part, 'dim'), block(lines.slice(first, last))];
}

function presentOverlay(model: DashboardModel, cells: number, height: number): [Block, Block] {
  const lines =
    model.overlay === 'help'
      ? helpLines(model.pageBelow)
      : model.overlay === 'ledger'
        ? ledgerLines(model.run.ledger())
        : printedLines(model.printed);
  const [part, body] = presentPart(model, lines, height);
  return [block([justify([span(' Esc goes back', 'dim')], [part], cells)]), body];
}

function presentText(model: DashboardModel, cells: number, height: number): [Block, Block] {
  const { view } = model.run;
  const wanted = model.filter.toLowerCase();
  const all = view.kind === 'text' ? view.lines : [];
  const lines = wanted === '' ? all : all.filter((line) => line.toLowerCase().includes(wanted));
  const text = lines.length > 0 ? textLines(lines) : emptyLines(model, view.noun);
  const [part, body] = presentPart(model, text, height);
  const place = [span(` ${view.noun}`, 'strong'), ...filterSpans(model)];
  return [block([justify(place, [part], cells)]), body];
}

function presentDetail(
  model: DashboardModel,
  browser: Browser,
  record: TracedRecord,
  cells: number,
  height: number,
): [Block, Block] {
  const [part, body] = presentPart(model, detailLines(browser.view.detail(record), cells), height);
  const here = `${browser.view.noun} at ${formatMoment(record.time, model.run.duration)}`;
  return [presentPlace(browser, here, [part], cells), body];
}
