/** enum req_op (include/linux/blk_types.h), by value. */
const operations: Readonly<Record<number, string>> = {
  0: 'Read',
  1: 'Write',
  2: 'Flush',
  3: 'Discard',
  5: 'SecureErase',
  7: 'ZoneAppend',
  9: 'WriteZeros',
  11: 'ZoneOpen',
  13: 'ZoneClose',
  15: 'ZoneFinish',
  17: 'ZoneReset',
  19: 'ZoneResetAll',
};

/** The operation's bits (REQ_OP_MASK). */
const operationMask = 0xff;

/** enum req_flag_bits, as far as they are told, from the word that stands next to the operation outwards. */
const flags = [
  [11, 'Sync'],
  [12, 'Metadata'],
  [17, 'ForcedUnitAccess'],
  [13, 'Priority'],
  [14, 'NoMerge'],
  [15, 'Idle'],
  [19, 'ReadAhead'],
  [20, 'Background'],
  [21, 'NoWait'],
] as const;

/** cmd_flags of a request in words: `Metadata-Sync-Write`. */
export function requestFlags(bits: number): string {
  const operation = operations[bits & operationMask] ?? 'Unknown';
  return flags.reduce((text, [bit, word]) => (bits & (1 << bit) ? `${word}-${text}` : text), operation);
}
