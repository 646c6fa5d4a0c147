import type { Diagnostics } from '../diagnostics.ts';
import type { Builder } from '../ir/builder.ts';
import type { Block, Slot, Value } from '../ir/ir.ts';
import type { ProvenanceOptions } from '../ir/provenance.ts';
import type { DataSections } from '../object/data.ts';
import type { FunctionObject, Variable } from '../syntax/ast.ts';
import type { AggregateLowering } from './aggregates.ts';
import type { AtomicLowering } from './atomics.ts';
import type { CallLowering } from './calls.ts';
import type { ExpressionLowering } from './expressions.ts';
import type { LoopLowering } from './loops.ts';
import type { OverflowLowering } from './overflow.ts';
import type { PacketLowering } from './packets.ts';
import type { PlaceLowering } from './places.ts';
import type { StatementLowering } from './statements.ts';
import type { TableLowering } from './tables.ts';
import type { WideLowering } from './wide.ts';

/**
 * From the typed tree to SSA. What the parts share stands here: the builder, and one frame for each function that is
 * being lowered into another (all calls are inlined but those of noinline functions).
 */
export interface Frame {
  readonly function: FunctionObject;
  readonly slots: Map<Variable, Slot>;
  readonly labels: Map<string, Block>;
  /** Where a return goes; undefined in the outermost function, which really returns. */
  readonly returnTo: Block | undefined;
  /** Where a struct that is returned is put. */
  readonly result: Value | undefined;
  readonly loops: LoopTargets[];
}

export interface LoopTargets {
  readonly breakTo: Block;
  readonly continueTo: Block | undefined;
}

export interface UsdtArgument {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** A constant, a register, or memory of the process at a register and an offset. */
  readonly constant?: bigint;
  readonly register?: string;
  readonly memory?: number;
}

export class Lowering {
  readonly builder: Builder;
  readonly diagnostics: Diagnostics;
  readonly data: DataSections;
  readonly origin: ProvenanceOptions;
  readonly usdtArgument: (program: string, index: number) => UsdtArgument | undefined;
  readonly frames: Frame[] = [];
  /** Functions that are called and not inlined. */
  readonly called = new Set<FunctionObject>();

  declare expressions: ExpressionLowering;
  declare aggregates: AggregateLowering;
  declare places: PlaceLowering;
  declare calls: CallLowering;
  declare statements: StatementLowering;
  declare loops: LoopLowering;
  declare tables: TableLowering;
  declare wide: WideLowering;
  declare overflow: OverflowLowering;
  declare atomics: AtomicLowering;
  declare packets: PacketLowering;

  constructor(
    builder: Builder,
    diagnostics: Diagnostics,
    data: DataSections,
    origin: ProvenanceOptions,
    usdtArgument: Lowering['usdtArgument'],
  ) {
    this.builder = builder;
    this.diagnostics = diagnostics;
    this.data = data;
    this.origin = origin;
    this.usdtArgument = usdtArgument;
  }

  get frame(): Frame {
    return this.frames.at(-1) as Frame;
  }
}
