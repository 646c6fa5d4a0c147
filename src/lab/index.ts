/** Floor 6: one run: kernel, tool and scenario to view models; the loss ledger. */
export { createRun } from './create.ts';
export {
  defineTool,
  type TextMoment,
  type TextOutput,
  type TextSnapshot,
  type ToolDefinition,
  type ToolOutput,
  type ToolSetup,
} from './define-tool.ts';
export { Filter } from './filter.ts';
export type { LedgerModel, LedgerRow } from './ledger.ts';
export { bucketWidth, Meter } from './meter.ts';
export { type WallClock, wallClock } from './pacing.ts';
export { wakeupLatency } from './player.ts';
export { listTools, loadTool, toolNames } from './registry.ts';
export { type RowPlace, Rows, type RowsOptions } from './rows.ts';
export type { Run, RunOptions, Speed, Tick } from './run.ts';
export { type Printable, sprintf } from './sprintf.ts';
export type {
  Column,
  DetailSection,
  Level,
  RecordsView,
  TextView,
  Tool,
  ToolArgument,
  ToolContext,
  ToolOption,
  ToolOptionValue,
  ToolRun,
  TracedRecord,
  View,
} from './tool.ts';
export {
  type GroupRow,
  GroupTree,
  others,
  type RowQuery,
  type SortKey,
  sortKeys,
  type TreeLimits,
} from './tree.ts';
export { watchRecords } from './watch.ts';
