import type { Token } from '../preprocess/token.ts';

/**
 * Pragmas that hold for a part of the text: `pack`, which is for the structs in it, and `clang attribute push`. They
 * stand among the tokens, also within declarations; here they are taken out, and what holds from which token on is kept.
 */
interface Region {
  /** The first token that it holds for. */
  readonly from: number;
  readonly pack: number | undefined;
  readonly relocated: boolean;
}

const outermost: Region = { from: 0, pack: undefined, relocated: false };

export class Regions {
  readonly #list: Region[] = [outermost];
  readonly #packs: { readonly label: string | undefined; readonly pack: number | undefined }[] = [];
  readonly #attributes: boolean[] = [];

  /** The tokens without those pragmas. */
  take(tokens: readonly Token[]): readonly Token[] {
    if (!tokens.some(isOfRegion)) return tokens;
    const kept: Token[] = [];
    for (const token of tokens) {
      if (isOfRegion(token)) this.#begin(token.text, kept.length);
      else kept.push(token);
    }
    return kept;
  }

  /** Bytes that a member of a struct that ends at this token is aligned to at most. */
  pack(at: number): number | undefined {
    return this.#at(at).pack;
  }

  /** Whether structs here are `preserve_access_index`. */
  relocated(at: number): boolean {
    return this.#at(at).relocated;
  }

  #at(index: number): Region {
    let low = 0;
    let high = this.#list.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#list[middle] as Region).from <= index) low = middle;
      else high = middle - 1;
    }
    return this.#list[low] as Region;
  }

  #begin(text: string, from: number): void {
    const now = this.#list.at(-1) as Region;
    if (text.startsWith('pack')) {
      this.#list.push({ ...now, from, pack: this.#packed(text, now.pack) });
      return;
    }
    if (/\bpop\b/.test(text)) this.#attributes.pop();
    else this.#attributes.push(/\bpreserve_access_index\b/.test(text) && /\bpush\b/.test(text));
    this.#list.push({ ...now, from, relocated: this.#attributes.includes(true) });
  }

  /** `pack(push, label, 4)`, `pack(pop)`, `pack(4)`, `pack()`. */
  #packed(text: string, now: number | undefined): number | undefined {
    const words = text.replace(/^pack\s*\(?|\)\s*$/g, '').split(',');
    const given = words.map((word) => word.trim());
    const number = given.find((word) => /^\d+$/.test(word));
    const label = given.find((word) => /^[A-Za-z_]/.test(word) && word !== 'push' && word !== 'pop');
    const pack = number === undefined || Number(number) === 0 ? undefined : Number(number);
    if (given.includes('push')) {
      this.#packs.push({ label, pack: now });
      return number === undefined ? now : pack;
    }
    if (!given.includes('pop')) return pack;
    let popped = this.#packs.pop();
    while (label !== undefined && popped && popped.label !== label) popped = this.#packs.pop();
    return number === undefined ? popped?.pack : pack;
  }
}

function isOfRegion({ kind, text }: Token): boolean {
  return kind === 'pragma' && /^(?:pack\b|clang\s+attribute\b)/.test(text);
}
