import type { Random } from '../../../src/base/index.ts';
import { isScalar, type Place, Scope } from './scope.ts';
import { integers, type Scalar, type Shape, type Struct, scalarNamed, sizeOf, wholes } from './shapes.ts';
import type { Table } from './tables.ts';

/** A function of the program, as its callers know it. */
export interface Callable {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Undefined: nothing. */
  readonly returns: Shape | undefined;
  /** Changes nothing that its caller sees, so it may stand anywhere in an expression. */
  readonly pure: boolean;
  /** What it does, in expressions. */
  readonly cost: number;
}

export interface Parameter {
  readonly name: string;
  readonly type: Shape;
  /** It takes a pointer to that. */
  readonly pointer: boolean;
  readonly writable: boolean;
  /** It takes pointers to fixed places only. */
  readonly fixed: boolean;
}

const constants = `0 1 2 3 7 -1 255 0x80 0x7fff 0x8000 65535 0x7fffffff 0x80000000 0x80000000u 0xffffffffull -5 1000
  0x123456789abcdefull 0x8000000000000000ull 017 'a' '\\n' '\\xff' 1l 2ul 3ll 4294967296 -2147483648 0xffffffffffffffff
  (-9223372036854775807ll-1) 99999999999 1u`.split(/\s+/);

/**
 * Expressions without side effects: they may be put together in any way, since the order in which C evaluates their
 * parts does not matter. Shifts, divisions and indices are kept in bounds, as C wants.
 */
export class Expressions {
  readonly r: Random;
  readonly scope: Scope;
  readonly structs: Struct[] = [];
  readonly enumerators: string[] = [];
  readonly functions: Callable[] = [];
  readonly tables: Table[] = [];
  /** Expressions that run, those in loops and functions as often as they do. */
  spent = 0;
  times = 1;
  budget = 0;
  /** Loops around what is made now. */
  loops = 0;
  /** Bytes of the frame that variables may still take. */
  room = 0;
  #names = 0;

  constructor(random: Random) {
    this.r = random;
    this.scope = new Scope(random, (length) => this.index(length));
  }

  /** A name that no other declaration has. */
  fresh(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  get exhausted(): boolean {
    return this.spent > this.budget;
  }

  /** An index into `length` elements, a power of two of them. */
  index(length: number): string {
    const value = this.leaf();
    return this.r.chance(0.2)
      ? `((u${this.r.pick([8, 16, 32, 64])})${value} & ${length - 1})`
      : `(${value} & ${length - 1})`;
  }

  /** A scalar that is read. */
  leaf(): string {
    const { r } = this;
    const kind = r.int(0, 19);
    if (kind < 4) return r.pick(constants);
    if (kind === 4 && this.enumerators.length > 0) return r.pick(this.enumerators);
    // Inside of an index no other one: the depth would have no end.
    const place = this.#inIndex ? undefined : this.#read();
    if (place) return place;
    const plain = this.scope.variables.filter(({ type }) => type.kind === 'scalar');
    return plain.length > 0 ? r.pick(plain).name : r.pick(constants);
  }

  #inIndex = false;

  #read(): string | undefined {
    this.#inIndex = true;
    const place = this.scope.place(isScalar);
    this.#inIndex = false;
    return place && this.readOf(place);
  }

  /** gcc gives a bit-field wider than int a type of its own width, clang and tracebed that of its declaration. */
  readOf({ text, type, width = 0 }: Place): string {
    return width > 31 ? `(${(type as Scalar).name})${text}` : text;
  }

  /** A place that can be written, its indices simple. */
  target(fits: (place: Place) => boolean = isScalar): Place | undefined {
    return this.scope.place((place) => place.writable && fits(place));
  }

  expression(depth: number): string {
    this.spent += this.times;
    if (depth <= 0 || this.exhausted || this.r.chance(0.1)) return this.leaf();
    return this.r.weighted(this.#kinds)(depth - 1);
  }

  readonly #kinds: readonly (readonly [number, (depth: number) => string])[] = [
    [12, (d) => `(${this.expression(d)} ${this.r.pick(['+', '-', '*', '&', '|', '^'])} ${this.expression(d)})`],
    [6, (d) => `(${this.expression(d)} ${this.r.pick(['<', '<=', '>', '>=', '==', '!='])} ${this.expression(d)})`],
    [3, (d) => this.#quotient(d)],
    [4, (d) => this.#shift(d)],
    [4, (d) => `((${this.r.pick(wholes).name})(${this.expression(d)}))`],
    [1, (d) => `((_Bool)(${this.expression(d)}))`],
    [3, (d) => `(${this.expression(d)} ? ${this.expression(d)} : ${this.expression(d)})`],
    [3, (d) => `(${this.expression(d)} ${this.r.pick(['&&', '||'])} ${this.expression(d)})`],
    [3, (d) => `(${this.r.pick(['-', '~', '!', '+'])}(${this.expression(d)}))`],
    [1, (d) => `(${this.expression(d)} ?: ${this.expression(d)})`],
    [1, (d) => `(${this.expression(d)}, ${this.expression(d)})`],
    [2, (d) => this.#bits(d)],
    [1, (d) => this.#double(d)],
    [2, (d) => this.#block(d)],
    [1, (d) => this.#typed(d)],
    [1, () => this.#size()],
    [2, (d) => this.#elementOfLiteral(d)],
    [2, (d) => this.#memberOfValue(d)],
    [1, () => this.#addresses()],
    [1, (d) => this.#overflow(d)],
    [3, (d) => this.#call(d, (one) => one.returns?.kind === 'scalar') ?? this.expression(d)],
  ];

  #quotient(depth: number): string {
    const { r } = this;
    const op = r.pick(['/', '%']);
    const a = this.expression(depth);
    const b = this.expression(depth);
    const signed = r.pick(['s8', 's16', 's32']);
    return r.pick([
      `(${a} ${op} ((${b} & 15) + 1))`,
      `(${a} ${op} ${r.pick(['3', '7u', '10', '16', '1000ull', '-3', '-16', '64ll', '255u'])})`,
      `((u32)(${a}) ${op} ((u32)(${b}) | 1))`,
      `((u64)(${a}) ${op} ((u64)(${b}) | 1))`,
      `((s64)(s32)(${a}) ${op} ((${signed})(${b}) ?: -7))`,
      `((s16)(${a}) ${op} ((s8)(${b}) ?: 5))`,
      `((s64)(${a}) ${op} ((s32)(${b} & 15) - 20))`,
    ]);
  }

  #shift(depth: number): string {
    const { r } = this;
    const op = r.pick(['<<', '>>']);
    const a = this.expression(depth);
    const b = r.chance(0.3) ? '' : this.expression(depth);
    const by = (bits: number): string => (b === '' ? `${r.int(0, bits)}` : `(${b} & ${bits})`);
    return r.pick([
      `(${a} ${op} ${by(31)})`,
      `((u64)(${a}) ${op} ${by(63)})`,
      `((s64)(${a}) ${op} ${by(63)})`,
      `((${r.pick(integers).name})(${a}) ${op} ${by(31)})`,
    ]);
  }

  #bits(depth: number): string {
    const { r } = this;
    const a = this.expression(depth);
    const size = r.pick(['', 'l', 'll']);
    return r.pick([
      `__builtin_bswap${r.pick([16, 32, 64])}(${a})`,
      `__builtin_popcount${size}(${a})`,
      `__builtin_parity${size}(${a})`,
      `__builtin_ffs${size}(${a})`,
      `__builtin_ctz${size}(${a} | ${r.pick(['1', '0x8000', '0x40000000'])})`,
      `__builtin_clz${size}(${a} | ${r.pick(['1', '0x8000', '0x40000000'])})`,
      `__builtin_expect(${a}, ${r.int(0, 1)})`,
      `__builtin_abs(${a})`,
    ]);
  }

  /** Within 128 bits, of which a word is taken. */
  #double(depth: number): string {
    const { r } = this;
    const a = `(unsigned __int128)(${this.expression(depth)})`;
    const b = `(${r.pick(['u64', 's64', 'unsigned __int128'])})(${this.expression(depth)})`;
    return r.pick([
      `((u64)((${a} ${r.pick(['*', '+', '-', '^'])} ${b}) >> ${r.pick([1, 32, 64, 100])}))`,
      `((u64)((${a} << ${r.int(0, 127)}) >> ${r.int(0, 127)}))`,
      `((${a}) ${r.pick(['<', '>=', '=='])} (${b}))`,
    ]);
  }

  /** A statement expression: what it changes is its own. */
  #block(depth: number): string {
    const { r } = this;
    const name = this.fresh('t');
    const type = r.pick(wholes);
    const start = this.expression(depth);
    return this.scope.inside(() => {
      this.scope.add({ name, type, writable: false, addressable: false });
      const step = r.pick([
        `if (${this.expression(depth)}) ${name} ${r.pick(['=', '+=', '^='])} ${this.expression(depth)};`,
        `${name}${r.pick(['++', '--'])};`,
        `${name} *= ${this.expression(depth)};`,
        `do ${name} += 3; while (0);`,
        `if (${name} > 5) { ${name} = 5; }`,
        `switch (${name}) { case 1: ${name} = 4; break; case 2 ... 9: ${name} -= ${this.expression(0)}; default: ${name}++; }`,
      ]);
      return `({ ${type.name} ${name} = ${start}; ${step} ${this.expression(depth)} ^ ${name}; })`;
    });
  }

  /** What shows the type of an expression. */
  #typed(depth: number): string {
    const { r } = this;
    const a = `${this.expression(depth)} ${r.pick(['+', '-', '|', '*'])} ${this.expression(depth)}`;
    const all = 'int: 1, unsigned: 2, long: 3, unsigned long: 4, long long: 5, unsigned long long: 6, default: 7';
    return r.pick([
      `_Generic((${a}), ${all})`,
      `_Generic((${this.expression(depth)} ? ${this.expression(depth)} : ${this.expression(depth)}), ${all})`,
      `((typeof(${a}))(${this.expression(depth)}))`,
      `__builtin_types_compatible_p(typeof(${a}), ${r.pick(['int', 'unsigned', 'long', 'u64', 's64', 'unsigned long'])})`,
      `sizeof(${a})`,
    ]);
  }

  #size(): string {
    const { r } = this;
    if (this.structs.length === 0) return `sizeof(${r.pick(wholes).name})`;
    const struct = r.pick(this.structs);
    const field = r.pick(struct.fields);
    if (field.width !== undefined) return `sizeof(${struct.name})`;
    return r.pick([
      `sizeof(${struct.name})`,
      `_Alignof(${struct.name})`,
      `sizeof(((${struct.name} *)0)->${field.name})`,
      `__builtin_offsetof(${struct.name}, ${field.name})`,
    ]);
  }

  #elementOfLiteral(depth: number): string {
    const { r } = this;
    const index = this.index(4);
    if (r.chance(0.3)) return `"${r.pick(['abcd', 'x\\0y\\377', '1234', '\\x80~ Z'])}"[${index}]`;
    const type = r.pick(integers).name;
    return `((${type}[4]){ ${this.expression(depth)}, ${r.chance(0.3) ? '[3] = ' : ''}${this.expression(depth)} })[${index}]`;
  }

  #memberOfValue(depth: number): string {
    const { r } = this;
    if (this.structs.length === 0) return this.expression(depth);
    const struct = r.pick(this.structs);
    const fields = struct.fields.filter(({ type }) => type.kind === 'scalar');
    if (fields.length === 0) return this.expression(depth);
    const { name, type, width = 0 } = r.pick(fields);
    const cast = width > 31 ? `(${(type as Scalar).name})` : '';
    return `${cast}${this.value(struct, depth)}.${name}`;
  }

  /** Comparisons of addresses whose result C defines. */
  #addresses(): string {
    const { r } = this;
    const pointers = this.scope.pointers();
    const one = pointers.length > 0 ? r.pick(pointers) : undefined;
    const other = one && this.address(one.type.target, one.type.before, {});
    if (!one || !other) return this.leaf();
    return r.pick([`(${one.text} ${r.pick(['==', '!='])} ${other})`, `(${one.text} != 0)`, `(!${one.text})`]);
  }

  #overflow(depth: number): string {
    const { r } = this;
    const name = this.fresh('t');
    const op = r.pick(['add', 'sub', 'mul']);
    const call = `__builtin_${op}_overflow(${this.expression(depth)}, ${this.expression(depth)}, &${name})`;
    return `({ ${r.pick(integers).name} ${name}; _Bool ${name}o = ${call}; ${r.pick([`${name}`, `${name} * 2 + ${name}o`])}; })`;
  }

  /** A call of a function without side effects. */
  #call(depth: number, fits: (one: Callable) => boolean): string | undefined {
    const fitting = this.functions.filter((one) => one.pure && fits(one) && this.affordable(one));
    return fitting.length > 0 ? this.callOf(this.r.pick(fitting), depth) : undefined;
  }

  affordable({ cost }: Callable): boolean {
    return this.spent + cost * this.times <= this.budget;
  }

  /** Undefined when there is nothing that a pointer could point to. */
  callOf(target: Callable, depth: number): string | undefined {
    const args = target.parameters.map(({ type, pointer, writable, fixed }) => {
      if (pointer) return this.address(type, this.scope.variables.length, { writable, fixed });
      return type.kind === 'struct' ? this.value(type, depth) : this.expression(depth);
    });
    if (args.includes(undefined)) return undefined;
    this.spent += target.cost * this.times;
    return `${target.name}(${args.join(', ')})`;
  }

  /** A pointer to a place of the type. @param limit only to one of the first variables */
  address(type: Shape, limit: number, wanted: { writable?: boolean; fixed?: boolean }): string | undefined {
    const fits = (place: Place): boolean =>
      place.addressable &&
      place.type === type &&
      place.width === undefined &&
      (!wanted.writable || place.writable) &&
      (!wanted.fixed || place.fixed);
    const first = this.scope.place(fits, limit)?.text;
    if (first === undefined || !this.r.chance(0.2)) return first && `&${first}`;
    const second = this.scope.place(fits, limit)?.text ?? first;
    return `(${this.expression(1)} ? &${first} : &${second})`;
  }

  /** A struct's value. */
  value(struct: Struct, depth: number): string {
    const { r } = this;
    this.spent += this.times;
    const place = this.scope.place((one) => one.type === struct)?.text;
    const kind = depth <= 0 || this.exhausted ? 9 : r.int(0, 9);
    if (place && kind >= 4) return place;
    if (place && kind === 3) return `(${this.expression(depth)} ? ${place} : ${this.value(struct, depth - 1)})`;
    if (kind === 2) return this.#call(depth - 1, (one) => one.returns === struct) ?? this.literal(struct, depth);
    if (kind === 1) return this.#changedCopy(struct, depth);
    return this.literal(struct, depth);
  }

  literal(struct: Struct, depth: number): string {
    return `(${struct.name})${this.initializer(struct, depth)}`;
  }

  #changedCopy(struct: Struct, depth: number): string {
    const name = this.fresh('t');
    const field = struct.fields.find(({ type }) => type.kind === 'scalar');
    if (!field) return this.literal(struct, depth);
    const start = this.initializer(struct, depth - 1);
    return `({ ${struct.name} ${name} = ${start}; ${name}.${field.name} = ${this.expression(depth - 1)}; ${name}; })`;
  }

  /** `{ … }` of any shape but a scalar; what it leaves out is 0. */
  initializer(shape: Exclude<Shape, Scalar>, depth: number, constant = false): string {
    const { r } = this;
    const part = (type: Shape): string => {
      if (type.kind === 'scalar') return constant ? this.constant() : this.expression(depth - 1);
      return this.initializer(type, depth - 1, constant);
    };
    if (shape.kind === 'array') {
      const { element } = shape;
      if (element.kind === 'scalar' && element.bits === 8 && shape.length >= 4 && r.chance(0.2)) return '"ab\\x80"';
      const count = r.int(1, shape.length);
      const at = r.int(0, shape.length - 1);
      const designated = r.chance(0.2)
        ? `, [${at}${r.chance(0.3) ? ` ... ${shape.length - 1}` : ''}] = ${part(shape.element)}`
        : '';
      return `{ ${Array.from({ length: count }, () => part(shape.element)).join(', ')}${designated} }`;
    }
    // The first member of a union covers all of it, and an anonymous one's other members would overwrite it.
    const named = shape.union ? shape.fields.slice(0, 1) : shape.fields.filter(({ name }) => /^f\d+w?$/.test(name));
    if (r.chance(0.4)) {
      const some = named.filter((_, i) => i === 0 || r.chance(0.6));
      if (r.chance(0.3)) some.reverse();
      return `{ ${some.map(({ name, type }) => `.${name} = ${part(type)}`).join(', ')} }`;
    }
    return `{ ${named.map(({ name, type }) => (/w$/.test(name) && !shape.union ? `{ ${part(type)} }` : part(type))).join(', ')} }`;
  }

  /** What may stand in the initialiser of a global. */
  constant(): string {
    const { r } = this;
    const kind = r.int(0, 5);
    if (kind === 0 && this.enumerators.length > 0) return r.pick(this.enumerators);
    if (kind === 1) return `((u64)${r.pick(constants)} ${r.pick(['+', '-', '*', '^', '|'])} ${r.pick(constants)})`;
    if (kind === 2) return `(${r.pick(wholes).name})${r.pick(constants)}`;
    if (kind === 3) return `sizeof(${(this.structs.length > 0 ? r.pick(this.structs) : scalarNamed('u32')).name})`;
    return r.pick(constants);
  }

  /** Bytes that a variable takes on the stack, more or less. */
  roomFor(shape: Shape): number {
    return Math.max(8, sizeOf(shape));
  }
}
