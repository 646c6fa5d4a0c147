import type { Expressions } from './expressions.ts';
import type { Place } from './scope.ts';
import { integers, type Scalar, type Sequence, sizeOf } from './shapes.ts';

/** Statements about memory as bytes, pointers and indices, and atomic operations. */

export function atomic(e: Expressions): string[] | undefined {
  const { r, scope } = e;
  const place = e.target(
    (one) =>
      one.addressable &&
      one.fixed &&
      one.width === undefined &&
      one.type.kind === 'scalar' &&
      one.type.bits >= 32 &&
      /[us]\d|long/.test(one.type.name),
  );
  if (!place || e.room < 8) return undefined;
  e.room -= 8;
  const at = `&${place.text}`;
  // gcc 12 dies of a _Bool here.
  const value = `(s64)${e.expression(2)}`;
  const op = r.pick(['add', 'sub', 'or', 'and', 'xor']);
  const call = r.pick([
    `__sync_fetch_and_${op}(${at}, ${value})`,
    `__sync_${op}_and_fetch(${at}, ${value})`,
    `__atomic_fetch_${op}(${at}, ${value}, __ATOMIC_RELAXED)`,
    `__atomic_${op}_fetch(${at}, ${value}, __ATOMIC_SEQ_CST)`,
    `__sync_val_compare_and_swap(${at}, ${e.expression(1)}, ${value})`,
    `__sync_bool_compare_and_swap(${at}, ${place.text}, ${value})`,
    `__sync_lock_test_and_set(${at}, ${value})`,
    `__atomic_exchange_n(${at}, ${value}, __ATOMIC_ACQ_REL)`,
    `__atomic_load_n(${at}, __ATOMIC_ACQUIRE)`,
  ]);
  if (r.chance(0.3)) return [`${call};`];
  const name = e.fresh('v');
  const type = r.pick(integers);
  scope.add({ name, type, writable: true, addressable: true });
  return [`${type.name} ${name} = ${call};`];
}

/** memcpy, memmove, memset and memcmp of what has no holes. */
export function bytes(e: Expressions): string[] | undefined {
  const { r, scope } = e;
  const solid = ({ type, width, addressable }: Place): boolean =>
    width === undefined && addressable && (type.kind === 'array' || (type.kind === 'struct' && type.union));
  const to = e.target((place) => solid(place) && sizeOf(place.type) >= 4 && holeless(place));
  if (!to) return undefined;
  const size = sizeOf(to.type);
  if (r.chance(0.3))
    return [`__builtin_memset(&${to.text}, ${r.chance(0.5) ? r.int(0, 255) : e.expression(1)}, ${r.int(1, size)});`];
  const from = scope.place((place) => solid(place) && holeless(place) && sizeOf(place.type) >= 4);
  if (!from) return undefined;
  const count = r.int(1, Math.min(size, sizeOf(from.type)));
  if (r.chance(0.4) && e.room >= 8) {
    e.room -= 8;
    const name = e.fresh('v');
    scope.add({ name, type: integers[5] as Scalar, writable: true, addressable: true });
    const compared = `__builtin_memcmp(&${to.text}, &${from.text}, ${count})`;
    return [`s32 ${name} = ${r.pick([`${compared} < 0`, `${compared} == 0`, `!${compared}`, `${compared} > 0`])};`];
  }
  return [`__builtin_memmove(&${to.text}, &${from.text}, ${count});`];
}

/** A pointer goes over an array. */
export function pointerWalk(e: Expressions): string[] | undefined {
  const { r, scope } = e;
  const array = e.target(
    ({ type, addressable }) => addressable && type.kind === 'array' && type.element.kind === 'scalar',
  );
  const sum = e.target();
  // What the loop writes must not change where the array lies, and its end is that for the verifier too.
  if (!array || !sum || e.loops >= 2 || /\[[^\]]*\D|\+/.test(array.text)) return undefined;
  const { element, length } = array.type as Sequence;
  const p = e.fresh('p');
  const type = (element as Scalar).name;
  e.spent += length * e.times;
  return scope.inside(() =>
    r.pick([
      [`for (${type} *${p} = ${array.text}; ${p} < ${array.text} + ${length}; ${p}++) ${sum.text} += *${p} * 3;`],
      [
        `{ const ${type} *${p} = ${array.text} + ${length};`,
        ...(/[(>]/.test(array.text) ? [] : ['#pragma unroll']),
        `  while (${p} != ${array.text}) ${sum.text} ^= *--${p}; }`,
      ],
      [
        `{ ${type} *${p} = &${array.text}[${r.int(0, length - 1)}];`,
        `  *${p} ${r.pick(['=', '+=', '^='])} ${e.expression(2)};`,
        `  ${sum.text} += ${p} - ${array.text}; }`,
      ],
      [
        `{ ${type} *${p} = ${array.text};`,
        `  for (int n = 0; n < ${length - 1}; n++) *${p}++ ${r.pick(['+=', '^='])} n + 1;`,
        `  ${sum.text} += ${p}[-1] + ${p}[0]; }`,
      ],
    ]),
  );
}

/** The bytes of a number. */
export function byteView(e: Expressions): string[] | undefined {
  const { r } = e;
  const place = e.target(
    (one) =>
      one.addressable &&
      one.width === undefined &&
      one.type.kind === 'scalar' &&
      one.type.bits >= 16 &&
      /[us]\d|long/.test(one.type.name),
  );
  const sum = e.target();
  if (!place || !sum) return undefined;
  const size = sizeOf(place.type);
  const at = r.chance(0.5) ? `${r.int(0, size - 1)}` : `${e.expression(1)} & ${size - 1}`;
  if (r.chance(0.5)) return [`((u8 *)&${place.text})[${at}] ${r.pick(['=', '^=', '+='])} ${e.expression(2)};`];
  return [`${sum.text} = ((${r.pick(['u8', 's8'])} *)&${place.text})[${at}];`];
}

/** An index held in bounds by a comparison. */
export function boundedIndex(e: Expressions): string[] | undefined {
  const { r, scope } = e;
  const array = scope.place(({ type }) => type.kind === 'array' && type.element.kind === 'scalar');
  const sum = e.target();
  if (!array || !sum) return undefined;
  const { length } = array.type as Sequence;
  const index = e.fresh('i');
  const value = e.expression(2);
  return r.pick([
    [`{ u32 ${index} = ${value};`, `  if (${index} < ${length}) ${sum.text} += ${array.text}[${index}]; }`],
    [
      `{ u64 ${index} = ${value};`,
      `  if (${index} > ${length - 1}) ${index} = ${length - 1};`,
      `  ${sum.text} ^= ${array.text}[${index}]; }`,
    ],
    [
      `{ s32 ${index} = ${value};`,
      `  if (${index} >= 0 && ${index} < ${length}) ${sum.text} -= ${array.text}[${index}]; }`,
    ],
    [`{ u8 ${index} = ${value};`, `  ${sum.text} = ${index} >= ${length} ? 7 : ${array.text}[${index}]; }`],
  ]);
}

function holeless({ type }: Place): boolean {
  return (
    type.kind === 'struct' ||
    (type.kind === 'array' &&
      (type.element.kind === 'scalar' || (type.element.kind === 'struct' && type.element.union)))
  );
}
