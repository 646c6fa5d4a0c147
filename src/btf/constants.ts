/**
 * Numbers that kernel headers define as macros, which BTF does not hold: `PF_KTHREAD`, `O_CREAT`, `ETH_P_IP`; and the
 * enumerators of bpf.h, which a trimmed BTF may lack. A table of text, a header's path with a colon and then NAME=VALUE,
 * measured on Linux 6.1, bpf.h on 6.18; those of the user interface do not change between kernels.
 */
export class ConstantTable {
  readonly #values = new Map<string, bigint>();

  constructor(text: string) {
    for (const [, name, value] of text.matchAll(/(\w+)=(\S+)/g)) {
      this.#values.set(name as string, numberOf(value as string));
    }
  }

  get(name: string): bigint | undefined {
    return this.#values.get(name);
  }

  names(): Iterable<string> {
    return this.#values.keys();
  }
}

/** Decimal, hex, or octal with a leading zero, as C writes it. */
function numberOf(text: string): bigint {
  if (text.startsWith('-')) return -numberOf(text.slice(1));
  return BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text);
}
