import { askedBy, positionOf, type Token } from '../preprocess/token.ts';
import { type CType, isCompatible, pointerTo, printCType, sizeOf, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { skipBrackets } from './attributes.ts';
import type { Parsing } from './parsing.ts';

/**
 * Builtins that are no functions: they take types, do not run what they are given, or stand for another expression. Each
 * reads its arguments, the bracket before them read already.
 */
type Special = (p: Parsing, at: Token) => Expression;

const specials: Readonly<Record<string, Special>> = {
  __builtin_expect: (p, at) => {
    const [value] = p.calls.argumentList();
    return value ? p.typing.cast(value, types.long) : p.typing.number(at, 0n);
  },
  // The probability is floating point.
  __builtin_expect_with_probability: (p) => {
    const value = p.expressions.assignment();
    skipBrackets(p);
    return p.typing.cast(value, types.long);
  },
  __builtin_preserve_access_index: first,
  __builtin_unpredictable: first,
  __builtin_assume_aligned: (p, at) => p.typing.cast(first(p, at), pointerTo(types.void)),
  __builtin_constant_p: (p, at) => {
    const [value] = p.calls.argumentList();
    const text = value?.kind === 'address' && value.base.kind === 'string';
    return p.typing.number(at, value?.kind === 'number' || text ? 1n : 0n);
  },
  __builtin_choose_expr: (p, at) => {
    const test = p.constant('what is chosen by');
    p.expect(',');
    const yes = p.expressions.assignment();
    p.expect(',');
    const no = p.expressions.assignment();
    p.expect(')');
    return (test === 0n ? no : yes) ?? p.typing.number(at, 0n);
  },
  __builtin_types_compatible_p: (p, at) => {
    const a = p.declarations.typeName();
    p.expect(',');
    const b = p.declarations.typeName();
    p.expect(')');
    return p.typing.number(at, isCompatible(a, b) ? 1n : 0n);
  },
  __builtin_offsetof: parseOffsetof,
  offsetof: parseOffsetof,
  __builtin_object_size: parseObjectSize,
  __builtin_assume: nothing,
  __builtin_prefetch: nothing,
  __sync_synchronize: nothing,
  __atomic_thread_fence: nothing,
  __atomic_signal_fence: nothing,
  __atomic_always_lock_free: isLockFree,
  __atomic_is_lock_free: isLockFree,
  __sync_lock_release: (p, at) => stored(p, at, p.calls.argumentList()[0], p.typing.number(at, 0n)),
  __atomic_clear: (p, at) => stored(p, at, p.calls.argumentList()[0], p.typing.number(at, 0n)),
  __atomic_load: (p, at) => {
    const [from, to] = argumentsOf(p, at, 3);
    return into(p, at, to, builtin(p, at, '__atomic_load_n', from, []));
  },
  __atomic_store: (p, at) => {
    const [to, from] = argumentsOf(p, at, 3);
    return stored(p, at, to, p.expressions.deref(from, at));
  },
  __atomic_exchange: (p, at) => {
    const [place, from, to] = argumentsOf(p, at, 4);
    return into(p, at, to, builtin(p, at, '__atomic_exchange_n', place, [p.expressions.deref(from, at)]));
  },
  __atomic_compare_exchange: (p, at) => {
    const [place, wanted, from] = argumentsOf(p, at, 6);
    const others = [p.typing.number(at, 0n), p.typing.number(at, 5n), p.typing.number(at, 5n)];
    const args = [place, wanted, p.typing.cast(p.expressions.deref(from, at), targetOf(place)), ...others];
    return { kind: 'builtin', type: types.int, at, name: '__atomic_compare_exchange_n', args };
  },
  __builtin_bzero: (p, at) => {
    const [to, size] = argumentsOf(p, at, 2);
    const args = [to, p.typing.number(at, 0n), p.typing.cast(size, types.ulong)];
    return { kind: 'builtin', type: pointerTo(types.void), at, name: '__builtin_memset', args };
  },
  __builtin_strcmp: (p, at) => compared(p, at, argumentsOf(p, at, 2)),
  __builtin_strncmp: (p, at) => compared(p, at, argumentsOf(p, at, 3)),
  __builtin_LINE: (p, at) => {
    p.expect(')');
    return p.typing.number(at, BigInt(askedBy(at).line));
  },
  __builtin_FILE: (p, at) => text(p, at, positionOf(askedBy(at)).file ?? ''),
  __builtin_FUNCTION: (p, at) => text(p, at, p.current?.name ?? ''),
  __builtin_alloca: (p, at) => {
    const hint = 'declare an array of a constant length';
    return p.diagnostics.abandon(at, 'the stack of a BPF program has a size that is known before it runs', hint);
  },
};

export function isSpecial(name: string): boolean {
  return Object.hasOwn(specials, name);
}

/** The call of one, its name and bracket read already. */
export function parseSpecial(p: Parsing, at: Token): Expression {
  return (specials[at.text] as Special)(p, at);
}

function first(p: Parsing, at: Token): Expression {
  return p.calls.argumentList()[0] ?? p.typing.number(at, 0n);
}

/** What says something to the compiler and does nothing. */
function nothing(p: Parsing, at: Token): Expression {
  p.calls.argumentList();
  return { kind: 'cast', type: types.void, at, base: p.typing.number(at, 0n) };
}

function text(p: Parsing, at: Token, written: string): Expression {
  p.expect(')');
  const bytes = Buffer.from(`${written}\0`);
  return p.typing.decay({
    kind: 'string',
    type: { kind: 'array', element: types.char, length: bytes.length },
    at,
    bytes,
  });
}

type Arguments = readonly [Expression, Expression, Expression];

/** As many arguments as it takes; told, and zeros, when there are others. */
function argumentsOf(p: Parsing, at: Token, count: number): Arguments {
  const args = p.calls.counted(count, count);
  const wrong = p.typing.wrong(at);
  return [args?.[0] ?? wrong, args?.[1] ?? wrong, args?.[2] ?? wrong];
}

function targetOf({ type }: Expression): CType {
  return type.kind === 'pointer' ? type.target : types.int;
}

function builtin(p: Parsing, at: Token, name: string, place: Expression, values: readonly Expression[]): Expression {
  const type = targetOf(place);
  const args = [place, ...values.map((value) => p.typing.cast(value, type)), p.typing.number(at, 5n)];
  return { kind: 'builtin', type, at, name, args };
}

/** A value that goes where a pointer leads. */
function into(p: Parsing, at: Token, to: Expression, value: Expression): Expression {
  const left = p.expressions.deref(to, at);
  const assigned: Expression = { kind: 'assign', type: left.type, at, left, right: p.typing.cast(value, left.type) };
  return { kind: 'cast', type: types.void, at, base: assigned };
}

function stored(p: Parsing, at: Token, to: Expression | undefined, value: Expression): Expression {
  const place = to ?? p.typing.wrong(at);
  return { ...builtin(p, at, '__atomic_store_n', place, [value]), type: types.void };
}

function isLockFree(p: Parsing, at: Token): Expression {
  const [size] = p.calls.argumentList();
  return p.typing.number(at, size?.kind === 'number' && [1n, 2n, 4n, 8n].includes(size.value) ? 1n : 0n);
}

/** Two texts that are known before the program runs. */
function compared(p: Parsing, at: Token, [a, b, most]: Arguments): Expression {
  const [left, right] = [a, b].map((one) =>
    one.kind === 'address' && one.base.kind === 'string' ? one.base : undefined,
  );
  if (!left || !right) {
    p.diagnostics.error(
      at,
      'the comparison of texts that are not constant',
      'compare bytes with __builtin_memcmp, or call bpf_strncmp()',
    );
    return p.typing.number(at, 0n);
  }
  const count = most.kind === 'number' && at.text.includes('strn') ? Number(most.value) : left.bytes.length;
  const [x, y] = [left, right].map(({ bytes }) => Buffer.from(bytes.subarray(0, bytes.indexOf(0))).subarray(0, count));
  return p.typing.number(at, BigInt(Buffer.compare(x as Buffer, y as Buffer)));
}

/** offsetof '(' type-name ',' member ('.' member | '[' constant ']')* ')' */
function parseOffsetof(p: Parsing, at: Token): Expression {
  const type = p.declarations.typeName();
  p.expect(',');
  const zero = p.typing.number(at, 0n, pointerTo(type));
  let place = p.expressions.deref(zero, at);
  if (type.kind !== 'struct') p.diagnostics.abandon(at, `'${printCType(type)}' has no members`);
  place = p.members.memberOf(place, p.token);
  while (p.is('.') || p.is('[')) {
    if (p.accept('.')) place = p.members.memberOf(place, p.token);
    else {
      p.next();
      const index = p.expressions.expression();
      p.expect(']');
      place = p.expressions.deref(p.typing.arithmetic('+', place, index, at), at);
    }
  }
  p.expect(')');
  return p.typing.cast(p.expressions.addressOf(place, at), types.ulong);
}

/** Bytes behind a pointer into an object that is known: of the whole, or (kinds 1 and 3) of the closest member. */
function parseObjectSize(p: Parsing, at: Token): Expression {
  const [pointer, kindOf] = p.calls.argumentList();
  const kind = kindOf?.kind === 'number' ? Number(kindOf.value) : 0;
  const unknown = p.typing.number(at, kind < 2 ? -1n : 0n, types.ulong);
  const found = pointer && objectBehind(pointer, (kind & 1) === 1);
  if (!found || found.offset < 0) return unknown;
  return p.typing.number(at, BigInt(Math.max(0, found.size - found.offset)), types.ulong);
}

interface Behind {
  readonly size: number;
  readonly offset: number;
}

function objectBehind(pointer: Expression, closest: boolean): Behind | undefined {
  if (pointer.kind === 'cast' && pointer.type.kind === 'pointer') return objectBehind(pointer.base, closest);
  if (pointer.kind === 'address') return objectAt(pointer.base, closest);
  if (pointer.kind !== 'binary' || pointer.op !== '+' || pointer.right.kind !== 'number') return undefined;
  const start = objectBehind(pointer.left, closest);
  return start && { ...start, offset: start.offset + Number(pointer.right.value) * sizeOf(targetOf(pointer)) };
}

function objectAt(place: Expression, closest: boolean): Behind | undefined {
  switch (place.kind) {
    case 'variable':
    case 'literal':
    case 'string':
      return { size: sizeOf(place.type), offset: 0 };
    case 'member': {
      if (closest) return { size: sizeOf(place.type), offset: 0 };
      const whole = objectAt(place.base, closest);
      return whole && { ...whole, offset: whole.offset + place.member.offset };
    }
    case 'deref':
      return objectBehind(place.base, closest);
    default:
      return undefined;
  }
}
