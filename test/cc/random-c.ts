import { Random } from '../../src/base/index.ts';

/**
 * Random C without undefined behaviour (signed overflow wraps): integer expressions of all widths, structs, bit-fields,
 * arrays, loops, switches, small functions. `run` takes the address of eight 64-bit words and gives one.
 */
const types = ['u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64'] as const;
const constants = [
  '0',
  '1',
  '2',
  '7',
  '-1',
  '255',
  '0x80',
  '0x7fff',
  '0x8000',
  '65535',
  '0x7fffffff',
  '0x80000000u',
  '0xffffffffull',
  '-5',
  '1000',
  '0x123456789abcdefull',
  '0x8000000000000000ull',
];

export const prelude = `typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;
`;

export function randomProgram(seed: number): string {
  return new Generator(new Random(seed)).program();
}

class Generator {
  readonly #r: Random;
  readonly #readable: string[] = [];
  readonly #writable: string[] = [];
  #depth = 0;
  #loops = 0;

  constructor(random: Random) {
    this.#r = random;
  }

  program(): string {
    const r = this.#r;
    const fields = Array.from({ length: r.int(2, 5) }, (_, i) => {
      const type = r.pick(types);
      const width = r.chance(0.3) && !type.endsWith('64') ? ` : ${r.int(1, Number(type.slice(1)))}` : '';
      return { name: `f${i}`, text: `${type} f${i}${width};` };
    });
    const lines = [`struct pair { ${fields.map((one) => one.text).join(' ')} };`];
    lines.push(this.#helper());
    lines.push('u64 run(u64 *in) {');
    const variables = Array.from({ length: r.int(3, 7) }, (_, i) => ({ name: `v${i}`, type: r.pick(types) }));
    for (const [i, { name, type }] of variables.entries()) lines.push(`  ${type} ${name} = in[${i}];`);
    lines.push(`  struct pair p = { ${fields.map((_, i) => `in[${i}]`).join(', ')} }, q = p;`);
    lines.push(`  ${r.pick(types)} a[4] = { in[0], in[1] };`, '  int i, j, k;');
    this.#readable.push(...variables.map((one) => one.name), 'a[0]', 'a[3]');
    this.#writable.push(...variables.map((one) => one.name));
    for (const { name } of fields) {
      this.#readable.push(`p.${name}`, `q.${name}`);
      this.#writable.push(`p.${name}`);
    }
    if (r.chance(0.4)) lines.push(`  ${variables[0]?.type} *ptr = &v0; *ptr += 1;`);
    for (let n = r.int(3, 8); n > 0; n--) lines.push(this.#statement('  '));
    if (r.chance(0.5)) lines.push('  q = p;');
    const sum = [...this.#readable, 'a[1]', 'a[2]'].map((one, i) => `h = h * ${2 * i + 3} + (u64)${one};`);
    lines.push('  u64 h = 1;', ...sum.map((one) => `  ${one}`), '  return h;', '}');
    return lines.join('\n');
  }

  #helper(): string {
    const r = this.#r;
    const [a, b, result] = [r.pick(types), r.pick(types), r.pick(types)];
    const outer = this.#readable.splice(0);
    this.#readable.push('x', 'y');
    const body = `static ${result} mix(${a} x, ${b} y) { if (${this.#expression(2)}) return ${this.#expression(2)}; return ${this.#expression(2)}; }`;
    this.#readable.splice(0);
    this.#readable.push(...outer);
    return body;
  }

  #statement(indent: string): string {
    const r = this.#r;
    const target = r.pick(this.#writable);
    if (this.#depth > 2) return `${indent}${target} = ${this.#expression(2)};`;
    this.#depth++;
    const inner = (): string => Array.from({ length: r.int(1, 3) }, () => this.#statement(`${indent}  `)).join('\n');
    let text: string;
    switch (r.int(0, 9)) {
      case 0:
        text = `${indent}if (${this.#expression(2)}) {\n${inner()}\n${indent}} else {\n${inner()}\n${indent}}`;
        break;
      case 1: {
        if (this.#loops >= 2) {
          text = `${indent}${target} ^= ${this.#expression(2)};`;
          break;
        }
        const i = this.#loops++ === 0 ? 'i' : 'j';
        const jump = r.chance(0.3) ? `${indent}  if (${this.#expression(1)}) ${r.pick(['break', 'continue'])};\n` : '';
        const unroll = r.chance(0.3) ? `${indent}#pragma unroll\n` : '';
        text = `${unroll}${indent}for (${i} = 0; ${i} < ${r.int(1, 6)}; ${i}++) {\n${jump}${indent}  a[${i} & 3] += ${this.#expression(1)};\n${inner()}\n${indent}}`;
        this.#loops--;
        break;
      }
      case 2:
        text = `${indent}switch (${this.#expression(1)} & 3) {\n${indent}case 0:\n${inner()}\n${indent}  break;\n${indent}case 1:\n${inner()}\n${indent}case 2:\n${inner()}\n${indent}  break;\n${indent}default:\n${inner()}\n${indent}}`;
        break;
      case 3:
        text = `${indent}${target} ${r.pick(['+=', '-=', '*=', '&=', '|=', '^='])} ${this.#expression(2)};`;
        break;
      case 4:
        text = `${indent}${target} ${r.pick(['<<=', '>>='])} ${this.#expression(1)} & 7;`;
        break;
      case 5:
        text = `${indent}a[${this.#expression(1)} & 3] = ${r.pick(['++', '--', ''])}${target};`;
        break;
      case 6:
        text = `${indent}${target} = mix(${this.#expression(1)}, ${this.#expression(1)});`;
        break;
      default:
        text = `${indent}${target} = ${this.#expression(3)};`;
    }
    this.#depth--;
    return text;
  }

  #expression(depth: number): string {
    const r = this.#r;
    if (depth === 0 || r.chance(0.15)) return r.chance(0.7) ? r.pick(this.#readable) : r.pick(constants);
    const a = this.#expression(depth - 1);
    const b = this.#expression(depth - 1);
    switch (r.int(0, 13)) {
      case 0:
        return `(${a} / ((${b} & 15) + 1))`;
      case 1:
        return `(${a} % ${r.pick(['3', '7u', '10', '16', '1000ull', '-3'])})`;
      case 2:
        return `(${a} << (${b} & 7))`;
      case 3:
        return `(${a} >> (${b} & 31))`;
      case 4:
        return `(${r.pick(types)})(${a})`;
      case 5:
        return `(${a} ? ${b} : ${this.#expression(depth - 1)})`;
      case 6:
        return `(${a} ${r.pick(['&&', '||'])} ${b})`;
      case 7:
        return `${r.pick(['-', '~', '!'])}(${a})`;
      case 8:
      case 9:
        return `(${a} ${r.pick(['<', '<=', '>', '>=', '==', '!='])} ${b})`;
      default:
        return `(${a} ${r.pick(['+', '-', '*', '&', '|', '^'])} ${b})`;
    }
  }
}

/** The eight words that program number `seed` runs on. */
export function randomInput(seed: number): bigint[] {
  const r = new Random(seed ^ 0x5bd1e995);
  const edge = [
    0n,
    1n,
    0x7fn,
    0x80n,
    0xffn,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    0x7fffffffffffffffn,
    0x8000000000000000n,
  ];
  const word = (): bigint => (BigInt(r.u32()) << 32n) | BigInt(r.u32());
  return Array.from({ length: 8 }, () => (r.chance(0.4) ? r.pick(edge) : word()));
}
