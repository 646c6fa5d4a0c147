import { alignOf, type CType, types } from '../types/types.ts';
import type { Parsing } from './parsing.ts';

/** What `__attribute__((…))` and `_Alignas` say of a declaration, as far as it means something here. */
export interface Attributes {
  packed: boolean;
  /** A packet's header: members are bits of the packet, and a pointer to it is an offset there. */
  packet: boolean;
  /** bytes; 1 when nothing was said */
  align: number;
  /** `mode(DI)`: the integer is as wide as that. */
  mode: string | undefined;
  noinline: boolean;
  /** `inline` means what it did before C99: no code of its own, also when it is extern. */
  gnuInline: boolean;
  user: boolean;
  weak: boolean;
  section: string | undefined;
  /** CO-RE: members lie where the kernel has them. */
  relocated: boolean;
}

/** What `__has_attribute` knows: those that mean something here, and those that are rightly passed over. */
export const attributeNames: ReadonlySet<string> = new Set(
  (
    'packed aligned noinline always_inline section preserve_access_index address_space deprecated mode unused used ' +
    'may_alias pure const cold hot nonnull returns_nonnull warn_unused_result flatten nothrow leaf malloc artificial ' +
    'visibility weak noreturn format format_arg fallthrough gnu_inline no_instrument_function alloc_size ' +
    'assume_aligned constructor destructor btf_decl_tag btf_type_tag ' +
    'diagnose_if enable_if unavailable overloadable no_sanitize naked minsize optnone'
  ).split(' '),
);

export function noAttributes(): Attributes {
  return {
    packed: false,
    packet: false,
    align: 1,
    mode: undefined,
    noinline: false,
    gnuInline: false,
    user: false,
    weak: false,
    section: undefined,
    relocated: false,
  };
}

/** `__attribute__((…))`; those that mean nothing here are passed over. */
export function parseAttributes(p: Parsing, into: Attributes): void {
  while (p.accept('__attribute__')) {
    p.expect('(');
    p.expect('(');
    while (!p.is(')')) {
      if (p.accept(',')) continue;
      // The kernel's `noinline` is a macro: __attribute__((noinline)) has another within it then.
      if (p.is('__attribute__')) {
        p.nested(() => parseAttributes(p, into));
        p.accept(',');
        continue;
      }
      const name = p.next().text.replace(/^__(.*)__$/, '$1');
      if (name === 'packed') into.packed = true;
      if (name === 'noinline') into.noinline = true;
      if (name === 'gnu_inline') into.gnuInline = true;
      if (name === 'weak') into.weak = true;
      if (name === 'preserve_access_index') into.relocated = true;
      if (name === 'aligned' && !p.is('(')) into.align = Math.max(into.align, mostAligned);
      if (!p.accept('(')) {
        if (!p.accept(',') && !p.is(')')) p.expect(')');
        continue;
      }
      if (name === 'deprecated' && p.token.text === '"packet"') into.packet = true;
      if (name === 'aligned') into.align = Math.max(into.align, p.is(')') ? mostAligned : alignment(p));
      else if (name === 'address_space') into.user = p.constant('an address space') === 1n;
      else if (name === 'section' && p.token.kind === 'string') into.section = p.token.text.slice(1, -1);
      else if (name === 'mode') into.mode = p.token.text.replace(/^__(.*)__$/, '$1');
      skipBrackets(p);
      p.accept(',');
    }
    p.expect(')');
    p.expect(')');
  }
}

/** To behind the bracket that closes the one already read. */
export function skipBrackets(p: Parsing): void {
  for (let depth = 1; depth > 0; ) {
    if (p.token.kind === 'end') p.expect(')');
    const { text } = p.next();
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
  }
}

/** What `aligned` means without a number: the largest alignment of clang's. */
const mostAligned = 16;

/** Bytes that something is to be aligned to; told, when they cannot be. */
function alignment(p: Parsing): number {
  const at = p.token;
  const bytes = p.constant('an alignment');
  if (bytes > 0n && bytes <= 1n << 28n && (bytes & (bytes - 1n)) === 0n) return Number(bytes);
  if (bytes !== 0n) p.diagnostics.error(at, 'requested alignment is not a power of 2');
  return 1;
}

/** '_Alignas' '(' (type-name | constant) ')' */
export function parseAlignas(p: Parsing, into: Attributes): void {
  p.next();
  const open = p.expect('(', `after '_Alignas'`);
  const bytes = p.declarations.startsType() ? alignOf(p.declarations.typeName()) : alignment(p);
  into.align = Math.max(into.align, bytes);
  p.close(')', open);
}

const modes: Readonly<Record<string, readonly [signed: CType, unsigned: CType]>> = {
  QI: [types.schar, types.uchar],
  byte: [types.schar, types.uchar],
  HI: [types.short, types.ushort],
  SI: [types.int, types.uint],
  DI: [types.long, types.ulong],
  word: [types.long, types.ulong],
  pointer: [types.long, types.ulong],
  TI: [types.int128, types.uint128],
};

/** A type as attributes behind its declarator change it: `mode(DI)`. */
export function withMode(p: Parsing, type: CType, { mode }: Attributes): CType {
  if (mode === undefined || type.kind !== 'int') return type;
  const wide = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (!wide) p.diagnostics.error(p.token, `unsupported machine mode '${mode}'`);
  return wide?.[type.signed ? 0 : 1] ?? type;
}
