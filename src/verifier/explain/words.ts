import { hex64 } from '../../base/index.ts';
import { kindText, type Register } from '../register.ts';
import { type Scalar, s64Max, s64Min, u64Max } from '../scalar.ts';

/** What a register holds, in words that need no knowledge of the verifier's. */
export function registerWords(register: Register): string {
  const orNull = register.maybeNull ? ', or NULL' : '';
  return `${pointedWords(register)}${orNull}`;
}

function pointedWords(register: Register): string {
  const { shape, scalar } = register;
  const map = shape?.name ? `map ${shape.name}` : 'a map';
  switch (register.kind) {
    case 'uninitialised':
      return 'never set';
    case 'scalar':
      return numberWords(scalar);
    case 'context':
      return `the context${offsetWords(register)}`;
    case 'stack':
      return `the stack${offsetWords(register)}`;
    case 'map':
      return map;
    case 'mapValue':
      return `a pointer to a value of ${map}${offsetWords(register)}`;
    case 'mapKey':
      return `a pointer to a key of ${map}`;
    case 'packet':
      return `a pointer into the packet${offsetWords(register)}`;
    case 'packetMeta':
      return `a pointer to the packet's metadata${offsetWords(register)}`;
    case 'packetEnd':
      return 'the end of the packet';
    case 'memory':
      return `a pointer to ${register.size} bytes of memory${offsetWords(register)}`;
    case 'btf':
      return `a pointer to a kernel struct ${register.btfName}`;
    case 'function':
      return 'the address of a function';
    default:
      return `a pointer of kind ${kindText(register.kind, register.flags & ~1)}${offsetWords(register)}`;
  }
}

function offsetWords({ offset, scalar }: Register): string {
  const fixed = offset + (scalar.isConst ? Number(BigInt.asIntN(64, scalar.value)) : 0);
  const sign = fixed < 0 ? ` - ${-fixed}` : fixed > 0 ? ` + ${fixed}` : '';
  return scalar.isConst ? sign : `${sign} + ${numberWords(scalar)}`;
}

/** A number by its narrower range, signed or not. */
function numberWords(scalar: Scalar): string {
  if (scalar.isConst) return numberText(BigInt.asIntN(64, scalar.value));
  const { smin, smax, umin, umax } = scalar;
  const isSigned = smin > s64Min || smax < s64Max;
  const isUnsigned = umin > 0n || umax < u64Max;
  if (!isSigned && !isUnsigned) return 'any number';
  if (isUnsigned && umax - umin <= smax - smin) return `a number from ${numberText(umin)} to ${numberText(umax)}`;
  return `a number from ${numberText(smin)} to ${numberText(smax)}`;
}

function numberText(value: bigint): string {
  return value > 0xffff_ffffn ? hex64(value) : String(value);
}
