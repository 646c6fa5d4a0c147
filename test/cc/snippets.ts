import { readdirSync, readFileSync } from 'node:fs';

/**
 * C snippets by feature, each with the value that it gives: the body of `u64 run(u64 *in)` behind a comment with its
 * name and result, or a text that has this function itself. `in` points to eight words.
 */
export interface Snippet {
  readonly feature: string;
  readonly name: string;
  /** Undefined in one that was not recorded yet. */
  readonly expected: bigint | undefined;
  readonly body: string;
}

export const input = [1n, 2n, 3n, 0xffffffffffffffffn, 0x80n, 0xffffffffn, 0x123456789abcdef0n, 100n];

const folder = new URL('corpus/', import.meta.url);

export function snippets(from: URL = folder): Snippet[] {
  return readdirSync(from)
    .filter((file) => file.endsWith('.c'))
    .sort()
    .flatMap((file) => {
      const parts = readFileSync(new URL(file, from), 'utf8').split(/^\/\* (\w+)(?:: (\d+))? \*\//m);
      const found: Snippet[] = [];
      for (let i = 1; i < parts.length; i += 3) {
        const [name = '', value, body = ''] = parts.slice(i, i + 3);
        found.push({
          feature: file.slice(0, -2),
          name,
          expected: value === undefined ? undefined : BigInt(value),
          body,
        });
      }
      return found;
    });
}

/** The whole text of a snippet. */
export function snippetText({ body }: Snippet, from: URL = folder): string {
  const whole = /^u64 run\(/m.test(body) ? body : `u64 run(u64 *in) {\n${body}\n}\n`;
  return readFileSync(new URL('shared.h', from), 'utf8') + whole;
}
