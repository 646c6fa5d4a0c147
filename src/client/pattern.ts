import { UsageError } from '../base/index.ts';

/**
 * Names by pattern: `tcp_*` and `tcp_v?_rcv` as a shell's wildcards, `/^tcp_v[46]_/` as a regular expression. A name
 * without any of these is itself.
 */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text) || (text.length > 2 && text.startsWith('/') && text.endsWith('/'));
}

/** A test for whole names. @throws UsageError for a regular expression that is none */
export function matcher(pattern: string): (name: string) => boolean {
  const form = pattern.startsWith('/') ? regular(pattern) : wildcards(pattern);
  return (name) => form.test(name);
}

function regular(pattern: string): RegExp {
  try {
    return new RegExp(pattern.slice(1, -1));
  } catch (cause) {
    throw new UsageError(`not a regular expression: ${pattern}`, { cause, hint: (cause as Error).message });
  }
}

function wildcards(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
