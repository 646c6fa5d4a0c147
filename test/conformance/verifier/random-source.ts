import type { Random } from '../../../src/base/index.ts';
import type { ProgramType } from '../../../src/uapi/index.ts';
import { type MapName, mapFixtures } from './map-fixtures.ts';

/**
 * Random programs of many types in assembly. Each statement is right as far as the writer knows what its registers hold;
 * now and then one is slightly broken: another register, a test left out, an offset too far.
 */
type Kind = 'unset' | 'number' | 'small' | 'context' | 'pointer';

interface TypeRow {
  readonly type: ProgramType;
  readonly attach?: number;
  /** Context loads: offset and size. */
  readonly reads: readonly (readonly [number, number])[];
  readonly writes: readonly (readonly [number, number])[];
  /** Offsets of data and data_end, and their size. */
  readonly packet?: readonly [number, number, number];
  readonly returns: readonly number[];
  readonly isSkb?: true;
}

const skbReads = [
  [0, 4],
  [4, 4],
  [16, 4],
  [40, 4],
  [48, 4],
  [52, 4],
  [56, 1],
  [68, 4],
] as const;
const registers = [
  [0, 8],
  [8, 8],
  [96, 8],
  [104, 8],
  [112, 8],
  [128, 8],
  [160, 8],
] as const;

export const typeRows: readonly TypeRow[] = [
  {
    type: 'socket_filter',
    reads: skbReads,
    writes: [
      [48, 4],
      [64, 4],
    ],
    returns: [0, 1, -1],
    isSkb: true,
  },
  {
    type: 'sched_cls',
    reads: skbReads,
    writes: [
      [8, 4],
      [48, 4],
      [152, 8],
    ],
    packet: [76, 80, 4],
    returns: [0, 2],
    isSkb: true,
  },
  {
    type: 'xdp',
    reads: [
      [12, 4],
      [16, 4],
    ],
    writes: [],
    packet: [0, 4, 4],
    returns: [1, 2],
  },
  {
    type: 'cgroup_skb',
    attach: 0,
    reads: skbReads,
    writes: [
      [8, 4],
      [48, 4],
    ],
    packet: [76, 80, 4],
    returns: [0, 1],
    isSkb: true,
  },
  { type: 'lwt_xmit', reads: skbReads, writes: [[48, 4]], packet: [76, 80, 4], returns: [0, 2], isSkb: true },
  {
    type: 'sk_skb',
    reads: [
      [0, 4],
      [4, 4],
      [48, 4],
    ],
    writes: [[44, 4]],
    packet: [76, 80, 4],
    returns: [0, 1],
    isSkb: true,
  },
  { type: 'kprobe', reads: registers, writes: [], returns: [0, 1] },
  {
    type: 'tracepoint',
    reads: [
      [8, 4],
      [16, 8],
      [24, 8],
      [32, 2],
    ],
    writes: [],
    returns: [0, 1],
  },
  {
    type: 'raw_tracepoint',
    reads: [
      [0, 8],
      [8, 8],
      [16, 8],
    ],
    writes: [],
    returns: [0],
  },
  { type: 'perf_event', reads: [...registers, [168, 8], [176, 8]], writes: [], returns: [0] },
  {
    type: 'cgroup_sock_addr',
    attach: 10,
    reads: [
      [0, 4],
      [4, 4],
      [24, 4],
      [28, 4],
    ],
    writes: [
      [4, 4],
      [24, 4],
    ],
    returns: [0, 1],
  },
  {
    type: 'cgroup_device',
    reads: [
      [0, 4],
      [4, 4],
      [8, 4],
    ],
    writes: [],
    returns: [0, 1],
  },
  {
    type: 'sk_lookup',
    attach: 36,
    reads: [
      [8, 4],
      [12, 4],
      [16, 4],
      [36, 4],
    ],
    writes: [],
    returns: [0, 1],
  },
  {
    type: 'sock_ops',
    attach: 3,
    reads: [
      [0, 4],
      [4, 4],
      [20, 4],
      [24, 4],
      [168, 8],
    ],
    writes: [[4, 4]],
    returns: [0, 1],
  },
];

const constants = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 255, 256, 4095, 65535, 0x7fffffff, -1, -2, -8, -4096, -0x80000000,
];
const saved = [6, 7, 8, 9] as const;

export class ProgramWriter {
  readonly #random: Random;
  readonly #mistake: number;
  readonly row: TypeRow;
  readonly #lines: string[] = [];
  readonly #kinds: Kind[] = Array.from({ length: 10 }, () => 'unset');
  readonly #functions: number[] = [];
  #labels = 0;
  #depth = 0;
  #inFunction = false;

  constructor(random: Random, row: TypeRow) {
    this.#random = random;
    this.row = row;
    // Half of the programs are meant to be right throughout.
    this.#mistake = random.chance(0.62) ? 0 : random.chance(0.5) ? 0.06 : 0.25;
  }

  write(): string {
    this.#set(1, 'context');
    if (this.#pick(8) > 0) this.#copyContext();
    this.#statements(2 + this.#pick(14));
    this.#finish();
    for (let index = 0; index < this.#functions.length; index++) this.#writeFunction(index);
    return this.#lines.join('\n');
  }

  #writeFunction(index: number): void {
    this.#inFunction = true;
    this.#line(`f${index}:`);
    this.#kinds.fill('unset');
    for (let number = 1; number <= (this.#functions[index] as number); number++) this.#set(number, 'number');
    this.#statements(1 + this.#pick(5));
    if (this.#kinds[0] !== 'number' || this.#chance(0.5)) this.#line(`r0 = ${this.#constant()}`);
    this.#line('exit');
  }

  #finish(): void {
    if (!this.#wrong()) this.#line(`r0 = ${this.#of(this.row.returns)}`);
    else if (this.#chance(0.5)) this.#line(`r0 = r${this.#pick(11)}`);
    this.#line('exit');
  }

  // --- Choices

  #pick(below: number): number {
    return this.#random.u32() % below;
  }
  #chance(of: number): boolean {
    return this.#random.chance(of);
  }
  #wrong(): boolean {
    return this.#mistake > 0 && this.#random.chance(this.#mistake);
  }
  #of<T>(choices: readonly T[]): T {
    return choices[this.#pick(choices.length)] as T;
  }
  #constant(): number {
    return this.#chance(0.85) ? this.#of(constants) : this.#random.u32() | 0;
  }
  #line(line: string): void {
    this.#lines.push(line);
  }
  #label(): string {
    return `l${this.#labels++}`;
  }
  #set(register: number, kind: Kind): void {
    this.#kinds[register] = kind;
  }

  /** A register that holds such a thing; one with a number is made when there is none. */
  #holding(...kinds: Kind[]): number {
    if (this.#wrong()) return this.#pick(11);
    const found = this.#kinds.flatMap((kind, register) => (kinds.includes(kind) ? [register] : []));
    if (found.length > 0) return this.#of(found);
    if (kinds.includes('context')) return 6;
    const register = this.#free();
    this.#line(`r${register} = ${this.#constant()}`);
    this.#set(register, 'number');
    return register;
  }

  #number(): number {
    return this.#holding('number', 'small');
  }

  /** A register to overwrite; the context stays where it is, mostly. */
  #free(): number {
    for (let attempt = 0; attempt < 20; attempt++) {
      const register = this.#pick(10);
      if (this.#kinds[register] !== 'context') return register;
    }
    return 0;
  }

  #freeSaved(): number {
    const open = saved.filter((register) => this.#kinds[register] !== 'context');
    return open.length > 0 ? this.#of(open) : 9;
  }

  #copyContext(): void {
    this.#line('r6 = r1');
    this.#set(6, 'context');
  }

  #context(into: number): void {
    const register = this.#holding('context');
    if (register !== into) this.#line(`r${into} = r${register}`);
    this.#set(into, 'context');
  }

  // --- Statements

  #statements(count: number): void {
    for (let index = 0; index < count; index++) this.#statement();
  }

  #statement(): void {
    const kind = this.#pick(48);
    if (kind < 9) this.#arithmetic();
    else if (kind < 14) this.#branch();
    else if (kind < 16) this.#loop();
    else if (kind < 20) this.#stack();
    else if (kind < 22) this.#variableStack();
    else if (kind < 26) this.#contextAccess();
    else if (kind < 31) this.#mapValue();
    else if (kind < 33) this.#mapChange();
    else if (kind < 36) this.#packet();
    else if (kind < 38) this.#ring();
    else if (kind < 40) this.#atomic();
    else if (kind < 42) this.#narrowed();
    else if (kind < 45) this.#helper();
    else if (kind === 45) this.#call();
    else if (kind === 46) this.#global();
    else this.#rare();
  }

  #arithmetic(): void {
    const left = this.#number();
    const dst = this.#wrong() ? this.#pick(11) : left;
    const letter = this.#of(['r', 'r', 'w']);
    const right = this.#chance(0.5) ? `${letter}${this.#number()}` : `${this.#constant()}`;
    const form = this.#pick(14);
    const bits = letter === 'r' ? 64 : 32;
    if (form === 0) this.#line(`${letter}${dst} = -${letter}${dst}`);
    else if (form === 1) this.#line(`${letter}${dst} = (${this.#of(['s8', 's16'])})${letter}${this.#number()}`);
    else if (form === 2)
      this.#line(`r${dst} = ${this.#of(['be16', 'be32', 'be64', 'le32', 'bswap16', 'bswap64'])} r${dst}`);
    else if (form < 6)
      this.#line(
        `${letter}${dst} ${this.#of(['<<=', '>>=', 's>>='])} ${this.#chance(0.8) ? this.#pick(this.#wrong() ? 80 : bits) : right}`,
      );
    else if (form === 6)
      this.#line(
        `${letter}${dst} ${this.#of(['/=', '%=', 's/=', 's%='])} ${right === '0' && !this.#wrong() ? 3 : right}`,
      );
    else if (form === 7)
      this.#line(`r${dst} = ${this.#of(['0x7fffffffffffffff', '0xffffffff', '0x100000000', '0xffff0000ffff'])} ll`);
    else this.#line(`${letter}${dst} ${this.#of(['=', '+=', '-=', '*=', '&=', '|=', '^=', '+=', '&='])} ${right}`);
    if (dst < 10 && this.#kinds[dst] === 'small') this.#set(dst, 'number');
  }

  #condition(): string {
    const letter = this.#of(['r', 'r', 'w']);
    const operator = this.#of(['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&']);
    const left = this.#number();
    return `${letter}${left} ${operator} ${this.#chance(0.4) ? `${letter}${this.#number()}` : this.#constant()}`;
  }

  /** What only one side has set is not used behind the other. */
  #branch(): void {
    if (this.#depth > 2) {
      this.#arithmetic();
      return;
    }
    this.#depth++;
    const after = this.#label();
    this.#line(`if ${this.#condition()} goto ${after}`);
    const before = [...this.#kinds];
    this.#statements(1 + this.#pick(3));
    if (this.#chance(0.15)) {
      this.#line(`r0 = ${this.#of(this.row.returns)}`);
      this.#line('exit');
      for (const [register, kind] of before.entries()) this.#set(register, kind);
    } else this.#join(before);
    this.#line(`${after}:`);
    this.#depth--;
  }

  #join(before: readonly Kind[]): void {
    if (this.#wrong()) return;
    for (const [register, kind] of before.entries()) {
      const now = this.#kinds[register] as Kind;
      const isNumber = [kind, now].every((each) => each === 'number' || each === 'small');
      this.#set(register, kind === now ? kind : isNumber ? 'number' : 'unset');
    }
  }

  #loop(): void {
    if (this.#depth > 1) {
      this.#arithmetic();
      return;
    }
    this.#depth++;
    const counter = this.#freeSaved();
    const again = this.#label();
    this.#line(`r${counter} = 0`);
    this.#set(counter, 'pointer');
    const before = [...this.#kinds];
    this.#line(`${again}:`);
    this.#statements(1 + this.#pick(2));
    if (!this.#wrong()) this.#line(`r${counter} += 1`);
    this.#line(`if r${counter} ${this.#of(['<', 's<', '!='])} ${1 + this.#pick(12)} goto ${again}`);
    this.#join(before);
    this.#set(counter, 'number');
    this.#depth--;
  }

  #stack(): void {
    const size = this.#of([1, 2, 4, 8]);
    const at = size * (1 + this.#pick(this.#wrong() ? 600 / size : 64 / size)) - (this.#wrong() ? this.#pick(8) : 0);
    const place = `(r10 - ${at})`;
    const form = this.#pick(6);
    if (form === 0) this.#line(`*(u${size * 8} *)${place} = ${this.#constant()}`);
    else if (form < 3) this.#line(`*(u${size * 8} *)${place} = r${this.#number()}`);
    else if (form === 3) {
      const [slot, register] = [8 * (1 + this.#pick(8)), this.#holding('context', 'number', 'small')];
      this.#line(`*(u64 *)(r10 - ${slot}) = r${register}`);
      const into = this.#free();
      this.#line(`r${into} = *(u64 *)(r10 - ${slot})`);
      this.#set(into, register < 10 ? (this.#kinds[register] as Kind) : 'pointer');
    } else {
      const into = this.#free();
      this.#line(`*(u64 *)(r10 - ${(at + 7) & ~7}) = ${this.#chance(0.5) ? this.#constant() : `r${this.#number()}`}`);
      const signed = size < 8 && this.#chance(0.3) ? 's' : 'u';
      this.#line(`r${into} = *(${signed}${size * 8} *)${place}`);
      this.#set(into, 'number');
    }
  }

  #variableStack(): void {
    const offset = this.#small(this.#of([1, 3, 7, 8, 15, 24]));
    const pointer = this.#free();
    if (pointer === offset) return;
    this.#line(`r${pointer} = r10`);
    this.#line(`r${pointer} += -${this.#wrong() ? this.#pick(40) : this.#of([32, 40, 64])}`);
    this.#line(`r${pointer} += r${offset}`);
    this.#set(pointer, 'pointer');
    this.#through(pointer, this.#of([0, 1, 4, 8]) - (this.#wrong() ? 40 : 0));
  }

  /** A number of at most `most`. */
  #small(most: number): number {
    const register = this.#number();
    if (register > 9 || this.#wrong()) return register;
    if (this.#chance(0.6)) this.#line(`r${register} &= ${most}`);
    else {
      const good = this.#label();
      this.#line(`if ${this.#of(['r', 'w'])}${register} ${this.#of(['<', '<='])} ${Math.max(most, 1)} goto ${good}`);
      this.#line(`r${register} = ${this.#pick(most + 1)}`);
      this.#line(`${good}:`);
    }
    this.#set(register, 'small');
    return register;
  }

  #through(pointer: number, at: number): void {
    const size = this.#of([1, 2, 4, 8]);
    const place = `*(u${size * 8} *)(r${pointer} + ${at})`;
    if (this.#chance(0.35)) this.#line(`${place} = r${this.#number()}`);
    else if (this.#chance(0.3)) this.#line(`${place} = ${this.#constant()}`);
    else {
      const into = this.#free();
      this.#line(`r${into} = ${place}`);
      this.#set(into, 'number');
    }
  }

  #contextAccess(): void {
    if (this.#inFunction && !this.#wrong()) {
      this.#arithmetic();
      return;
    }
    const context = this.#holding('context');
    const writes = this.row.writes.length > 0 && this.#chance(0.25);
    const [offset, size] = this.#of(writes ? this.row.writes : this.row.reads);
    const at = this.#wrong() ? this.#pick(200) : offset;
    const place = `*(u${(this.#wrong() ? this.#of([1, 2, 4, 8]) : size) * 8} *)(r${context} + ${at})`;
    if (writes) {
      this.#line(`${place} = r${this.#number()}`);
      return;
    }
    const into = this.#free();
    this.#line(`r${into} = ${place}`);
    this.#set(into, 'number');
  }

  #key(map: MapName): void {
    const { keySize } = mapFixtures[map];
    const bits = keySize === 8 ? 64 : 32;
    const at = this.#wrong() ? this.#pick(12) : 72;
    if (this.#chance(0.5)) this.#line(`*(u${bits} *)(r10 - ${at}) = ${this.#pick(6)}`);
    else this.#line(`*(u${bits} *)(r10 - ${at}) = r${this.#number()}`);
    this.#line('r2 = r10');
    this.#line(`r2 += -${at}`);
    this.#line(`r1 = ${this.#wrong() ? this.#of(Object.keys(mapFixtures)) : map} ll`);
  }

  /** After a call only r6 to r9 and the result are left. */
  #called(result: Kind = 'number'): void {
    for (let register = 1; register < 6; register++) this.#set(register, 'unset');
    this.#set(0, result);
  }

  #mapValue(): void {
    const map = this.#of([
      'ARRAY',
      'ARRAY',
      'HASH',
      'PERCPU',
      'LRU',
      'TRIE',
      'READONLY',
      'WRITEONLY',
      'LOCKED',
      'OUTER',
    ] as const);
    this.#key(map);
    this.#line('call bpf_map_lookup_elem');
    this.#called('pointer');
    const after = this.#label();
    if (!this.#wrong())
      this.#line(this.#chance(0.8) ? `if r0 == 0 goto ${after}` : `if r0 != 0 goto +1\ngoto ${after}`);
    const before = [...this.#kinds];
    if (map === 'OUTER' && !this.#wrong()) {
      this.#line(`*(u32 *)(r10 - 80) = ${this.#pick(3)}`);
      for (const line of ['r1 = r0', 'r2 = r10', 'r2 += -80', 'call bpf_map_lookup_elem']) this.#line(line);
      this.#called('pointer');
      this.#line(`if r0 == 0 goto ${after}`);
    }
    if (map === 'LOCKED' && this.#chance(0.6)) this.#locked();
    else this.#useValue(map === 'OUTER' ? 8 : map === 'LOCKED' ? 4 : mapFixtures[map].valueSize, map);
    this.#join(before);
    this.#line(`${after}:`);
    this.#set(0, 'unset');
  }

  #useValue(size: number, map: MapName): void {
    let pointer = 0;
    if (this.#chance(0.3)) {
      pointer = this.#freeSaved();
      this.#line(`r${pointer} = r0`);
      this.#set(pointer, 'pointer');
    }
    if (size > 4 && this.#chance(0.4)) {
      const offset = this.#small(size - 8 > 0 ? size - 8 : 1);
      if (offset !== pointer) this.#line(`r${pointer} += r${offset}`);
      this.#throughValue(pointer, 0, this.#wrong() ? 16 : Math.min(4, size), map);
      return;
    }
    const width = this.#of([1, 2, 4, 8].filter((each) => each <= size));
    this.#throughValue(pointer, this.#wrong() ? size - 2 : width * this.#pick(size / width), width, map);
    if (this.#chance(0.2)) this.#throughValue(pointer, 0, Math.min(4, size), map);
  }

  #throughValue(pointer: number, at: number, width: number, map: MapName): void {
    const bits = [8, 16, 32, 64].findLast((each) => each <= width * 8) ?? 8;
    const place = `*(u${bits} *)(r${pointer} + ${at})`;
    const writes = map === 'WRITEONLY' || (map !== 'READONLY' && this.#chance(0.5));
    if (writes && !this.#wrong()) {
      this.#line(`${place} = ${this.#chance(0.5) ? this.#constant() : `r${this.#number()}`}`);
      return;
    }
    const into = this.#freeSaved();
    if (into === pointer) return;
    this.#line(`r${into} = ${place}`);
    this.#set(into, 'number');
  }

  #locked(): void {
    const value = this.#freeSaved();
    this.#line(`r${value} = r0`);
    this.#set(value, 'pointer');
    const address = [`r1 = r${value}`, `r1 += ${this.#wrong() ? 0 : 4}`];
    for (const line of [...address, 'call bpf_spin_lock']) this.#line(line);
    this.#called('unset');
    this.#line(`*(u32 *)(r${value} + 0) = ${this.#constant()}`);
    if (this.#wrong()) this.#line('call bpf_ktime_get_ns');
    if (this.#wrong()) return;
    for (const line of [...address, 'call bpf_spin_unlock']) this.#line(line);
    this.#called('unset');
  }

  #mapChange(): void {
    const form = this.#pick(6);
    if (form < 2) {
      const map = this.#of(['ARRAY', 'HASH', 'LRU', 'TRIE', 'PERCPU'] as const);
      const { valueSize } = mapFixtures[map];
      this.#key(map);
      for (let at = 0; at < valueSize; at += 8) {
        if (!this.#wrong()) this.#line(`*(u64 *)(r10 - ${120 - at}) = ${this.#constant()}`);
      }
      this.#line('r3 = r10');
      this.#line('r3 += -120');
      this.#line(`r4 = ${this.#pick(4)}`);
      this.#line('call bpf_map_update_elem');
    } else if (form === 2) {
      this.#key(this.#of(['HASH', 'LRU', 'TRIE', 'ARRAY'] as const));
      this.#line('call bpf_map_delete_elem');
    } else if (form === 3) {
      this.#line(`*(u64 *)(r10 - 72) = ${this.#constant()}`);
      for (const line of [
        `r1 = ${this.#of(['QUEUE', 'FILTER'])} ll`,
        'r2 = r10',
        'r2 += -72',
        'r3 = 0',
        'call bpf_map_push_elem',
      ])
        this.#line(line);
    } else {
      const name = this.#of(['pop', 'peek']);
      for (const line of ['r1 = QUEUE ll', 'r2 = r10', `r2 += -${this.#wrong() ? 4 : 72}`, `call bpf_map_${name}_elem`])
        this.#line(line);
    }
    this.#called();
  }

  #packet(): void {
    const places = this.row.packet;
    if (!places || this.#inFunction) {
      this.#arithmetic();
      return;
    }
    const [data, end, size] = places;
    const context = this.#holding('context');
    const [pointer, limit, reach] = [2, 3, 4];
    this.#line(`r${pointer} = *(u${size * 8} *)(r${context} + ${data})`);
    this.#line(`r${limit} = *(u${size * 8} *)(r${context} + ${end})`);
    for (const register of [pointer, limit, reach]) this.#set(register, 'pointer');
    if (this.#chance(0.3)) {
      const offset = this.#small(this.#of([15, 60, 255]));
      if (offset > 4 || offset < 2) this.#line(`r${pointer} += r${offset}`);
    }
    const bytes = this.#of([1, 4, 8, 14, 20, 34, 64]);
    const after = this.#label();
    this.#line(`r${reach} = r${pointer}`);
    this.#line(`r${reach} += ${bytes}`);
    const test = this.#wrong() ? this.#of(['<', '>=', '==', '<=']) : '>';
    if (this.#chance(0.8)) this.#line(`if r${reach} ${test} r${limit} goto ${after}`);
    else this.#line(`if r${limit} < r${reach} goto ${after}`);
    const width = this.#of([1, 2, 4, 8].filter((each) => each <= bytes));
    const at = this.#wrong() ? bytes - width + 1 + this.#pick(4) : this.#pick(bytes - width + 1);
    const canWrite = this.row.type !== 'cgroup_skb' || this.#wrong();
    if (canWrite && this.#chance(0.3)) this.#line(`*(u${width * 8} *)(r${pointer} + ${at}) = ${this.#constant()}`);
    else this.#line(`r${pointer} = *(u${width * 8} *)(r${pointer} + ${at})`);
    this.#line(`${after}:`);
    for (const register of [pointer, limit, reach]) this.#set(register, 'unset');
  }

  #ring(): void {
    const size = this.#of([8, 16, 32]);
    if (this.#chance(0.3)) {
      this.#line(`*(u64 *)(r10 - 8) = ${this.#constant()}`);
      for (const line of [
        'r1 = RING ll',
        'r2 = r10',
        'r2 += -8',
        `r3 = ${this.#wrong() ? 16 : 8}`,
        'r4 = 0',
        'call bpf_ringbuf_output',
      ])
        this.#line(line);
      this.#called();
      return;
    }
    const after = this.#label();
    for (const line of ['r1 = RING ll', `r2 = ${size}`, 'r3 = 0', 'call bpf_ringbuf_reserve']) this.#line(line);
    this.#called('pointer');
    if (!this.#wrong()) this.#line(`if r0 == 0 goto ${after}`);
    const record = this.#freeSaved();
    const before = [...this.#kinds];
    this.#line(`r${record} = r0`);
    this.#set(record, 'pointer');
    this.#line(`*(u64 *)(r${record} + ${this.#wrong() ? size : size - 8}) = ${this.#constant()}`);
    if (this.#chance(0.3)) this.#statement();
    this.#line(`r1 = r${record}`);
    if (this.#wrong()) this.#line('r1 += 8');
    this.#line('r2 = 0');
    if (!this.#wrong()) this.#line(`call bpf_ringbuf_${this.#of(['submit', 'discard'])}`);
    this.#called('unset');
    this.#join(before);
    this.#set(record, 'unset');
    this.#line(`${after}:`);
    this.#set(0, 'unset');
  }

  #atomic(): void {
    const wide = this.#chance(0.6);
    const at = (wide ? 8 : 4) * (1 + this.#pick(8)) + (this.#wrong() ? this.#pick(4) : 0);
    this.#line(`*(u64 *)(r10 - ${(at + 7) & ~7}) = ${this.#constant()}`);
    const value = this.#number();
    const [letter, place] = wide ? ['r', `*(u64 *)(r10 - ${at})`] : ['w', `*(u32 *)(r10 - ${at})`];
    const operator = this.#of(['+=', '|=', '&=', '^=']);
    const form = this.#pick(4);
    if (form === 0) this.#line(`lock ${place} ${operator} ${letter}${value}`);
    else if (form === 1)
      this.#line(
        `${letter}${value} = atomic_fetch_${this.#of(['add', 'or', 'and', 'xor'])}((u${wide ? 64 : 32} *)(r10 - ${at}), ${letter}${value})`,
      );
    else if (form === 2)
      this.#line(`${letter}${value} = ${wide ? 'xchg_64' : 'xchg32_32'}(r10 - ${at}, ${letter}${value})`);
    else {
      this.#line(`r0 = ${this.#constant()}`);
      this.#set(0, 'number');
      const name = wide ? 'cmpxchg_64' : 'cmpxchg32_32';
      this.#line(`${letter}0 = ${name}(r10 - ${at}, ${letter}0, ${letter}${value})`);
    }
    if (value < 10) this.#set(value, 'number');
  }

  /** A number between two limits, used as an index into the stack. */
  #narrowed(): void {
    const register = this.#number();
    const out = this.#label();
    const signed = this.#chance(0.5) ? 's' : '';
    const letter = this.#of(['r', 'w']);
    const low = this.#pick(40) - (signed ? 20 : 0);
    this.#line(`if ${letter}${register} ${signed}< ${low} goto ${out}`);
    this.#line(`if ${letter}${register} ${signed}> ${low + this.#pick(60)} goto ${out}`);
    const before = [...this.#kinds];
    const copy = this.#free();
    this.#line(`r${copy} = r${register}`);
    this.#set(copy, 'number');
    this.#statements(1);
    this.#join(before);
    this.#line(`${out}:`);
  }

  #helper(): void {
    const isTracing = ['kprobe', 'tracepoint', 'raw_tracepoint', 'perf_event'].includes(this.row.type);
    const form = this.#pick(9);
    if (form < 2)
      this.#line(`call bpf_${this.#of(['ktime_get_ns', 'get_prandom_u32', 'get_smp_processor_id', 'jiffies64'])}`);
    else if (form < 4 && isTracing) this.#probeRead();
    else if (form < 4 && this.row.isSkb) this.#loadBytes();
    else if (form === 4) {
      if (!isTracing && !this.#wrong()) {
        this.#arithmetic();
        return;
      }
      for (const line of ['r1 = r10', 'r1 += -16', `r2 = ${this.#wrong() ? 32 : 16}`, 'call bpf_get_current_comm'])
        this.#line(line);
    } else if (form === 5) {
      if (this.#inFunction) {
        this.#arithmetic();
        return;
      }
      this.#context(1);
      this.#line(`*(u64 *)(r10 - 8) = ${this.#constant()}`);
      for (const line of [
        'r2 = EVENTS ll',
        'r3 = 0xffffffff ll',
        'r4 = r10',
        'r4 += -8',
        `r5 = ${this.#wrong() ? 64 : 8}`,
        'call bpf_perf_event_output',
      ])
        this.#line(line);
    } else if (form === 6) {
      if (this.#inFunction) {
        this.#arithmetic();
        return;
      }
      this.#context(1);
      for (const line of ['r2 = PROGRAMS ll', `r3 = ${this.#pick(4)}`, 'call bpf_tail_call']) this.#line(line);
      this.#called('unset');
      return;
    } else if (form === 7 && isTracing) {
      if (this.#inFunction) {
        this.#arithmetic();
        return;
      }
      this.#context(1);
      for (const line of ['r2 = STACKS ll', `r3 = ${this.#of([0, 256, 512])}`, 'call bpf_get_stackid'])
        this.#line(line);
    } else {
      this.#line(`*(u64 *)(r10 - 8) = ${this.#constant()}`);
      for (const line of ['r1 = r10', 'r1 += -8', 'r2 = 8', `r3 = ${this.#constant()}`, 'call bpf_trace_printk'])
        this.#line(line);
    }
    this.#called();
  }

  #probeRead(): void {
    const source = this.#number();
    const size = this.#chance(0.5) ? undefined : this.#small(this.#of([8, 16, 31]));
    this.#line(`r3 = r${source}`);
    if (size === undefined) this.#line(`r2 = ${this.#of([0, 4, 8, 32])}`);
    else this.#line(`r2 = r${size === 3 ? source : size}`);
    for (const line of [
      'r1 = r10',
      `r1 += -${this.#wrong() ? 8 : 32}`,
      `call bpf_probe_read_${this.#of(['kernel', 'user', 'kernel_str'])}`,
    ])
      this.#line(line);
  }

  #loadBytes(): void {
    if (this.#inFunction) {
      this.#arithmetic();
      return;
    }
    const offset = this.#number();
    this.#context(1);
    this.#line(`r2 = r${offset === 1 ? 6 : offset}`);
    for (const line of [
      'r3 = r10',
      'r3 += -32',
      `r4 = ${this.#of(this.#wrong() ? [0, 64] : [1, 4, 32])}`,
      'call bpf_skb_load_bytes',
    ])
      this.#line(line);
  }

  #call(): void {
    if (this.#inFunction || this.#functions.length > 2) {
      this.#arithmetic();
      return;
    }
    const count = this.#pick(3);
    for (let number = 1; number <= count; number++) {
      const value = this.#number();
      if (value !== number) this.#line(`r${number} = r${value}`);
      this.#set(number, 'number');
    }
    this.#line(`call f${this.#functions.length}`);
    this.#functions.push(count);
    this.#called();
  }

  #global(): void {
    const pointer = this.#free();
    this.#line(`r${pointer} = GLOBAL ll`);
    this.#set(pointer, 'pointer');
    if (this.#chance(0.5)) {
      const offset = this.#small(31);
      if (offset !== pointer) this.#line(`r${pointer} += r${offset}`);
    }
    this.#through(pointer, this.#wrong() ? 60 + this.#pick(40) : this.#pick(24));
  }

  #rare(): void {
    const form = this.#pick(6);
    if (form === 0 && this.row.isSkb && !this.#inFunction) {
      this.#context(6);
      this.#line(this.#chance(0.5) ? `r0 = *(u8 *)skb[${this.#pick(40)}]` : `r0 = *(u16 *)skb[r${this.#number()} + 2]`);
      this.#called();
    } else if (form === 1) this.#line(`goto +${this.#wrong() ? this.#pick(4) : 0}`);
    else if (form === 2 && this.#wrong()) this.#line('exit');
    else if (form === 3) this.#line('may_goto +0');
    else if (form === 4 && this.#wrong())
      this.#line(`r${this.#pick(11)} ${this.#of(['+=', '-=', '&=', '='])} r${this.#pick(11)}`);
    else {
      const [a, b] = [this.#number(), this.#free()];
      this.#line(`r${b} = r${a}`);
      this.#set(b, 'number');
      this.#line(`r${b} += ${this.#constant()}`);
      this.#line(`if r${a} > ${this.#constant()} goto +0`);
    }
  }
}
