/** Lower-case hex of bytes, two digits each, `separator` between. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i > 0) text += separator;
    text += (bytes[i] as number).toString(16).padStart(2, '0');
  }
  return text;
}

/** Bytes of a hex text; white space between digits is allowed. Undefined when it is not hex or has an odd digit. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** `n` rounded up to a multiple of `step`, a power of two at most 2^30. */
export function roundUp(n: number, step: number): number {
  return (n + step - 1) & ~(step - 1);
}

/** A little-endian view over the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text up to the first NUL, as UTF-8; a byte that is not becomes U+FFFD. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A u64 as two u32, joined. */
export function u64(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** `0x` and 16 digits at most, as addresses print. */
export function hex64(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}
