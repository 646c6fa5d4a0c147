import type { Callable, Expressions } from './expressions.ts';
import type { Place } from './scope.ts';
import { integers, type Scalar, type Sequence, type Struct, sizeOf, wholes } from './shapes.ts';

/**
 * Statements. Side effects stand where C orders them: a value with one goes into a variable of its own before anything
 * else sees it. All loops end after a few turns.
 */
export class Statements {
  readonly #e: Expressions;
  #depth = 0;
  #loops = 0;
  /** Where a `break` or `continue` would go. */
  #jumps: ('break' | 'continue')[] = [];
  /** Bytes of the frame that variables may still take. */
  room = 0;
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
  #block(jumps: readonly ('break' | 'continue')[] = this.#jumps): string[] {
    const { r, scope } = this.#e;
    const [own, room] = [this.#jumps, this.room];
    this.#jumps = [...jumps];
    this.#depth++;
    const lines = scope.inside(() => {
      const made = this.list(r.int(1, 3));
      if (this.#jumps.length > 0 && r.chance(0.15)) made.push(`if (${this.#e.expression(1)}) ${r.pick(this.#jumps)};`);
      return made;
    });
    this.#depth--;
    this.#jumps = own;
    this.room = room;
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
    [5, () => this.#loop()],
    [3, () => this.#switch()],
    [2, () => this.#forwardGoto()],
    [1, () => this.#backwardGoto()],
    [3, () => this.#structAssignment()],
    [6, () => this.#declaration()],
    [4, () => this.#sequenced()],
    [2, () => this.#atomic()],
    [2, () => this.#bytes()],
    [3, () => this.#call()],
    [2, () => this.#pointerWalk()],
    [2, () => this.#retarget()],
    [1, () => this.#byteView()],
    [1, () => this.#boundedIndex()],
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

  #loop(): string[] | undefined {
    const { r, scope } = this.#e;
    if (this.#loops >= 2) return undefined;
    const count = r.int(1, this.#loops === 0 ? 6 : 4);
    const i = this.#e.fresh('i');
    const type = r.pick(['int', 'int', 'u32', 'u8', 's64', 'u64']);
    this.#loops++;
    this.#e.times *= count;
    const lines = scope.inside(() => {
      scope.add({ name: i, type: integers[5] as Scalar, writable: false, addressable: false });
      const array = scope.place(
        (place) => place.writable && place.type.kind === 'array' && place.type.element.kind === 'scalar',
      );
      const touch = array
        ? [`  ${array.text}[${i} & ${(array.type as Sequence).length - 1}] += ${this.#e.expression(1)};`]
        : [];
      return this.#shapeOfLoop(i, type, count, touch);
    });
    this.#e.times /= count;
    this.#loops--;
    return lines;
  }

  #shapeOfLoop(i: string, type: string, count: number, touch: string[]): string[] {
    const { r } = this.#e;
    const unroll = r.chance(0.25) ? ['#pragma unroll'] : [];
    switch (r.int(0, 5)) {
      case 0:
        // A continue would pass the step by.
        return [
          `{ ${type} ${i} = 0;`,
          `while (${i} < ${count}) {`,
          ...touch,
          ...this.#block(['break']),
          `  ${i}++;`,
          '} }',
        ];
      case 1:
        return [
          `{ ${type} ${i} = 0;`,
          'do {',
          ...touch,
          ...this.#block(['break', 'continue']),
          `} while (++${i} < ${count}); }`,
        ];
      case 2:
        return [
          `{ int ${i} = ${count};`,
          `while (${i}-- > 0) {`,
          ...touch,
          ...this.#block(['break', 'continue']),
          '} }',
        ];
      case 3:
        return [
          ...unroll,
          `for (int ${i} = ${count}; ${i} > 0; ${i}--) {`,
          ...touch,
          ...this.#block(['break', 'continue']),
          '}',
        ];
      case 4:
        return [
          `for (${type} ${i} = 0; ; ${i} += 2) {`,
          `  if (${i} >= ${count * 2 - 1}) break;`,
          ...touch,
          ...this.#block(['break', 'continue']),
          '}',
        ];
      default:
        return [
          ...unroll,
          `for (${type} ${i} = 0; ${i} < ${count}; ${i}++) {`,
          ...touch,
          ...this.#block(['break', 'continue']),
          '}',
        ];
    }
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
      const inner = this.#jumps.filter((one) => one === 'continue');
      return r.chance(0.15) ? [label, '  ;', ...end] : [`${label} {`, ...this.#block(inner), '}', ...end];
    });
    return [head, ...parts, '}'];
  }

  #forwardGoto(): string[] {
    const label = this.#e.fresh('l');
    const lines = [`if (${this.#e.expression(2)}) goto ${label};`, '{', ...this.#block()];
    if (this.#e.r.chance(0.3))
      lines.push(`  if (${this.#e.expression(1)}) { ${this.#assignment()} goto ${label}; }`, ...this.#block());
    return [...lines, '}', `${label}: ;`];
  }

  #backwardGoto(): string[] | undefined {
    if (this.#loops >= 2) return undefined;
    const label = this.#e.fresh('l');
    const turn = this.#e.fresh('i');
    const count = this.#e.r.int(2, 3);
    this.#loops++;
    this.#e.times *= count;
    const lines = [
      `{ u32 ${turn} = 0;`,
      `${label}:`,
      '  {',
      ...this.#block([]),
      '  }',
      `  if (++${turn} < ${count}) goto ${label}; }`,
    ];
    this.#e.times /= count;
    this.#loops--;
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
      if (this.#e.room(type) > this.room) return undefined;
      this.room -= this.#e.room(type);
      const name = this.#e.fresh('o');
      const line = `${type.name} ${name} = ${r.chance(0.5) ? this.#e.value(type, 2) : this.#e.initializer(type, 2)};`;
      scope.add({ name, type, writable: true, addressable: true });
      return [line];
    }
    if (kind === 6) {
      const element = structs.length > 0 && r.chance(0.4) ? r.pick(structs) : r.pick(integers);
      const type: Sequence = { kind: 'array', element, length: r.pick([2, 4]) };
      if (sizeOf(type) > this.room) return undefined;
      this.room -= sizeOf(type);
      const name = this.#e.fresh('a');
      const line = `${element.name} ${name}[${type.length}] = ${this.#e.initializer(type, 2)};`;
      scope.add({ name, type, writable: true, addressable: true });
      return [line];
    }
    if (this.room < 8) return undefined;
    this.room -= 8;
    const type = r.pick(wholes);
    const name = this.#e.fresh('v');
    const volatile = r.chance(0.15);
    const line = `${volatile ? 'volatile ' : ''}${type.name} ${name} = ${this.#e.expression(2)};`;
    scope.add({ name, type, writable: true, addressable: !volatile });
    return [line];
  }

  /** A pointer to some place, or to a pointer. */
  #pointer(): string[] | undefined {
    const { r, scope } = this.#e;
    if (this.room < 8) return undefined;
    this.room -= 8;
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
    if (!place || !other || this.room < 8) return undefined;
    this.room -= 8;
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

  #atomic(): string[] | undefined {
    const { r, scope } = this.#e;
    const place = this.#e.target(
      (one) =>
        one.addressable &&
        one.fixed &&
        one.width === undefined &&
        one.type.kind === 'scalar' &&
        one.type.bits >= 32 &&
        /[us]\d|long/.test(one.type.name),
    );
    if (!place || this.room < 8) return undefined;
    this.room -= 8;
    const at = `&${place.text}`;
    // gcc 12 dies of a _Bool here.
    const value = `(s64)${this.#e.expression(2)}`;
    const op = r.pick(['add', 'sub', 'or', 'and', 'xor']);
    const call = r.pick([
      `__sync_fetch_and_${op}(${at}, ${value})`,
      `__sync_${op}_and_fetch(${at}, ${value})`,
      `__atomic_fetch_${op}(${at}, ${value}, __ATOMIC_RELAXED)`,
      `__atomic_${op}_fetch(${at}, ${value}, __ATOMIC_SEQ_CST)`,
      `__sync_val_compare_and_swap(${at}, ${this.#e.expression(1)}, ${value})`,
      `__sync_bool_compare_and_swap(${at}, ${place.text}, ${value})`,
      `__sync_lock_test_and_set(${at}, ${value})`,
      `__atomic_exchange_n(${at}, ${value}, __ATOMIC_ACQ_REL)`,
      `__atomic_load_n(${at}, __ATOMIC_ACQUIRE)`,
    ]);
    if (r.chance(0.3)) return [`${call};`];
    const name = this.#e.fresh('v');
    const type = r.pick(integers);
    scope.add({ name, type, writable: true, addressable: true });
    return [`${type.name} ${name} = ${call};`];
  }

  /** memcpy, memmove, memset and memcmp of what has no holes. */
  #bytes(): string[] | undefined {
    const { r, scope } = this.#e;
    const solid = ({ type, width, addressable }: Place): boolean =>
      width === undefined && addressable && (type.kind === 'array' || (type.kind === 'struct' && type.union));
    const to = this.#e.target((place) => solid(place) && sizeOf(place.type) >= 4 && holeless(place));
    if (!to) return undefined;
    const size = sizeOf(to.type);
    if (r.chance(0.3))
      return [
        `__builtin_memset(&${to.text}, ${r.chance(0.5) ? r.int(0, 255) : this.#e.expression(1)}, ${r.int(1, size)});`,
      ];
    const from = scope.place((place) => solid(place) && holeless(place) && sizeOf(place.type) >= 4);
    if (!from) return undefined;
    const count = r.int(1, Math.min(size, sizeOf(from.type)));
    if (r.chance(0.4) && this.room >= 8) {
      this.room -= 8;
      const name = this.#e.fresh('v');
      scope.add({ name, type: integers[5] as Scalar, writable: true, addressable: true });
      const compared = `__builtin_memcmp(&${to.text}, &${from.text}, ${count})`;
      return [`s32 ${name} = ${r.pick([`${compared} < 0`, `${compared} == 0`, `!${compared}`, `${compared} > 0`])};`];
    }
    return [`__builtin_memmove(&${to.text}, &${from.text}, ${count});`];
  }

  #call(): string[] | undefined {
    const { r, scope, functions } = this.#e;
    const fitting = functions.filter((one: Callable) => this.#e.affordable(one) && (one.pure || !this.pure));
    if (fitting.length === 0) return undefined;
    const target = r.pick(fitting);
    const call = this.#e.callOf(target, 2);
    if (call === undefined) return undefined;
    const { returns } = target;
    if (!returns || returns.kind === 'array' || r.chance(0.1) || this.#e.room(returns) > this.room) return [`${call};`];
    this.room -= this.#e.room(returns);
    const name = this.#e.fresh('v');
    scope.add({ name, type: returns, writable: true, addressable: true });
    return [`${returns.name} ${name} = ${call};`];
  }

  /** A pointer goes over an array. */
  #pointerWalk(): string[] | undefined {
    const { r, scope } = this.#e;
    const array = this.#e.target(
      ({ type, addressable }) => addressable && type.kind === 'array' && type.element.kind === 'scalar',
    );
    const sum = this.#e.target();
    // What the loop writes must not change where the array lies.
    if (!array || !sum || this.#loops >= 2 || /\[[^\]]*\D/.test(array.text)) return undefined;
    const { element, length } = array.type as Sequence;
    const p = this.#e.fresh('p');
    const type = element.name;
    this.#e.spent += length * this.#e.times;
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
          `  *${p} ${r.pick(['=', '+=', '^='])} ${this.#e.expression(2)};`,
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
  #byteView(): string[] | undefined {
    const { r } = this.#e;
    const place = this.#e.target(
      (one) =>
        one.addressable &&
        one.width === undefined &&
        one.type.kind === 'scalar' &&
        one.type.bits >= 16 &&
        /[us]\d|long/.test(one.type.name),
    );
    const sum = this.#e.target();
    if (!place || !sum) return undefined;
    const size = sizeOf(place.type);
    const at = r.chance(0.5) ? `${r.int(0, size - 1)}` : `${this.#e.expression(1)} & ${size - 1}`;
    if (r.chance(0.5)) return [`((u8 *)&${place.text})[${at}] ${r.pick(['=', '^=', '+='])} ${this.#e.expression(2)};`];
    return [`${sum.text} = ((${r.pick(['u8', 's8'])} *)&${place.text})[${at}];`];
  }

  /** An index held in bounds by a comparison. */
  #boundedIndex(): string[] | undefined {
    const { r, scope } = this.#e;
    const array = scope.place(({ type }) => type.kind === 'array' && type.element.kind === 'scalar');
    const sum = this.#e.target();
    if (!array || !sum) return undefined;
    const { length } = array.type as Sequence;
    const index = this.#e.fresh('i');
    const value = this.#e.expression(2);
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
}

function holeless({ type }: Place): boolean {
  return type.kind === 'struct' || (type.kind === 'array' && (type.element.kind === 'scalar' || type.element.union));
}
