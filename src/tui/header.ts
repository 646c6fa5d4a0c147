import type { Nanoseconds } from '../base/index.ts';
import type { LedgerModel, Speed } from '../lab/index.ts';
import { type Block, block } from './block.ts';
import { formatClock, formatCount, formatRate, sparkline } from './figures.ts';
import { squeeze } from './table.ts';
import { clip, fitLine, justify, type Line, lineWidth, printable, type Span, span } from './text.ts';

/** What stands above every page: what runs on what, the clock, how much came, and what was lost. */
export interface HeaderModel {
  readonly tool: string;
  readonly scenario: string;
  readonly state: 'ready' | 'running' | 'paused' | 'ended' | 'failed';
  readonly speed: Speed;
  readonly time: Nanoseconds;
  readonly duration: Nanoseconds;
  /** What is counted: the tool's records, or events when the tool shows a text. */
  readonly noun: string;
  readonly count: number;
  readonly rate: number;
  readonly trend: readonly number[];
  /** ns of one value of the trend. */
  readonly bucket: Nanoseconds;
  readonly events: number;
  readonly ledger: LedgerModel;
  readonly warnings: readonly string[];
}

/** Two lines on a low screen, three and the warnings on others. */
export function presentHeader(model: HeaderModel, cells: number, rows: number): Block {
  if (rows < 14) return block([titleLine(model, cells), shortCounts(model, cells)]);
  const warnings = model.warnings.slice(0, 2).map((text) => fitLine([span(` ! ${printable(text)}`, 'bad')], cells));
  return block([titleLine(model, cells), counts(model, cells), ledgerLine(model, cells), ...warnings]);
}

function titleLine(model: HeaderModel, cells: number): Line {
  const clock = formatClock(model.time);
  const state = span(
    ` ${stateText(model)} `,
    model.state === 'running' || model.state === 'ready' ? 'barStrong' : 'barWarn',
  );
  const brand = span(' tracebed ', 'bar');
  const tool = span(` ${model.tool}`, 'barStrong');
  const scenario = span(` on ${printable(model.scenario)} `, 'bar');
  const end = span(`/ ${formatClock(model.duration)} `, 'bar');
  const now = span(`${clock} `, 'barStrong');
  const forms: [Span[], Span[]][] = [
    [
      [brand, tool, scenario],
      [state, now, end],
    ],
    [
      [tool, scenario],
      [state, now, end],
    ],
    [
      [tool, scenario],
      [state, now],
    ],
    [
      [tool, span(' ', 'bar')],
      [state, now],
    ],
  ];
  const [left, right] = forms.find(([a, b]) => lineWidth(a) + lineWidth(b) < cells) ?? (forms[3] as [Span[], Span[]]);
  return justify(left, right, cells, 'bar');
}

function stateText({ state, speed }: HeaderModel): string {
  if (state === 'running' || state === 'ready') return `▸ ${formatSpeed(speed)}`;
  return state.toUpperCase();
}

/** `1×`, `0.25×`, `max`. */
export const formatSpeed = (speed: Speed): string => (speed === 'max' ? 'max' : `${speed}×`);

const plural = (noun: string, count: number): string => (count === 1 ? noun : `${noun}s`);

function counts(model: HeaderModel, cells: number): Line {
  const amount: Span[] = [
    span(` ${formatCount(model.count)}`, 'strong'),
    span(` ${plural(model.noun, model.count)}  `),
    span(formatRate(model.rate), 'strong'),
    span('  '),
  ];
  const events = model.noun === 'event' ? '' : `${formatCount(model.events)} ${plural('event', model.events)} `;
  const room = Math.min(60, cells - lineWidth(amount) - events.length - 2);
  if (room < 8) return fitLine([...amount, span(events, 'dim')], cells);
  return justify([...amount, trendSpan(model, room)], [span(events, 'dim')], cells);
}

const trendSpan = (model: HeaderModel, cells: number): Span =>
  span(
    sparkline(squeeze(model.trend, cells, { now: model.time, bucket: model.bucket, open: model.state !== 'ended' })),
    'accent',
  );

const lostSpan = (lost: number): Span => (lost > 0 ? span(`${formatCount(lost)} LOST`, 'bad') : span('0 lost', 'good'));

function ledgerLine({ ledger }: HeaderModel, cells: number): Line {
  const { produced, delivered, lost, filtered, pending } = ledger.total;
  const line: Span[] = [
    span(' ledger ', 'dim'),
    span(formatCount(produced), 'strong'),
    span(' produced = '),
    span(formatCount(delivered), 'strong'),
    span(' delivered + '),
    lostSpan(lost),
    span(' + '),
    span(formatCount(filtered), 'strong'),
    span(' filtered'),
  ];
  if (!ledger.balanced) line.push(span('  DOES NOT ADD UP', 'bad'));
  const waiting = pending > 0 ? [span(`${formatCount(pending)} in the rings `, 'dim')] : [];
  if (lineWidth(line) <= cells) return justify(line, waiting, cells);
  const short = [span(` ${formatCount(produced)} = ${formatCount(delivered)} + `), lostSpan(lost)];
  return fitLine([...short, span(` + ${formatCount(filtered)}`)], cells);
}

function shortCounts(model: HeaderModel, cells: number): Line {
  const left: Span[] = [
    span(` ${formatCount(model.count)}`, 'strong'),
    span(` ${plural(model.noun, model.count)} ${clip(formatRate(model.rate), 8)} `),
  ];
  const right = [span(' '), lostSpan(model.ledger.total.lost), span(' ')];
  const room = cells - lineWidth(left) - lineWidth(right) - 1;
  if (room >= 4) left.push(trendSpan(model, Math.min(30, room)));
  return justify(left, right, cells);
}
