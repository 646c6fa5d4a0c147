import type { EngineName } from './engines.ts';

/** The words of `tracebed prog`: what its options take, and what they give. */
export const inputForms = ['text', 'hex', 'raw', 'object', 'c'] as const;
export type InputForm = (typeof inputForms)[number];

export const styles = ['clang', 'verifier'] as const;

export const binaryForms = ['hex', 'raw', 'c'] as const;

export interface InputFlags {
  readonly input?: InputForm;
  readonly program?: string;
  readonly kernel: string;
  /** -D and -I of a C text. */
  readonly define?: readonly string[];
  readonly include?: readonly string[];
}

export interface StyleFlags {
  readonly style: (typeof styles)[number];
}

export interface AsmFlags extends InputFlags {
  readonly format: (typeof binaryForms)[number];
  readonly output?: string;
}

export interface DisasmFlags extends InputFlags, StyleFlags {
  readonly labels?: true;
  readonly bytes?: true;
  readonly slots: boolean;
}

export interface CfgFlags extends InputFlags, StyleFlags {
  readonly output?: string;
}

export interface RunFlags extends InputFlags, StyleFlags {
  readonly memory?: string;
  readonly context?: string;
  readonly engine?: EngineName;
  readonly budget?: number;
  readonly count?: true;
  readonly trace?: true;
  readonly dump?: true;
  readonly type?: string;
  readonly license?: string;
  readonly seed: number;
}

/** Instructions of a run when the user sets no budget: seconds; of a traced run: lines that can be looked through. */
export const defaultBudget = 100_000_000;
export const tracedBudget = 1_000_000;
