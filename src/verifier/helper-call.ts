import type { HelperArgument, HelperName } from '../uapi/index.ts';
import type { RecordField } from './record-fields.ts';
import type { Register } from './register.ts';

/** What is known of a helper call while it is judged: found by its arguments, used by what the call does and gives. */
export interface HelperCall {
  readonly id: number;
  readonly name: HelperName;
  readonly args: readonly HelperArgument[];
  readonly packetAccess: boolean;
  map: Register | undefined;
  /** The register whose reference ends here, and that reference; 0 when none. */
  releaseRegister: number;
  reference: number;
  /** Bytes of an allocation. */
  allocated: number;
  /** A key on the stack that is known. */
  key: number | undefined;
  /** The most bytes that a size argument may say. */
  most: number | undefined;
  /** The function that is called back. */
  callback: number;
  /** The type behind a per-CPU pointer. */
  perCpu: Register | undefined;
  kptr: RecordField | undefined;
  dynptr: Register | undefined;
  readonly fills: Written[];
}

/** Stack memory that a call fills. */
export interface Written {
  readonly number: number;
  readonly size: number;
}
