import { Random } from '../../src/base/index.ts';
import { encode, type InstructionBody, immediate, type Operand, type Register, register } from '../../src/isa/index.ts';

/**
 * Random programs that the kernel's verifier takes: all instruction classes, forward jumps, loops of constant and of
 * may_goto length, functions, callbacks, tail calls, maps, atomics, and accesses to packet, stack and map values.
 * What they do depends on nothing but their bytes, the packet and the maps, so that every engine must agree.
 *
 * Registers of a function's body: r6 packet (first function only), r7 r0–r5 numbers, r8 count of a loop, r9 map value.
 */
export interface GeneratedProgram {
  readonly seed: number;
  readonly code: Uint8Array;
  /** For each map the slots of the ld_imm64 that name it. */
  readonly mapSlots: readonly (readonly number[])[];
  /** Loads of the context's packet pointers: their slots, and the offset of the pointer in the host's context. */
  readonly contextLoads: readonly (readonly [slot: number, offset: number])[];
}

export interface GenerateOptions {
  /** Only what BPF_PROG_TEST_RUN of the kernel can judge alone: no tail calls, no clock, no callbacks (they need BTF). */
  readonly kernel?: boolean;
}

export const maps = [
  { type: 'array', keySize: 4, valueSize: 64, maxEntries: 4 },
  { type: 'hash', keySize: 8, valueSize: 16, maxEntries: 6 },
] as const;

/** Offsets of data and data_end in struct __sk_buff. */
const skb = { data: 76, dataEnd: 80 } as const;
const packetBytes = 64;
/** Bytes of the frame that are written before anything else. */
const frameBytes = 64;
/** Where a program that makes tail calls keeps its context. */
const contextSlot = -frameBytes - 8;

const numbers: readonly Register[] = [0, 1, 2, 3, 4, 5, 7];
const alu = [
  'add',
  'sub',
  'mul',
  'div',
  'sdiv',
  'or',
  'and',
  'lsh',
  'rsh',
  'mod',
  'smod',
  'xor',
  'mov',
  'arsh',
] as const;
const jumps = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'sgt', 'sge', 'slt', 'sle', 'set'] as const;
const atomics = ['add', 'or', 'and', 'xor', 'fetchAdd', 'fetchOr', 'fetchAnd', 'fetchXor', 'xchg', 'cmpxchg'] as const;
const sizes = [1, 2, 4, 8] as const;
const interesting = [0, 1, -1, 2, 7, 8, 31, 32, 63, 255, 256, 65535, 0x7fffffff, -0x80000000, 0x12345678] as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Body = Mutable<InstructionBody>;

export function generate(seed: number, options: GenerateOptions = {}): GeneratedProgram {
  return new Generator(seed, options).program();
}

/** What a place in the program may use. */
interface Scope {
  readonly packet: boolean;
  readonly value: boolean;
  readonly inLoop: boolean;
  readonly depth: number;
}

class Generator {
  readonly #seed: number;
  readonly #random: Random;
  readonly #kernel: boolean;
  readonly #bodies: Body[] = [];
  #slot = 0;
  readonly #mapSlots: number[][] = maps.map(() => []);
  readonly #contextLoads: [number, number][] = [];
  /** Calls and function pointers to be resolved: the instruction, its slot, the function's number. */
  readonly #links: { body: Body; slot: number; func: number }[] = [];
  #functions = 0;
  #callbacks: number[] = [];
  #mayCall = true;

  constructor(seed: number, options: GenerateOptions) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#kernel = options.kernel === true;
  }

  program(): GeneratedProgram {
    const classic = this.#random.chance(0.1);
    const usesPacket = !classic && this.#random.chance(0.8);
    this.#functions = classic ? 0 : this.#random.int(0, 3);
    this.#main(usesPacket, classic);
    const starts: number[] = [];
    for (let func = 0; func < this.#functions; func++) {
      starts.push(this.#slot);
      // The kernel takes no function that is never called.
      if (this.#links.some((link) => link.func === func)) this.#function(func);
    }
    const callbackStarts = this.#callbacks.map(() => {
      const start = this.#slot;
      this.#callback();
      return start;
    });
    for (const { body, slot, func } of this.#links) {
      const target = func < 0 ? (callbackStarts[-1 - func] as number) : (starts[func] as number);
      (body as { imm: number }).imm = target - slot - 1;
    }
    const code = encode(this.#bodies as InstructionBody[]);
    return { seed: this.#seed, code, mapSlots: this.#mapSlots, contextLoads: this.#contextLoads };
  }

  // --- Pieces of code

  #emit(body: InstructionBody): Body {
    const copy = { ...body } as Body;
    this.#bodies.push(copy);
    this.#slot += body.kind === 'loadImm64' ? 2 : 1;
    return copy;
  }

  /** A jump whose target is given by calling the result, behind what was emitted since. */
  #forward(body: InstructionBody): () => void {
    const jump = this.#emit(body) as { offset: number };
    const from = this.#slot;
    return () => {
      jump.offset = this.#slot - from;
    };
  }

  #move(dst: Register, src: Operand): void {
    this.#emit({ kind: 'alu', op: 'mov', width: 64, dst, src });
  }

  #imm(): number {
    return this.#random.chance(0.5) ? this.#random.pick(interesting) : this.#random.u32() | 0;
  }

  #number(): Register {
    return this.#random.pick(numbers);
  }

  #prologue(): void {
    for (let offset = -frameBytes; offset < 0; offset += 8) {
      this.#emit({ kind: 'store', size: 8, base: 10, offset, src: immediate(this.#imm()) });
    }
  }

  #main(usesPacket: boolean, classic: boolean): void {
    this.#prologue();
    if (classic) this.#move(6, register(1));
    if (usesPacket && !this.#kernel) {
      this.#emit({ kind: 'store', size: 8, base: 10, offset: contextSlot, src: register(1) });
    }
    let skip: (() => void) | undefined;
    if (usesPacket) {
      this.#contextLoads.push([this.#slot, 0]);
      this.#emit({ kind: 'load', size: 4, signed: false, dst: 6, base: 1, offset: skb.data });
      this.#contextLoads.push([this.#slot, 8]);
      this.#emit({ kind: 'load', size: 4, signed: false, dst: 3, base: 1, offset: skb.dataEnd });
      this.#move(2, register(6));
      this.#emit({ kind: 'alu', op: 'add', width: 64, dst: 2, src: immediate(packetBytes) });
      skip = this.#forward({ kind: 'jump', op: 'gt', width: 64, dst: 2, src: register(3), offset: 0 });
    }
    this.#body({ packet: usesPacket, value: false, inLoop: false, depth: 0 }, classic);
    skip?.();
    if (skip) this.#move(0, immediate(0));
    this.#emit({ kind: 'exit' });
  }

  #function(func: number): void {
    this.#prologue();
    // A function calls only later ones, so that no recursion comes about.
    this.#mayCall = func + 1 < this.#functions;
    this.#functionsFrom = func + 1;
    this.#body({ packet: false, value: false, inLoop: false, depth: 1 }, false);
    this.#emit({ kind: 'exit' });
  }
  #functionsFrom = 0;

  /** (index, context): works on eight bytes of its caller's frame. */
  #callback(): void {
    this.#emit({ kind: 'load', size: 8, signed: false, dst: 3, base: 2, offset: 0 });
    this.#emit({ kind: 'alu', op: 'mul', width: 64, dst: 3, src: immediate(this.#imm() | 1) });
    this.#emit({ kind: 'alu', op: 'add', width: 64, dst: 3, src: register(1) });
    this.#emit({ kind: 'store', size: 8, base: 2, offset: 0, src: register(3) });
    this.#move(0, immediate(0));
    this.#emit({ kind: 'exit' });
  }

  #body(scope: Scope, classic: boolean): void {
    for (const dst of numbers) this.#randomNumber(dst);
    if (classic) this.#classic();
    const steps = this.#random.int(2, 14);
    for (let step = 0; step < steps; step++) this.#step(scope);
    this.#fold();
  }

  #randomNumber(dst: Register): void {
    if (this.#random.chance(0.3)) {
      const [imm, nextImm] = [this.#random.u32() | 0, this.#imm()];
      this.#emit({ kind: 'loadImm64', pseudo: 'value', dst, imm, nextImm });
    } else this.#move(dst, immediate(this.#imm()));
  }

  /** After a call r1–r5 hold nothing. */
  #refill(): void {
    for (const dst of [1, 2, 3, 4, 5] as const) {
      if (this.#random.chance(0.5)) this.#move(dst, register(this.#random.pick([0, 7] as const)));
      else this.#randomNumber(dst);
    }
  }

  /** All numbers and the frame go into r0. */
  #fold(): void {
    for (const src of numbers) {
      if (src === 0) continue;
      this.#emit({ kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(31) });
      this.#emit({ kind: 'alu', op: 'add', width: 64, dst: 0, src: register(src) });
    }
    for (let offset = -frameBytes; offset < 0; offset += 8) {
      this.#emit({ kind: 'load', size: 8, signed: false, dst: 1, base: 10, offset });
      this.#emit({ kind: 'alu', op: 'xor', width: 64, dst: 0, src: register(1) });
      this.#emit({ kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(0x01000193) });
    }
    this.#move(1, register(0));
    this.#emit({ kind: 'alu', op: 'rsh', width: 64, dst: 1, src: immediate(32) });
    this.#emit({ kind: 'alu', op: 'xor', width: 64, dst: 0, src: register(1) });
  }

  #step(scope: Scope): void {
    const nested = scope.depth >= 4;
    const compound = nested || scope.inLoop ? 0 : 1;
    this.#random.weighted<() => void>([
      [10, () => this.#alu()],
      [4, () => this.#stack()],
      [scope.packet ? 4 : 0, () => this.#access(6, packetBytes, false)],
      [scope.value ? 5 : 0, () => this.#valueAccess()],
      [nested ? 0 : 3, () => this.#branch(scope)],
      [compound * 2, () => this.#loop(scope)],
      [compound, () => this.#lookup(scope)],
      [scope.inLoop ? 0 : 1, () => this.#change()],
      [this.#mayCall && this.#functions > this.#functionsFrom && !scope.inLoop ? 1 : 0, () => this.#callFunction()],
      [this.#kernel ? 0 : compound * 0.5, () => this.#callLoop()],
      [this.#kernel || scope.inLoop ? 0 : 0.5, () => this.#clock()],
      [this.#kernel || scope.depth > 1 || !scope.packet ? 0 : 0.2, () => this.#tailCall()],
    ])();
  }

  #alu(): void {
    const random = this.#random;
    const width = random.chance(0.5) ? 64 : 32;
    const dst = this.#number();
    random.weighted<() => void>([
      [
        12,
        () => {
          const op = random.pick(alu);
          const divides = op === 'div' || op === 'sdiv' || op === 'mod' || op === 'smod';
          const shifts = op === 'lsh' || op === 'rsh' || op === 'arsh';
          const imm = shifts ? random.int(0, width - 1) : divides ? this.#imm() || 3 : this.#imm();
          const src = random.chance(0.5) ? register(this.#number()) : immediate(imm);
          this.#emit({ kind: 'alu', op, width, dst, src });
        },
      ],
      [1, () => this.#emit({ kind: 'neg', width, dst })],
      [
        2,
        () => {
          const bits = random.pick(width === 64 ? ([8, 16, 32] as const) : ([8, 16] as const));
          this.#emit({ kind: 'movsx', width, bits, dst, src: this.#number() });
        },
      ],
      [
        2,
        () => {
          this.#emit({ kind: 'endian', op: random.pick(['le', 'be', 'bswap']), bits: random.pick([16, 32, 64]), dst });
        },
      ],
      [
        1,
        () => {
          this.#emit({ kind: 'alu', op: 'lsh', width: 64, dst, src: immediate(32) });
          this.#emit({ kind: 'alu', op: random.pick(['rsh', 'arsh']), width: 64, dst, src: immediate(32) });
        },
      ],
      [1, () => this.#randomNumber(dst)],
    ])();
  }

  /** A load, store or atomic at a constant offset below `bytes` of what a register points to. */
  #access(base: Register, bytes: number, atomicsAllowed: boolean, origin = 0): void {
    const random = this.#random;
    const size = random.pick(sizes);
    const offset = origin + random.int(0, bytes / size - 1) * size;
    const value = this.#number();
    random.weighted<() => void>([
      [4, () => this.#emit({ kind: 'load', size, signed: false, dst: value, base, offset })],
      [size === 8 ? 0 : 1, () => this.#emit({ kind: 'load', size, signed: true, dst: value, base, offset })],
      [3, () => this.#emit({ kind: 'store', size, base, offset, src: register(value) })],
      [2, () => this.#emit({ kind: 'store', size, base, offset, src: immediate(this.#imm()) })],
      [
        atomicsAllowed && size >= 4 ? 3 : 0,
        () => {
          this.#emit({ kind: 'atomic', op: random.pick(atomics), size, base, offset, src: value });
        },
      ],
      [atomicsAllowed ? 0.5 : 0, () => this.#emit({ kind: 'loadAcquire', size, dst: value, base, offset })],
      [atomicsAllowed ? 0.5 : 0, () => this.#emit({ kind: 'storeRelease', size, base, offset, src: value })],
    ])();
  }

  #stack(): void {
    if (this.#random.chance(0.7)) {
      this.#access(10, frameBytes, this.#random.chance(0.2), -frameBytes);
      return;
    }
    const base = this.#random.pick([1, 2, 3, 4, 5] as const);
    const offset = -this.#random.int(1, frameBytes / 8) * 8;
    this.#move(base, register(10));
    this.#emit({ kind: 'alu', op: 'add', width: 64, dst: base, src: immediate(offset) });
    const value = base === 5 ? 4 : 5;
    const size = this.#random.pick(sizes);
    this.#emit({ kind: 'store', size, base, offset: 0, src: register(value) });
    this.#emit({ kind: 'load', size: 8, signed: false, dst: base, base, offset: 0 });
  }

  /** Of the 64 bytes that r9 points to, some at an offset that is only known to be in bounds. */
  #valueAccess(): void {
    if (this.#random.chance(0.6)) {
      this.#access(9, 64, true);
      return;
    }
    const base = this.#random.pick([1, 2, 3, 4, 5] as const);
    this.#move(base, register(this.#number()));
    this.#emit({ kind: 'alu', op: 'and', width: 64, dst: base, src: immediate(0x38) });
    this.#emit({ kind: 'alu', op: 'add', width: 64, dst: base, src: register(9) });
    const value = base === 5 ? 4 : 5;
    this.#emit({ kind: 'store', size: 4, base, offset: 0, src: register(value) });
    this.#emit({ kind: 'load', size: 8, signed: false, dst: base, base, offset: 0 });
  }

  #branch(scope: Scope): void {
    const random = this.#random;
    const src = random.chance(0.5) ? register(this.#number()) : immediate(this.#imm());
    const width = random.chance(0.5) ? 64 : 32;
    const otherwise = this.#forward({
      kind: 'jump',
      op: random.pick(jumps),
      width,
      dst: this.#number(),
      src,
      offset: 0,
    });
    const inside = { ...scope, depth: scope.depth + 1 };
    this.#steps(inside);
    if (random.chance(0.5)) {
      const end = this.#forward({ kind: 'goto', long: random.chance(0.2), offset: 0 });
      otherwise();
      this.#steps(inside);
      end();
    } else {
      otherwise();
    }
  }

  #steps(scope: Scope): void {
    const steps = this.#random.int(1, 4);
    for (let step = 0; step < steps; step++) this.#step(scope);
  }

  #loop(scope: Scope): void {
    const random = this.#random;
    const inside = { ...scope, inLoop: true, depth: scope.depth + 1 };
    this.#move(8, immediate(random.int(1, 6)));
    const start = this.#slot;
    this.#steps(inside);
    this.#emit({ kind: 'alu', op: 'sub', width: 64, dst: 8, src: immediate(1) });
    this.#emit({ kind: 'jump', op: 'ne', width: 64, dst: 8, src: immediate(0), offset: start - this.#slot - 1 });
  }

  #loadMap(map: number, dst: Register): void {
    this.#mapSlots[map]!.push(this.#slot);
    this.#emit({ kind: 'loadImm64', pseudo: 'value', dst, imm: 0, nextImm: 0 });
  }

  #pointToFrame(dst: Register, offset: number): void {
    this.#move(dst, register(10));
    this.#emit({ kind: 'alu', op: 'add', width: 64, dst, src: immediate(offset) });
  }

  #key(map: number): void {
    const small = immediate(this.#random.int(0, 5));
    if (map === 0) {
      this.#emit({ kind: 'store', size: 4, base: 10, offset: -4, src: small });
    } else {
      this.#emit({ kind: 'store', size: 8, base: 10, offset: -8, src: small });
    }
    this.#pointToFrame(2, map === 0 ? -4 : -8);
    this.#loadMap(map, 1);
  }

  #lookup(scope: Scope): void {
    const map = this.#random.int(0, 1);
    this.#key(map);
    this.#emit({ kind: 'call', target: 'helper', imm: 1, offset: 0 });
    const none = this.#forward({ kind: 'jump', op: 'eq', width: 64, dst: 0, src: immediate(0), offset: 0 });
    this.#move(9, register(0));
    this.#move(0, immediate(this.#imm()));
    this.#refill();
    if (map === 0) this.#steps({ ...scope, value: true, depth: scope.depth + 1 });
    else this.#access(9, 16, true);
    this.#move(0, register(7));
    none();
    this.#refill();
  }

  #change(): void {
    const map = this.#random.int(0, 1);
    this.#key(map);
    if (this.#random.chance(0.3)) {
      this.#emit({ kind: 'call', target: 'helper', imm: 3, offset: 0 });
    } else {
      this.#pointToFrame(3, -frameBytes);
      this.#move(4, immediate(this.#random.int(0, 3)));
      this.#emit({ kind: 'call', target: 'helper', imm: 2, offset: 0 });
    }
    this.#refill();
  }

  #callFunction(): void {
    const func = this.#random.int(this.#functionsFrom, this.#functions - 1);
    const slot = this.#slot;
    const body = this.#emit({ kind: 'call', target: 'local', imm: 0, offset: 0 });
    this.#links.push({ body, slot, func });
    this.#refill();
  }

  #callLoop(): void {
    this.#move(1, immediate(this.#random.int(0, 5)));
    const slot = this.#slot;
    const body = this.#emit({ kind: 'loadImm64', pseudo: 'func', dst: 2, imm: 0, nextImm: 0 });
    this.#callbacks.push(slot);
    this.#links.push({ body, slot, func: -this.#callbacks.length });
    this.#pointToFrame(3, -16);
    this.#move(4, immediate(0));
    this.#emit({ kind: 'call', target: 'helper', imm: 181, offset: 0 });
    this.#refill();
  }

  #clock(): void {
    this.#emit({ kind: 'call', target: 'helper', imm: 5, offset: 0 });
    this.#refill();
  }

  #tailCall(): void {
    this.#emit({ kind: 'load', size: 8, signed: false, dst: 1, base: 10, offset: contextSlot });
    this.#move(2, immediate(0));
    this.#move(3, immediate(this.#random.int(0, 3)));
    this.#emit({ kind: 'call', target: 'helper', imm: 12, offset: 0 });
    this.#refill();
  }

  /** LD_ABS and LD_IND, which take the context in r6. */
  #classic(): void {
    for (let access = this.#random.int(1, 3); access > 0; access--) {
      const size = this.#random.pick([1, 2, 4] as const);
      const index = this.#random.chance(0.4) ? (7 as Register) : null;
      if (index !== null) this.#move(7, immediate(this.#random.int(0, 70)));
      this.#emit({ kind: 'loadPacket', size, index, imm: this.#random.int(0, 66) });
      this.#move(7, register(0));
      this.#refill();
    }
  }
}
