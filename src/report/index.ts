/** Floor 7: outputs other than the dashboard: aligned lines and JSON lines. */
export { alignedLines, displayWidth, pad, printable } from './columns.ts';
export { encodeJson } from './encode.ts';
export { JsonPresenter } from './json.ts';
export type { Presenter } from './presenter.ts';
export { closing, type ReportFormat, report } from './report.ts';
export { type Summary, type SummaryGroup, Tally } from './summary.ts';
export { TablePresenter } from './table.ts';
