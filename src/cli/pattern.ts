import { isPattern, matcher } from '../client/index.ts';

/**
 * Which names of what can be attached to a text means: a pattern as programs attach by (`tcp_*`, `/^tcp_/`), or else
 * any part of a name. A wildcard without a colon may also match a tracepoint by what stands behind its category.
 * @throws UsageError for a regular expression that is none
 */
export function nameMatcher(text: string): (name: string) => boolean {
  if (!isPattern(text)) return (name) => name.includes(text);
  const matches = matcher(text);
  if (text.includes(':') || text.startsWith('/')) return matches;
  return (name) => matches(name) || matches(name.slice(name.indexOf(':') + 1));
}
