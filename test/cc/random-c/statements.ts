import type { Callable, Expressions } from './expressions.ts';
import { loop } from './loops.ts';
import { atomic, boundedIndex, bytes, byteView, pointerWalk } from './memory-statements.ts';
import type { Place } from './scope.ts';
import { bool, integers, type Scalar, type Sequence, type Struct, sizeOf, wholes } from './shapes.ts';
import { tableStatement } from './tables.ts';

/**
 * Statements. Side effects stand where C orders them: a value with one goes into a variable of its own before anything
 * else sees it. All loops end after a few turns.
 */
export class Statements {
  readonly #e: Expressions;
  #depth = 0;
  /** Where a `break` or `continue` would go. */
  #jumps: string[] = [];
  /** Only within what a function may change. */
  pure = false;

  constructor(expressions: Expressions) {
    this.#e = expressions;
  }

  list(count: number): string[] {
    const lines: string[] = [];
    for (let i = 0; i < count && !this.#e.exhausted; i++) lines.push(...this.statement());
    return lines;
  }

  /** A block's lines, its declarations forgotten behind it. */
  #block(jumps: readonly string[] = this.#jumps): string[] {
    const { r, scope } = this.#e;
    const [own, room] = [this.#jumps, this.#e.room];
    this.#jumps = [...jumps];
    this.#depth++;
    const lines = scope.inside(() => {
      const made = this.list(r.int(1, 3));
      if (this.#jumps.length > 0 && r.chance(0.2)) made.push(`if (${this.#e.expression(1)}) ${r.pick(this.#jumps)};`);
      return made;
    });
    this.#depth--;
    this.#jumps = own;
    this.#e.room = room;
    return lines.map((line) => `  ${line}`);
  }

  statement(): string[] {
    const { r } = this.#e;
    if (this.#depth > 2) return [this.#assignment()];
    return r.weighted(this.#kinds)() ?? [this.#assignment()];
  }

  readonly #kinds: readonly (readonly [number, () => string[] | undefined])[] = [
    [6, () => [this.#assignment()]],
    [5, () => [this.#compound()]],
    [2, () => [this.#step()]],
    [5, () => this.#branch()],
    [5, () => loop(this.#e, (jumps) => this.#block([...jumps, ...this.#gotos()]))],
    [3, () => this.#switch()],
    [2, () => this.#forwardGoto()],
    [1, () => this.#backwardGoto()],
    [3, () => this.#structAssignment()],
    [6, () => this.#declaration()],
    [4, () => this.#sequenced()],
    [2, () => atomic(this.#e)],
    [2, () => bytes(this.#e)],
    [3, () => this.#call()],
    [2, () => pointerWalk(this.#e)],
    [2, () => this.#retarget()],
    [4, () => (this.pure ? undefined : tableStatement(this.#e, () => this.#block()))],
    [1, () => byteView(this.#e)],
    [1, () => boundedIndex(this.#e)],
  ];

  #assignment(): string {
    const place = this.#e.target();
    return place ? `${place.text} = ${this.#e.expression(3)};` : `(void)(${this.#e.expression(2)});`;
  }

  /** `op=` with an operand that C allows. */
  #update({ text, type }: Place): string {
    const { r } = this.#e;
    const value = this.#e.expression(2);
    const { bits } = type as Scalar;
    return r.weighted([
      [6, () => `${text} ${r.pick(['+=', '-=', '*=', '&=', '|=', '^='])} ${value}`],
      [2, () => `${text} ${r.pick(['<<=', '>>='])} (${value} & ${r.pick([7, Math.max(bits, 32) - 1])})`],
      [1, () => `${text} ${r.pick(['/=', '%='])} ((${value} & 15) + 1)`],
      [1, () => `${text} ${r.pick(['/=', '%='])} ${r.pick(['3', '10u', '-7', '256', '1000ull'])}`],
    ] as const)();
  }

  #compound(): string {
    const place = this.#e.target();
    return place ? `${this.#update(place)};` : this.#assignment();
  }

  #step(): string {
    const { r } = this.#e;
    const place = this.#e.target();
    if (!place) return this.#assignment();
    const op = r.pick(['++', '--']);
    return r.chance(0.5) ? `${op}${place.text};` : `${place.text}${op};`;
  }

  #branch(): string[] {
    const { r } = this.#e;
    const head = `if (${this.#e.expression(2)}) {`;
    const yes = this.#block();
    if (r.chance(0.4)) return [head, ...yes, '}'];
    if (r.chance(0.3)) return [head, ...yes, `} else if (${this.#e.expression(2)}) {`, ...this.#block(), '}'];
    return [head, ...yes, '} else {', ...this.#block(), '}'];
  }

  #switch(): string[] {
    const { r } = this.#e;
    const head = r.pick([
      `switch (${this.#e.expression(2)} & 7) {`,
      `switch (${this.#e.expression(1)}) {`,
      `switch ((${r.pick(wholes).name})(${this.#e.expression(2)})) {`,
    ]);
    const labels = r.pick([
      ['case 0:', 'case 1: case 2:', 'case 3 ... 5:', 'default:'],
      ['default:', 'case -1:', 'case 7:', 'case 0x80000000:'],
      ['case 1 ... 1000:', 'case 0:', 'case 0x7fff ... 0x8001:'],
      ['case 0:', 'case 1:', 'case 2:', 'case 3:', 'case 4:', 'case 5:', 'case 6:', 'case 7:'],
      ['case 255:', 'default:'],
    ]);
    const parts = labels.flatMap((label) => {
      const end = r.chance(0.6) ? ['  break;'] : [];
      // Not `break`: the block's own jumps would leave the switch only.
      const inner = this.#jumps.filter((one) => one !== 'break');
      return r.chance(0.15) ? [label, '  ;', ...end] : [`${label} {`, ...this.#block(inner), '}', ...end];
    });
    return [head, ...parts, '}'];
  }

  #forwardGoto(): string[] {
    const label = this.#e.fresh('l');
    const jumps = [...this.#jumps, `goto ${label}`];
    const lines = [`if (${this.#e.expression(2)}) goto ${label};`, '{', ...this.#block(jumps)];
    if (this.#e.r.chance(0.3))
      lines.push(`  if (${this.#e.expression(1)}) { ${this.#assignment()} goto ${label}; }`, ...this.#block());
    return [...lines, '}', `${label}: ;`];
  }

  /** Jumps out of any loop. */
  #gotos(): string[] {
    return this.#jumps.filter((one) => one.startsWith('goto'));
  }

  #backwardGoto(): string[] | undefined {
    if (this.#e.loops >= 2) return undefined;
    const label = this.#e.fresh('l');
    const turn = this.#e.fresh('i');
    const count = this.#e.r.int(2, 3);
    this.#e.loops++;
    this.#e.times *= count;
    const lines = [
      `{ u32 ${turn} = 0;`,
      `${label}:`,
      '  {',
      ...this.#block(this.#gotos()),
      '  }',
      `  if (++${turn} < ${count}) goto ${label}; }`,
    ];
    this.#e.times /= count;
    this.#e.loops--;
    return lines;
  }

  #structAssignment(): string[] | undefined {
    const place = this.#e.target(({ type }) => type.kind === 'struct');
    return place && [`${place.text} = ${this.#e.value(place.type as Struct, 2)};`];
  }

  #declaration(): string[] | undefined {
    const { r, scope, structs } = this.#e;
    const kind = r.int(0, 9);
    if (kind < 4) return this.#pointer();
    if (kind < 6 && structs.length > 0) {
      const type = r.pick(structs);
      if (this.#e.roomFor(type) > this.#e.room) return undefined;
      this.#e.room -= this.#e.roomFor(type);
      const name = this.#e.fresh('o');
      const line = `${type.name} ${name} = ${r.chance(0.5) ? this.#e.value(type, 2) : this.#e.initializer(type, 2)};`;
      scope.add({ name, type, writable: true, addressable: true });
      return [line];
    }
    if (kind === 6) {
      const element = structs.length > 0 && r.chance(0.4) ? r.pick(structs) : r.pick(integers);
      const type: Sequence = { kind: 'array', element, length: r.pick([2, 4]) };
      if (sizeOf(type) > this.#e.room) return undefined;
      this.#e.room -= sizeOf(type);
      const name = this.#e.fresh('a');
      const line = `${element.name} ${name}[${type.length}] = ${this.#e.initializer(type, 2)};`;
      scope.add({ name, type, writable: true, addressable: true });
      return [line];
    }
    if (this.#e.room < 8) return undefined;
    this.#e.room -= 8;
    const type = r.chance(0.08) ? bool : r.pick(wholes);
    const name = this.#e.fresh('v');
    const volatile = r.chance(0.15);
    const line = `${volatile ? 'volatile ' : ''}${type.name} ${name} = ${this.#e.expression(2)};`;
    scope.add({ name, type, writable: true, addressable: !volatile });
    return [line];
  }

  /** A pointer to some place, or to a pointer. */
  #pointer(): string[] | undefined {
    const { r, scope } = this.#e;
    if (this.#e.room < 8) return undefined;
    this.#e.room -= 8;
    const before = scope.variables.length;
    const known = scope.variables.filter(({ type }) => type.kind === 'pointer' && type.levels === 1);
    const name = this.#e.fresh('p');
    if (known.length > 0 && r.chance(0.25)) {
      const one = r.pick(known);
      if (one.type.kind !== 'pointer' || one.type.target.kind === 'array') return undefined;
      const { target, writable } = one.type;
      scope.add({ name, type: { ...one.type, levels: 2 }, writable: true, addressable: false });
      return [`${writable ? '' : 'const '}${target.name} **${name} = &${one.name};`];
    }
    const writable = r.chance(0.8);
    const place = scope.place(
      (one) => one.addressable && one.width === undefined && (one.writable || !writable) && one.type.kind !== 'array',
    );
    if (!place || place.type.kind === 'array') return undefined;
    scope.add({
      name,
      type: { kind: 'pointer', target: place.type, levels: 1, before, writable, fixed: place.fixed },
      writable: true,
      addressable: false,
    });
    return [`${writable ? '' : 'const '}${place.type.name} *${name} = &${place.text};`];
  }

  #retarget(): string[] | undefined {
    const { r, scope } = this.#e;
    const pointers = scope.pointers();
    if (pointers.length === 0) return undefined;
    const { text, type } = r.pick(pointers);
    const address = this.#e.address(type.target, type.before, type);
    return address === undefined ? undefined : [`${text} = ${address};`];
  }

  /** A value with a side effect goes into a fresh variable. */
  #sequenced(): string[] | undefined {
    const { r, scope } = this.#e;
    const place = this.#e.target();
    const other = this.#e.target();
    if (!place || !other || this.#e.room < 8) return undefined;
    this.#e.room -= 8;
    const name = this.#e.fresh('v');
    const type = r.pick(wholes);
    const line = `${type.name} ${name} = ${this.#effects(place, other)};`;
    scope.add({ name, type, writable: true, addressable: true });
    return [line];
  }

  #effects(place: Place, other: Place): string {
    const { r } = this.#e;
    const one = this.#effect(place);
    switch (r.int(0, 6)) {
      case 0:
        return `(${one}, ${this.#effect(other)})`;
      case 1:
        return `${one} ${r.pick(['&&', '||'])} ${this.#effect(other)}`;
      case 2:
        return `${this.#e.expression(1)} ? ${one} : ${this.#effect(other)}`;
      case 3:
        return `${one} ? ${this.#e.expression(1)} : ${this.#effect(other)}`;
      case 4:
        return `${r.pick(['-', '~', '!', '(u8)', '(s64)'])}(${one})`;
      case 5:
        return `({ ${this.#effect(other)}; ${one}; })`;
      default:
        return one;
    }
  }

  #effect(place: Place): string {
    const { r } = this.#e;
    const { text, type, width = 0 } = place;
    const cast = width > 31 ? `(${(type as Scalar).name})` : '';
    const step = r.pick(['++', '--']);
    return `${cast}${r.pick([`${text}${step}`, `${step}${text}`, `(${text} = ${this.#e.expression(2)})`, `(${this.#update(place)})`])}`;
  }

  #call(): string[] | undefined {
    const { r, scope, functions } = this.#e;
    const fitting = functions.filter((one: Callable) => this.#e.affordable(one) && (one.pure || !this.pure));
    if (fitting.length === 0) return undefined;
    const target = r.pick(fitting);
    const call = this.#e.callOf(target, 2);
    if (call === undefined) return undefined;
    const { returns } = target;
    if (!returns || returns.kind === 'array' || r.chance(0.1) || this.#e.roomFor(returns) > this.#e.room)
      return [`${call};`];
    this.#e.room -= this.#e.roomFor(returns);
    const name = this.#e.fresh('v');
    scope.add({ name, type: returns, writable: true, addressable: true });
    return [`${returns.name} ${name} = ${call};`];
  }
}
