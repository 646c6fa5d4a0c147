import type { AttachType, ProgramType } from '../uapi/index.ts';
import type { InputFlags } from './prog-flags.ts';

/** The words of `tracebed verify`: what its options take. */
export const verdictForms = ['text', 'json'] as const;

export interface VerifyFlags extends InputFlags {
  readonly type?: ProgramType;
  readonly expectedAttachType?: AttachType;
  readonly attachTo?: string;
  readonly license?: string;
  readonly strictAlignment?: true;
  readonly logLevel?: number;
  /** Undefined where neither --explain nor --no-explain was given. */
  readonly explain?: boolean;
  readonly format: (typeof verdictForms)[number];
}

/** What a program is taken for when neither it nor the user says it. */
export const defaultType = 'socket_filter' satisfies ProgramType;
export const defaultLogLevel = 1;
