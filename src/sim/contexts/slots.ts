import type { Btf, KernelProfile, TypeId } from '../../btf/index.ts';

/**
 * A slot is one place for a value: an argument, a return value, a field of a record, a member of a struct; with what
 * its C type says of the value. Slots are made once, when a function or tracepoint is first met.
 */
export interface Slot {
  /** `argument 'reason' of sk_skb_reason_drop`: how faults name it. */
  readonly what: string;
  /** The C type as people write it. */
  readonly type: string;
  readonly kind: 'integer' | 'pointer' | 'bytes' | 'opaque';
  /** Of an integer or pointer: 8, 16, 32 or 64; narrower values are cut to it. */
  readonly bits: number;
  readonly signed: boolean;
  /** Whether strings and bytes behind a pointer lie in user memory. */
  readonly user: boolean;
  /** What the names of an enum mean; undefined when the type has none. */
  readonly names: ((name: string) => number | bigint | undefined) | undefined;
}

/** System calls and what they hand on take their pointers from user space; BTF of GCC does not tell. */
const userCallers = /^(__x64_sys_|__ia32_sys_|__se_sys_|__do_sys_|do_sys_|ksys_|__sys_|___sys_)/;

/** Whether pointers to text and bytes are user pointers in this function. */
export function takesUserPointers(functionName: string): boolean {
  return userCallers.test(functionName);
}

/** The slot of a value of a BTF type. */
export function typeSlot(profile: KernelProfile, type: TypeId, what: string, user: boolean): Slot {
  const { btf } = profile;
  const stripped = btf.type(btf.strip(type));
  const slot = { what, type: btf.print(type), user: user || hasUserTag(btf, type), names: undefined };
  switch (stripped.kind) {
    case 'int':
      return { ...slot, kind: 'integer', bits: stripped.size * 8, signed: stripped.signed };
    case 'enum':
    case 'enum64': {
      const names = enumNames(profile, stripped.name, new Map(stripped.values.map(({ name, value }) => [name, value])));
      return { ...slot, kind: 'integer', bits: stripped.size * 8, signed: stripped.signed, names };
    }
    case 'pointer':
      return { ...slot, kind: 'pointer', bits: 64, signed: false };
    case 'array':
      return { ...slot, kind: 'bytes', bits: 0, signed: false };
    case 'struct':
    case 'union': {
      const size = btf.sizeOf(type);
      const whole = size === 1 || size === 2 || size === 4 || size === 8;
      return { ...slot, kind: whole ? 'integer' : 'opaque', bits: size * 8, signed: false };
    }
    default:
      return { ...slot, kind: 'opaque', bits: 0, signed: false };
  }
}

/** What the enumerators of an enum mean; a drop reason also goes by its short name. */
export function enumNames(
  profile: KernelProfile,
  enumName: string,
  values: ReadonlyMap<string, number | bigint>,
): (name: string) => number | bigint | undefined {
  if (enumName !== 'skb_drop_reason') return (name) => values.get(name);
  return (name) => values.get(name) ?? profile.dropReasonValue(name.replace(/^SKB_DROP_REASON_/, ''));
}

/** A pointer whose target BTF marks as `__user`. */
function hasUserTag(btf: Btf, type: TypeId): boolean {
  const pointer = btf.type(btf.strip(type));
  if (pointer.kind !== 'pointer') return false;
  const target = btf.type(pointer.target);
  return target.kind === 'typeTag' && target.name === 'user';
}
