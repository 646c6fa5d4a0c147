import { Random } from '../../../src/base/index.ts';
import { Expressions, type Parameter } from './expressions.ts';
import type { Variable } from './scope.ts';
import { declare, integers, randomStruct, type Sequence, type Shape, wholes } from './shapes.ts';
import { Statements } from './statements.ts';
import { randomTable, summedTable } from './tables.ts';

/**
 * Random C without undefined behaviour (signed overflow wraps): types, globals of each section, functions that are
 * inlined and such that are called, and `run`, which takes the address of eight 64-bit words and gives one: a sum over
 * all that the program made.
 */
export const prelude = `typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;
#define apart __attribute__((__noinline__))
`;

export function randomProgram(seed: number): string {
  return new Program(new Random(seed)).text();
}

/** The eight words that program number `seed` runs on. */
export function randomInput(seed: number): bigint[] {
  const r = new Random(seed ^ 0x5bd1e995);
  const edge = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x7fffffffffffffffn, 1n << 63n];
  const random = (): bigint => (BigInt(r.u32()) << 32n) | BigInt(r.u32());
  return Array.from({ length: 8 }, () => (r.chance(0.4) ? r.pick(edge) : random()));
}

class Program {
  readonly #r: Random;
  readonly #e: Expressions;
  readonly #s: Statements;

  constructor(random: Random) {
    this.#r = random;
    this.#e = new Expressions(random);
    this.#s = new Statements(this.#e);
  }

  /** Names that hold for the whole file have two letters, an underscore and a number. */
  text(): string {
    const r = this.#r;
    const lines: string[] = [];
    if (r.chance(0.6)) lines.push(this.#enumeration());
    for (let i = r.int(1, 3); i > 0; i--) {
      const { shape, text } = randomStruct(r, this.#e.structs.length, this.#e.structs);
      this.#e.structs.push(shape);
      lines.push(text);
    }
    for (let i = r.int(0, 4); i > 0; i--) lines.push(this.#global(i));
    for (let i = r.int(0, 2); i > 0; i--) {
      const { table, text } = randomTable(r, i, this.#e.structs);
      this.#e.tables.push(table);
      lines.push(text);
    }
    for (let i = r.int(1, 4); i > 0; i--) lines.push(...this.#function(i));
    return [...lines, ...this.#run()].join('\n');
  }

  #enumeration(): string {
    const r = this.#r;
    const names = ['en_0_a', 'en_0_b', 'en_0_c'];
    const values = names.map((name) =>
      r.chance(0.5) ? `${name} = ${r.pick(['-3', '7', '0x7fffffff', '1 << 20', '-1'])}` : name,
    );
    this.#e.enumerators.push(...names);
    // The one behind the greatest int would be none.
    return `enum en_0 { ${values.join(', ').replace(/(0x7fffffff), (\w+)(?! =)(?=,|$)/g, '$1, $2 = 4')} };`;
  }

  #shape(scalars: number): Shape {
    const r = this.#r;
    if (r.chance(scalars)) return r.pick(wholes);
    if (r.chance(0.5)) return r.pick(this.#e.structs);
    const plain = r.chance(0.3) ? r.pick(this.#e.structs) : r.pick(integers);
    const element: Shape = r.chance(0.15) ? { kind: 'array', element: plain, length: 2 } : plain;
    return { kind: 'array', element, length: r.pick([2, 4, 8]) } satisfies Sequence;
  }

  #global(number: number): string {
    const r = this.#r;
    const type = this.#shape(0.35);
    const name = `gl_${number}`;
    const constant = r.chance(0.35);
    const volatile = !constant && type.kind === 'scalar' && r.chance(0.2);
    const value = type.kind === 'scalar' ? this.#e.constant() : this.#e.initializer(type, 2, true);
    const initial = constant || r.chance(0.6) ? ` = ${value}` : '';
    this.#e.scope.add({ name, type, writable: !constant, addressable: !volatile });
    return `static ${constant ? 'const ' : ''}${volatile ? 'volatile ' : ''}${declare(type, name)}${initial};`;
  }

  #parameter(number: number, apart: boolean, pure: boolean): Parameter {
    const r = this.#r;
    const pointer = r.chance(0.3);
    const type = r.chance(pointer ? 0.5 : apart ? 1 : 0.7) ? r.pick(wholes) : r.pick(this.#e.structs);
    return { name: `x${number}`, type, pointer, writable: pointer && !pure && r.chance(0.7), fixed: r.chance(0.6) };
  }

  #function(number: number): string[] {
    const r = this.#r;
    const e = this.#e;
    const apart = r.chance(0.35);
    const pure = r.chance(0.5);
    const parameters = Array.from({ length: r.int(1, apart ? 5 : 4) }, (_, i) => this.#parameter(i, apart, pure));
    const returns = pure || r.chance(0.8) ? (apart || r.chance(0.7) ? r.pick(wholes) : r.pick(e.structs)) : undefined;
    const name = `fn_${number}`;
    const taken = parameters.map(({ type, name, pointer, writable }) =>
      pointer ? `${writable ? '' : 'const '}${(type as { name: string }).name} *${name}` : declare(type, name),
    );
    const start = e.spent;
    e.budget = start + 60;
    e.room = 64;
    this.#s.pure = pure;
    const globals = e.scope.variables.length;
    const body = e.scope.apart(
      () => true,
      () => {
        // What a pure function may not change it sees as constant.
        if (pure) e.scope.variables = e.scope.variables.map((one): Variable => ({ ...one, writable: false }));
        for (const one of parameters) e.scope.add(this.#variableOf(one, globals));
        return this.#body(returns, pure);
      },
    );
    const kind = apart
      ? 'static apart'
      : r.pick(['static inline', 'static inline', 'static', '__attribute__((always_inline)) static inline']);
    e.functions.push({ name, parameters, returns, pure, cost: e.spent - start + 2 });
    return [
      `${kind} ${returns ? (returns as { name: string }).name : 'void'} ${name}(${taken.join(', ')}) {`,
      ...body.map((line) => `  ${line}`),
      '}',
    ];
  }

  #variableOf({ name, type, pointer, writable, fixed }: Parameter, globals: number): Variable {
    if (!pointer) return { name, type, writable: true, addressable: true };
    const target = { kind: 'pointer', target: type, levels: 1, before: globals, writable, fixed } as const;
    return { name, type: target, writable: true, addressable: false };
  }

  #body(returns: Shape | undefined, pure: boolean): string[] {
    const r = this.#r;
    const e = this.#e;
    const lines: string[] = [];
    if (!pure && r.chance(0.3)) {
      const type = r.pick(integers);
      const name = e.fresh('c');
      lines.push(`static ${type.name} ${name}${r.chance(0.5) ? ` = ${e.constant()}` : ''};`);
      e.scope.add({ name, type, writable: true, addressable: true });
    }
    if (!returns && r.chance(0.3)) lines.push(`if (${e.expression(0)} == 77) return;`);
    lines.push(...this.#s.list(r.int(0, 3)));
    const value = (): string => (returns?.kind === 'struct' ? e.value(returns, 2) : e.expression(3));
    if (returns && r.chance(0.4)) lines.push(`if (${e.expression(2)}) return ${value()};`);
    lines.push(...this.#s.list(r.int(0, 2)));
    if (returns) lines.push(`return ${value()};`);
    return lines;
  }

  #run(): string[] {
    const r = this.#r;
    const e = this.#e;
    e.budget = e.spent + 400;
    e.room = 176;
    this.#s.pure = false;
    const lines: string[] = [];
    const add = (name: string, type: Shape, text: string): void => {
      e.scope.add({ name, type, writable: true, addressable: true });
      lines.push(`${declare(type, name)} = ${text};`);
    };
    for (let i = 0, count = r.int(3, 6); i < count; i++) add(e.fresh('v'), r.pick(wholes), `in[${i}]`);
    for (const [i, type] of e.structs.entries()) {
      const some = e.initializer(type, 2);
      add(`w${i}`, type, some);
      e.room -= e.roomFor(type);
    }
    const array: Sequence = { kind: 'array', element: r.pick(integers), length: 4 };
    add('b', array, '{ in[0], in[1], [3] = in[7] }');
    lines.push(...this.#s.list(r.int(5, 10)));
    lines.push('u64 h = 1;', ...e.scope.variables.flatMap((one) => this.#summed(one)));
    lines.push(...e.tables.flatMap((one) => summedTable(one, summed)), 'return h;');
    return ['u64 run(u64 *in) {', ...lines.map((line) => `  ${line}`), '}'];
  }

  /** All numbers within a variable go into the sum. */
  #summed({ name, type }: Variable): string[] {
    return type.kind === 'pointer' ? [] : summed(name, type);
  }
}

function summed(text: string, shape: Shape): string[] {
  if (shape.kind === 'array') {
    return Array.from({ length: shape.length }, (_, i) => summed(`${text}[${i}]`, shape.element)).flat();
  }
  if (shape.kind === 'scalar') return [`h = h * 31 + (u64)${text};`];
  const fields = shape.union ? shape.fields.slice(0, 1) : shape.fields;
  return fields.flatMap((field) => summed(`${text}.${field.name}`, field.type));
}
