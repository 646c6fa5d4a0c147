/** Floor 6: one run: kernel, tool and scenario to view models; the loss ledger. */
export type { LedgerModel, LedgerRow, Run, RunOptions } from './run.ts';
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
  ToolRun,
  TracedRecord,
  View,
} from './tool.ts';
