import { Random } from '../../src/base/index.ts';

/**
 * Random programs in assembly, most of which the verifier accepts: numbers of both widths, branches that narrow them,
 * bounded loops, spills, packet, context, map values and stack at fixed and variable offsets, atomics, functions and
 * helpers. Their type is sched_cls; `ARRAY` and `HASH` are the two maps of test/vm.
 *
 * r6 is the context, r7 a packet pointer or a map value, r8 and r9 numbers that outlive calls; r0–r5 are numbers, except
 * within a statement.
 */
const numbers = [0, 1, 2, 3, 4, 5, 8, 9] as const;
const constants = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1000, 4096, 65535, 0x7ffffffe, 0x7fffffff, -1, -2,
  -8, -128, -32768, -0x80000000,
] as const;
const wideConstants = ['0x7fffffffffffffff', '0x8000000000000000', '0xffffffff', '0x100000000', '0xffff0000ffff'];
const frameBytes = 64;

export function randomProgram(seed: number): string {
  return new Writer(new Random(seed)).program();
}

class Writer {
  readonly #random: Random;
  #lines: string[] = [];
  #labels = 0;
  #depth = 0;
  /** Functions that are still to be written, by their names. */
  #functions: string[] = [];
  #called = new Set<string>();
  #inFunction = false;
  /** Registers that a loop counts with. */
  #reserved: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  program(): string {
    this.#functions = Array.from({ length: this.#pick(3) }, (_, index) => `f${index}`);
    const functions = [...this.#functions];
    this.#line('r6 = r1');
    this.#begin();
    this.#statements(4 + this.#pick(16));
    this.#end();
    for (const name of functions) {
      this.#functions.shift();
      if (!this.#called.has(name)) continue;
      this.#inFunction = true;
      this.#line(`${name}:`);
      this.#begin();
      this.#statements(2 + this.#pick(8));
      this.#end();
    }
    return this.#lines.join('\n');
  }

  /** Numbers in all registers, and a frame that holds something. */
  #begin(): void {
    for (const register of numbers) {
      if (this.#inFunction && register >= 1 && register <= 5) continue;
      this.#line(`r${register} = ${this.#constant()}`);
    }
    for (let at = -frameBytes; at < 0; at += 8) {
      if (this.#chance(0.7)) this.#line(`*(u64 *)(r10 - ${-at}) = ${this.#constant()}`);
      else this.#line(`*(u64 *)(r10 - ${-at}) = r${this.#number()}`);
    }
  }

  #end(): void {
    if (this.#chance(0.5)) this.#line(`r0 = r${this.#number()}`);
    this.#line('exit');
  }

  // --- Choices

  #pick(below: number): number {
    return this.#random.u32() % below;
  }

  #chance(of: number): boolean {
    return this.#random.chance(of);
  }

  #of<T>(choices: readonly T[]): T {
    return choices[this.#pick(choices.length)] as T;
  }

  #constant(): number {
    return this.#chance(0.8) ? this.#of(constants) : this.#random.u32() | 0;
  }

  #number(): number {
    return this.#of(numbers);
  }

  /** A number's register that may be changed here. */
  #target(): number {
    for (;;) {
      const register = this.#number();
      if (!this.#reserved.includes(register)) return register;
    }
  }

  #line(line: string): void {
    this.#lines.push(line);
  }

  #label(): string {
    return `l${this.#labels++}`;
  }

  // --- Statements

  #statements(count: number): void {
    for (let index = 0; index < count; index++) this.#statement();
  }

  #statement(): void {
    const kind = this.#pick(26);
    if (kind < 7) this.#arithmetic();
    else if (kind < 11) this.#branch();
    else if (kind === 11) this.#loop();
    else if (kind < 14) this.#stack();
    else if (kind === 14) this.#variableStack();
    else if (kind === 15) this.#narrowed();
    else if (kind < 18) this.#mapValue();
    else if (kind === 18) this.#packet();
    else if (kind === 19) this.#atomic('r10', -8 * (1 + this.#pick(8)));
    else if (kind === 20) this.#helper();
    else if (kind === 21) this.#call();
    else if (kind === 22) this.#context();
    else if (kind === 23) this.#linked();
    else if (kind === 24) this.#spilledPointer();
    else this.#odd();
  }

  #arithmetic(): void {
    const dst = this.#target();
    const wide = this.#chance(0.6);
    const letter = wide ? 'r' : 'w';
    const src = this.#chance(0.5) ? `${letter}${this.#number()}` : undefined;
    const form = this.#pick(12);
    if (form === 0) this.#line(`${letter}${dst} = -${letter}${dst}`);
    else if (form === 1) {
      const sign = this.#of(wide ? ['s8', 's16', 's32'] : ['s8', 's16']);
      this.#line(`${letter}${dst} = (${sign})${letter}${this.#number()}`);
    } else if (form === 2)
      this.#line(
        `r${dst} = ${this.#of(['be16', 'be32', 'be64', 'le16', 'le32', 'bswap16', 'bswap32', 'bswap64'])} r${dst}`,
      );
    else if (form === 3) this.#line(`r${dst} = ${this.#of(wideConstants)} ll`);
    else if (form < 6) {
      const op = this.#of(['<<=', '>>=', 's>>=']);
      this.#line(
        `${letter}${dst} ${op} ${this.#chance(0.2) ? `${letter}${this.#number()}` : this.#pick(wide ? 64 : 32)}`,
      );
    } else if (form === 6) {
      const op = this.#of(['/=', '%=', 's/=', 's%=']);
      this.#line(`${letter}${dst} ${op} ${src ?? (this.#constant() || 3)}`);
    } else {
      const op = this.#of(['=', '+=', '-=', '*=', '&=', '|=', '^=', '+=', '&=']);
      this.#line(`${letter}${dst} ${op} ${src ?? this.#constant()}`);
    }
  }

  #condition(): string {
    const letter = this.#chance(0.6) ? 'r' : 'w';
    const op = this.#of(['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&']);
    return `${letter}${this.#number()} ${op} ${this.#chance(0.4) ? `${letter}${this.#number()}` : this.#constant()}`;
  }

  #branch(): void {
    if (this.#depth > 2) {
      this.#arithmetic();
      return;
    }
    this.#depth++;
    const after = this.#label();
    this.#line(`if ${this.#condition()} goto ${after}`);
    this.#statements(1 + this.#pick(3));
    if (this.#chance(0.3)) {
      const end = this.#label();
      this.#line(`goto ${end}`);
      this.#line(`${after}:`);
      this.#statements(1 + this.#pick(2));
      this.#line(`${end}:`);
    } else {
      if (this.#chance(0.1)) this.#line('exit');
      this.#line(`${after}:`);
    }
    this.#depth--;
  }

  #loop(): void {
    const counter = this.#of([8, 9].filter((register) => !this.#reserved.includes(register)));
    if (counter === undefined || this.#depth > 1) {
      this.#arithmetic();
      return;
    }
    this.#depth++;
    const again = this.#label();
    const step = 1 + this.#pick(3);
    if (this.#chance(0.5)) this.#line(`r${counter} = ${this.#pick(4)}`);
    else this.#line(`r${counter} &= ${this.#of([1, 3, 7])}`);
    this.#reserved.push(counter);
    this.#line(`${again}:`);
    this.#statements(1 + this.#pick(3));
    this.#line(`r${counter} += ${step}`);
    this.#line(
      `if ${this.#of(['r', 'w'])}${counter} ${this.#of(['<', '<=', 's<', 's<='])} ${3 + this.#pick(9)} goto ${again}`,
    );
    this.#reserved.pop();
    this.#depth--;
  }

  #stack(): void {
    const size = this.#of([1, 2, 4, 8]);
    const at = size * (1 + this.#pick(frameBytes / size));
    const place = `*(u${size * 8} *)(r10 - ${at})`;
    const form = this.#pick(5);
    if (form === 0) this.#line(`${place} = ${this.#constant()}`);
    else if (form < 3) this.#line(`${place} = r${this.#number()}`);
    else if (form === 3 && size < 8) this.#line(`r${this.#target()} = *(s${size * 8} *)(r10 - ${at})`);
    else this.#line(`r${this.#target()} = ${place}`);
  }

  #variableStack(): void {
    const offset = this.#target();
    const pointer = this.#target();
    if (offset === pointer) return;
    this.#line(`r${offset} &= ${this.#of([1, 3, 7, 8, 15, 24])}`);
    this.#line(`r${pointer} = r10`);
    this.#line(`r${pointer} += -${this.#of([32, 40, 64])}`);
    this.#line(`r${pointer} += r${offset}`);
    this.#through(`r${pointer}`, [0, 1, 2, 4], offset);
    this.#line(`r${pointer} = ${this.#constant()}`);
  }

  /** Loads and stores through a pointer; `keep` may be stored or loaded to. */
  #through(pointer: string, offsets: readonly number[], keep: number, aligned = false): void {
    const size = this.#of([1, 2, 4, 8]);
    const at = aligned ? this.#of(offsets) & -size : this.#of(offsets);
    if (this.#chance(0.3)) this.#line(`*(u${size * 8} *)(${pointer} + ${at}) = r${keep}`);
    else if (this.#chance(0.2)) this.#line(`*(u${size * 8} *)(${pointer} + ${at}) = ${this.#constant()}`);
    else if (size < 8 && this.#pick(3) === 0) this.#line(`r${keep} = *(s${size * 8} *)(${pointer} + ${at})`);
    else this.#line(`r${keep} = *(u${size * 8} *)(${pointer} + ${at})`);
  }

  /** A number that is compared from both sides, and then worked with. */
  #narrowed(): void {
    const a = this.#target();
    const out = this.#label();
    const signed = this.#chance(0.5) ? 's' : '';
    const letter = this.#of(['r', 'w']);
    const low = this.#pick(64) - (signed ? 32 : 0);
    this.#load(a);
    this.#line(`if ${letter}${a} ${signed}< ${low} goto ${out}`);
    this.#line(`if ${letter}${a} ${signed}> ${low + this.#pick(100)} goto ${out}`);
    this.#statements(1 + this.#pick(2));
    this.#line(`r${this.#target()} ${this.#of(['=', '+=', '-=', '*=', '&=', '|=', '^='])} r${a}`);
    this.#line(`${out}:`);
  }

  /** A number that nothing is known of. */
  #load(dst: number): void {
    if (this.#inFunction) this.#line(`r${dst} = *(u64 *)(r10 - ${8 * (1 + this.#pick(8))})`);
    else this.#line(`r${dst} = *(u32 *)(r6 + ${this.#of([16, 20, 24, 28, 32, 48, 52])})`);
  }

  #key(map: string): void {
    if (map === 'ARRAY') this.#line(`*(u32 *)(r10 - 72) = ${this.#chance(0.5) ? this.#pick(6) : `r${this.#number()}`}`);
    else this.#line(`*(u64 *)(r10 - 72) = ${this.#chance(0.5) ? this.#pick(4) : `r${this.#number()}`}`);
    this.#line('r2 = r10');
    this.#line('r2 += -72');
    this.#line(`r1 = ${map} ll`);
  }

  /** Numbers again in the registers that a call leaves unreadable. */
  #refill(from: number): void {
    for (let register = from; register <= 5; register++) {
      if (register > 0 && this.#chance(0.4)) this.#load(register);
      else this.#line(`r${register} = ${this.#constant()}`);
    }
  }

  #mapValue(): void {
    const map = this.#of(['ARRAY', 'ARRAY', 'HASH']);
    const size = map === 'ARRAY' ? 64 : 16;
    const out = this.#label();
    this.#key(map);
    this.#line('call map_lookup_elem');
    this.#line('r7 = r0');
    this.#refill(0);
    this.#line(`if r7 == 0 goto ${out}`);
    const times = 1 + this.#pick(3);
    for (let time = 0; time < times; time++) {
      const keep = this.#target();
      const form = this.#pick(4);
      if (form === 0) this.#atomic('r7', 8 * this.#pick(size / 8));
      else if (form === 1) {
        const offset = this.#target();
        this.#line(`${this.#of(['r', 'w'])}${offset} &= ${this.#of(size === 64 ? [7, 31, 55] : [7])}`);
        this.#line(`r7 += r${offset}`);
        this.#through('r7', [0, 1, 4], keep);
        break;
      } else this.#through('r7', [0, 4, 8], keep);
    }
    this.#line(`${out}:`);
  }

  #packet(): void {
    if (this.#inFunction) {
      this.#arithmetic();
      return;
    }
    const out = this.#label();
    const offset = this.#target();
    const variable = this.#chance(0.5);
    this.#line('r7 = *(u32 *)(r6 + 76)');
    if (variable) {
      this.#line(`w${offset} &= ${this.#of([7, 15, 40])}`);
      this.#line(`r7 += r${offset}`);
    }
    this.#line('r1 = *(u32 *)(r6 + 80)');
    this.#line('r2 = r7');
    const reach = this.#of([8, 12, 20, 64]);
    this.#line(`r2 += ${reach}`);
    this.#line(this.#of([`if r2 > r1 goto ${out}`, `if r1 < r2 goto ${out}`, `if r2 >= r1 goto ${out}`]));
    this.#line(`r2 = ${this.#constant()}`);
    this.#line(`r1 = ${this.#constant()}`);
    for (let time = 1 + this.#pick(3); time > 0; time--) this.#through('r7', [0, 1, 4], this.#target());
    if (this.#chance(0.4)) this.#statements(1);
    this.#line(`${out}:`);
    this.#line(`r1 = ${this.#constant()}`);
    this.#line(`r2 = ${this.#constant()}`);
  }

  #atomic(base: string, at: number): void {
    const bits = this.#of([32, 64]);
    const place = `${base} + ${at}`;
    const register = this.#target();
    const form = this.#pick(3);
    if (form === 0) {
      this.#line(`lock *(u${bits} *)(${place}) ${this.#of(['+=', '|=', '&=', '^='])} r${register}`);
    } else if (form === 1) {
      const op = this.#of(['fetch_add', 'fetch_or', 'fetch_and', 'fetch_xor', 'xchg']);
      const name = op === 'xchg' ? (bits === 64 ? 'xchg_64' : 'xchg32_32') : `atomic_${op}`;
      this.#line(
        op === 'xchg'
          ? `r${register} = ${name}(${place}, r${register})`
          : `r${register} = ${name}((u${bits} *)(${place}), r${register})`,
      );
    } else this.#line(`r0 = ${bits === 64 ? 'cmpxchg_64' : 'cmpxchg32_32'}(${place}, r0, r${register})`);
  }

  #helper(): void {
    const form = this.#pick(3);
    if (form === 0) {
      this.#line('call ktime_get_ns');
      this.#refill(1);
      return;
    }
    const map = this.#of(['ARRAY', 'HASH']);
    this.#key(map);
    if (form === 1) {
      this.#line('r3 = r10');
      this.#line('r3 += -64');
      this.#line(`r4 = ${this.#pick(3)}`);
      this.#line('call map_update_elem');
    } else this.#line('call map_delete_elem');
    this.#refill(1);
  }

  #call(): void {
    const name = this.#functions.length > 0 ? this.#of(this.#functions) : undefined;
    if (name === undefined || this.#reserved.length > 0) {
      this.#arithmetic();
      return;
    }
    this.#called.add(name);
    this.#line(`call ${name}`);
    this.#refill(1);
  }

  #context(): void {
    if (this.#inFunction) {
      this.#arithmetic();
      return;
    }
    if (this.#chance(0.7)) this.#load(this.#target());
    else this.#line(`*(u32 *)(r6 + ${48 + 4 * this.#pick(5)}) = r${this.#number()}`);
  }

  /** Copies that stay a distance apart, of which one is compared. */
  #linked(): void {
    const a = this.#target();
    const b = this.#target();
    const out = this.#label();
    this.#load(a);
    this.#line(
      `${this.#of(['r', 'r', 'w'])}${b} = ${this.#of(['r', 'w'])}${a}`.replace(/^(.)(\d) = .(\d)$/, '$1$2 = $1$3'),
    );
    if (this.#chance(0.6)) this.#line(`${this.#of(['r', 'r', 'w'])}${b} += ${this.#of([1, 4, -1, 16, 0x7fffffff])}`);
    this.#line(
      `if ${this.#of(['r', 'w'])}${this.#of([a, b])} ${this.#of(['>', '<', '==', 's>', '!='])} ${this.#constant()} goto ${out}`,
    );
    this.#arithmetic();
    this.#line(`r${this.#target()} = r${b}`);
    this.#line(`${out}:`);
  }

  #spilledPointer(): void {
    if (this.#inFunction) {
      this.#arithmetic();
      return;
    }
    const at = 8 * (1 + this.#pick(8));
    this.#line(`*(u64 *)(r10 - ${at}) = ${this.#of(['r6', 'r10'])}`);
    if (this.#chance(0.5)) this.#arithmetic();
    this.#line(`r7 = *(u64 *)(r10 - ${at})`);
    this.#line(`*(u64 *)(r10 - ${at}) = ${this.#constant()}`);
  }

  /** Things that a verifier has to be careful with. */
  #odd(): void {
    const dst = this.#target();
    const form = this.#pick(5);
    if (form === 0) this.#line(`r${dst} = r10`);
    if (form === 0) this.#line(`r${dst} -= r10`);
    if (form === 1) this.#line(`w${dst} = w${this.#number()}`);
    if (form === 2) this.#line(`r${dst} -= r${dst}`);
    if (form === 3) this.#line(`r${dst} ^= r${dst}`);
    if (form === 4) {
      this.#line(`r${dst} <<= 32`);
      this.#line(`r${dst} ${this.#of(['>>=', 's>>='])} 32`);
    }
  }
}
