import { InputError } from '../base/index.ts';
import type { TracepointFormat } from './profile.ts';
import { readFormat } from './tracepoint.ts';

/**
 * Many tracepoint formats in one text: the format files of tracefs one after another, each name with its category, and
 * in front the values of names that the kernel leaves as names in its format lines. The text is indexed at once and a
 * format read when it is asked for.
 *
 *   constants:
 *   TCP_ESTABLISHED=1
 *
 *   name: skb:kfree_skb
 *   ID: 2310
 *   …
 */
export class TracepointFile {
  readonly constants: Readonly<Record<string, number>>;
  readonly #text: string;
  readonly #file: string | undefined;
  readonly #places = new Map<string, readonly [start: number, end: number]>();
  readonly #formats = new Map<string, TracepointFormat>();

  /** @throws InputError when the text does not begin with its constants */
  constructor(text: string, file?: string) {
    this.#text = text;
    this.#file = file;
    let start = text.startsWith('name: ') ? 0 : text.indexOf('\nname: ') + 1;
    if (!text.startsWith('constants:'))
      throw new InputError('not a file of tracepoint formats', {
        at: file === undefined ? { line: 1 } : { file, line: 1 },
        expected: 'constants:',
      });
    this.constants = readConstants(text.slice(0, start === 0 ? text.length : start));
    while (start > 0 && start < text.length) {
      const next = text.indexOf('\nname: ', start);
      const end = next < 0 ? text.length : next + 1;
      this.#places.set(text.slice(start + 6, text.indexOf('\n', start)), [start, end]);
      start = end;
    }
  }

  names(): Iterable<string> {
    return this.#places.keys();
  }

  get(name: string): TracepointFormat | undefined {
    const known = this.#formats.get(name);
    if (known) return known;
    const place = this.#places.get(name);
    if (!place) return undefined;
    const format = readFormat(this.#text.slice(...place), name.split(':')[0] as string, this.constants, this.#file);
    this.#formats.set(name, format);
    return format;
  }
}

function readConstants(text: string): Record<string, number> {
  const constants: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^(\w+)=(-?\d+)$/.exec(line);
    if (match) constants[match[1] as string] = Number(match[2]);
  }
  return constants;
}
