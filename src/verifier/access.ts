import type { Environment } from './environment.ts';
import { kindText, type Register } from './register.ts';
import { tnumText } from './tnum.ts';

/** One load or store, as its instruction tells it. */
export interface Access {
  /** The register with the pointer. */
  readonly base: number;
  readonly offset: number;
  readonly size: number;
  readonly write: boolean;
  /** What is stored; undefined for an unknown number. */
  readonly value?: Register | undefined;
  /** The register that is stored; absent for an immediate. */
  readonly valueNumber?: number;
  readonly signed?: boolean;
  /** Its instruction is atomic: alignment matters wherever it leads. */
  readonly atomic?: boolean;
  /** Half of an atomic operation that changes what is there. */
  readonly inPlace?: boolean;
}

/** A pointer that must be used as it was given, or at a fixed offset (check_ptr_off_reg). */
export function checkPointerOffset(env: Environment, pointed: Register, base: number, fixedAllowed = false): void {
  const text = kindText(pointed.kind, pointed.flags);
  if (pointed.offset < 0) env.fail('EACCES', `negative offset ${text} ptr R${base} off=${pointed.offset} disallowed`);
  if (!fixedAllowed && pointed.offset !== 0) {
    env.fail('EACCES', `dereference of modified ${text} ptr R${base} off=${pointed.offset} disallowed`);
  }
  if (!pointed.scalar.isConst || pointed.scalar.value !== 0n) {
    env.fail('EACCES', `variable ${text} access var_off=${tnumText(pointed.scalar.bits)} disallowed`);
  }
}
