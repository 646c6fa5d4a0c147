/** Floor 0: bytes, errno and error classes, the virtual clock, seeded random, C's operators and literals. Imports nothing of ours. */
export { cString, fromHex, hex64, roundUp, toHex, u64, viewOf } from './bytes.ts';
export {
  characterValue,
  characterWidth,
  type IntegerLiteral,
  integerOf,
  type LiteralPrefix,
  literalPrefix,
  quotedBytes,
  quotedUnits,
} from './c-literals.ts';
export { binaryValue, type OperatorReader, readBinary, swappedBytes } from './c-operators.ts';
export { type ErrnoName, errno, errnoName } from './errno.ts';
export {
  assertNever,
  type FaultDetails,
  formatFault,
  formatPosition,
  InputError,
  type Position,
  SysError,
  TracebedError,
  UsageError,
} from './errors.ts';
export { fileFault } from './file-fault.ts';
export { editDistance, nearest, nearestHint, nearestOrAll } from './nearest.ts';
export { Random } from './random.ts';
export {
  formatDuration,
  hours,
  minutes,
  ms,
  type Nanoseconds,
  ns,
  parseDuration,
  sec,
  us,
  VirtualClock,
} from './time.ts';
