import { Random, toHex } from '../../src/base/index.ts';
import { assemble } from '../../src/isa/index.ts';
import { helperByName } from '../../src/uapi/index.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';
import { askAll, kernelScript } from './kernel-script.ts';

/**
 * Holds the verifier against the running kernel on random programs that mix valid and slightly broken code:
 *   npx tsc && node dist/test/conformance/random-programs.js COUNT SEED      (as root; kernel.py asks the kernel)
 */
const registers = [0, 2, 3, 4, 5, 6, 7, 8, 9];
const map: MapShape = { type: 'array', keySize: 4, valueSize: 16, maxEntries: 4 };
const mapFd = 77;

class Writer {
  readonly #random: Random;
  readonly #lines: string[] = [];
  #labels = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  program(): string {
    this.#lines.push('r6 = r1', 'r0 = 0', 'r2 = 0', 'r3 = 1', 'r4 = 100', 'r5 = -1', 'r7 = 7', 'r8 = 8', 'r9 = 0');
    const length = 4 + this.#pick(24);
    for (let line = 0; line < length; line++) this.#statement();
    this.#lines.push('r0 = 0', 'exit');
    return this.#lines.join('\n');
  }

  #pick(below: number): number {
    return this.#random.u32() % below;
  }

  #of<T>(choices: readonly T[]): T {
    return choices[this.#pick(choices.length)] as T;
  }

  #number(): number {
    return this.#of([
      0, 1, 2, 4, 7, 8, 15, 16, 31, 32, 63, 64, 255, 1000, -1, -4, -8, -16, 65535, 0x7fffffff, -0x80000000,
    ]);
  }

  #statement(): void {
    const dst = this.#of(registers);
    const src = this.#of(registers);
    const kind = this.#pick(12);
    if (kind < 4) this.#arithmetic(dst, src);
    else if (kind < 6) this.#branch(dst, src);
    else if (kind < 8) this.#stack(dst);
    else if (kind === 8) this.#lookup(dst);
    else if (kind === 9) this.#lines.push(`r${dst} = *(u32 *)(r6 + ${this.#of([0, 4, 8, 16, 48, 52, 76, 192])})`);
    else if (kind === 10) this.#lines.push('call ktime_get_ns', 'r1 = r0', 'r2 = r0', 'r3 = 0', 'r4 = 3', 'r5 = r0');
    else this.#through(dst, src);
  }

  #arithmetic(dst: number, src: number): void {
    const wide = this.#pick(3) > 0;
    const letter = wide ? 'r' : 'w';
    const op = this.#of(['+=', '-=', '*=', '&=', '|=', '^=', '<<=', '>>=', 's>>=', '=', '=', '/=', '%=']);
    const shifts = op.includes('<<') || op.includes('>>');
    const amount = shifts
      ? this.#pick(wide ? 64 : 32)
      : op === '/=' || op === '%='
        ? 1 + this.#pick(50)
        : this.#number();
    this.#lines.push(`${letter}${dst} ${op} ${this.#pick(2) === 0 ? `${letter}${src}` : amount}`);
  }

  #branch(dst: number, src: number): void {
    const letter = this.#pick(3) > 0 ? 'r' : 'w';
    const op = this.#of(['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&']);
    const label = `l${this.#labels++}`;
    this.#lines.push(
      `if ${letter}${dst} ${op} ${this.#pick(3) === 0 ? `${letter}${src}` : this.#number()} goto ${label}`,
    );
    const inside = 1 + this.#pick(3);
    for (let line = 0; line < inside; line++) this.#arithmetic(this.#of(registers), this.#of(registers));
    if (this.#pick(4) === 0) this.#lines.push('r0 = 0', 'exit');
    this.#lines.push(`${label}:`);
  }

  #stack(dst: number): void {
    const size = this.#of([1, 2, 4, 8]);
    const at = -size * (1 + this.#pick(this.#pick(8) === 0 ? 70 : 6));
    const place = `*(u${size * 8} *)(r10 ${at < 0 ? '-' : '+'} ${Math.abs(at)})`;
    this.#lines.push(this.#pick(2) === 0 ? `${place} = r${dst}` : `r${dst} = ${place}`);
  }

  #lookup(dst: number): void {
    const label = `l${this.#labels++}`;
    this.#lines.push('*(u32 *)(r10 - 4) = 0', 'r2 = r10', 'r2 += -4', 'r1 = MAP ll', 'call map_lookup_elem');
    const careful = this.#pick(5) > 0;
    if (careful) this.#lines.push(`if r0 != 0 goto ${label}`, 'r0 = 0', 'exit', `${label}:`);
    this.#lines.push('r1 = 1', 'r2 = 2', 'r3 = 3', 'r4 = 4', 'r5 = 5', `r${dst} = r0`);
    if (this.#pick(2) === 0) this.#lines.push(`r${dst} += r${this.#of(registers)}`);
    this.#through(dst, this.#of(registers));
  }

  #through(dst: number, src: number): void {
    const size = this.#of([1, 2, 4, 8]);
    const place = `*(u${size * 8} *)(r${dst} + ${this.#of([0, 0, 4, 8, 12, 16])})`;
    this.#lines.push(this.#pick(2) === 0 ? `${place} = r${src}` : `r${src} = ${place}`);
  }
}

interface Answer {
  readonly id: number;
  readonly verdict: string;
  readonly log: string;
}

function main(): void {
  const count = Number(process.argv[2] ?? 1000);
  const random = new Random(Number(process.argv[3] ?? 1));
  const cases: { text: string; code: Uint8Array; slots: number[] }[] = [];
  while (cases.length < count) {
    const text = new Writer(random).program();
    const { code, relocations } = assemble(text, { helper: (name) => helperByName(name)?.id });
    cases.push({ text, code, slots: relocations.map(({ slot }) => slot) });
  }
  const asked = cases.map(({ code, slots }, id) => {
    const maps = [{ type: 2, key: 4, value: 16, max: 4, at: slots }];
    return { id, prog_type: 1, insns: toHex(code), maps };
  });
  let accepted = 0;
  let differs = 0;
  let unsafe = 0;
  let words = 0;
  for (const answer of askAll<Answer>([kernelScript, '--log-level', '1'], asked)) {
    const { code, slots, text } = cases[answer.id] as (typeof cases)[number];
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    for (const slot of slots) {
      view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | 16);
      view.setInt32(slot * 8 + 4, mapFd, true);
    }
    const own = verify({ code, type: 'socket_filter', maps: new Map([[mapFd, map]]) });
    const plain = (log: string): string => log.replace(/0xffff[0-9a-f]{12}/g, 'MAP').replace(/max_states.*/, '');
    if (plain(own.log) === plain(answer.log)) words++;
    if (answer.verdict === 'accept') accepted++;
    if (own.verdict === answer.verdict) continue;
    differs++;
    if (own.verdict === 'accept') unsafe++;
    if (differs <= 6)
      console.log(
        `${'-'.repeat(60)}\n${text}\nkernel ${answer.verdict}:\n${answer.log.slice(-1200)}\nhere ${own.verdict}:\n${own.log.slice(-1200)}`,
      );
  }
  console.log(
    `${count} programs, ${accepted} accepted by the kernel: ${differs} verdicts differ, ${unsafe} unsafe; ${words} logs to the letter`,
  );
}

main();
