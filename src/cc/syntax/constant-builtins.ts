import { swappedBytes } from '../../base/index.ts';

/**
 * Builtins of one integer that clang works out when it is a constant, so that they may stand where a constant must: the
 * size of a table, a case, an enumerator.
 * @param value as the parameter's type holds it; @returns undefined where the builtin is another, or has no answer
 */
export function constantBuiltin(name: string, value: bigint): bigint | undefined {
  const [, operation = '', wide = ''] = /^__builtin_(popcount|parity|ctz|clz|ffs|bswap)(\w*)$/.exec(name) ?? [];
  const bits = operation === 'bswap' ? Number(wide) : wide === '' ? 32 : 64;
  const of = BigInt.asUintN(bits, value);
  const digits = of.toString(2);
  const zeros = digits.length - 1 - digits.lastIndexOf('1');
  switch (operation) {
    case 'popcount':
      return BigInt(digits.replaceAll('0', '').length);
    case 'parity':
      return BigInt(digits.replaceAll('0', '').length & 1);
    case 'ctz':
      return of === 0n ? undefined : BigInt(zeros);
    case 'clz':
      return of === 0n ? undefined : BigInt(bits - digits.length);
    case 'ffs':
      return of === 0n ? 0n : BigInt(zeros + 1);
    case 'bswap':
      return swappedBytes(of, bits);
    default:
      return undefined;
  }
}
