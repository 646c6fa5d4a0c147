import type { Expressions } from './expressions.ts';
import { integers, type Scalar, type Sequence } from './shapes.ts';

/** Loops of every form, all of which end after a few turns. */

/** A block's lines, which may leave the loop in the ways that are named. */
type Block = (jumps: readonly string[]) => string[];

interface Counter {
  readonly name: string;
  readonly type: string;
  readonly count: number;
  /** What the loop does with an array first. */
  readonly touch: readonly string[];
}

export function loop(e: Expressions, block: Block): string[] | undefined {
  const { r, scope } = e;
  if (e.loops >= 2) return undefined;
  const count = r.int(1, e.loops === 0 ? 6 : 4);
  const name = e.fresh('i');
  const type = r.pick(['int', 'int', 'u32', 'u8', 's64', 'u64']);
  e.loops++;
  e.times *= count;
  const lines = scope.inside(() => {
    // Its address is taken where it is read so: it lies in memory.
    const read = r.chance(0.1) ? `(*&${name})` : name;
    scope.add({ name: read, type: integers[5] as Scalar, writable: false, addressable: false });
    const array = scope.place(
      (place) => place.writable && place.type.kind === 'array' && place.type.element.kind === 'scalar',
    );
    const touch = array
      ? [`  ${array.text}[${name} & ${(array.type as Sequence).length - 1}] += ${e.expression(1)};`]
      : [];
    return formOf(e, block, { name, type, count, touch });
  });
  e.times /= count;
  e.loops--;
  return lines;
}

function formOf(e: Expressions, block: Block, counter: Counter): string[] {
  const { r } = e;
  const { name: i, type, count, touch } = counter;
  const unroll = r.chance(0.25) ? ['#pragma unroll'] : [];
  const body = (jumps = ['break', 'continue']): string[] => [...touch, ...block(jumps)];
  switch (r.int(0, 7)) {
    case 0:
      // A continue would pass the step by.
      return [`{ ${type} ${i} = 0;`, `while (${i} < ${count}) {`, ...body(['break']), `  ${i}++;`, '} }'];
    case 1:
      return [`{ ${type} ${i} = 0;`, 'do {', ...body(), `} while (++${i} < ${count}); }`];
    case 2:
      return [`{ int ${i} = ${count};`, `while (${i}-- > 0) {`, ...body(), '} }'];
    case 3:
      return [...unroll, `for (int ${i} = ${count}; ${i} > 0; ${i}--) {`, ...body(), '}'];
    case 4:
      return [`for (${type} ${i} = 0; ; ${i} += 2) {`, `  if (${i} >= ${count * 2 - 1}) break;`, ...body(), '}'];
    case 5: {
      const j = e.fresh('j');
      return [`for (${type} ${i} = 0, ${j} = ${count}; ${i} < ${j}; ${i}++, ${j}--) {`, ...body(), '}'];
    }
    case 6: {
      // A bound that varies: below a power of two.
      const most = count > 3 ? 3 : 1;
      const bound = e.expression(1);
      return [`for (${type} ${i} = 0; ${i} < ((${bound}) & ${most}); ${i}++) {`, ...body(), '}'];
    }
    default:
      return [...unroll, `for (${type} ${i} = 0; ${i} < ${count}; ${i}++) {`, ...body(), '}'];
  }
}
