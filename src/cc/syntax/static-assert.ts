import type { Parsing } from './parsing.ts';

/** What is to hold when the text is compiled (C11 6.7.10). */

/** '_Static_assert' '(' constant (',' string)? ')' ';', when one stands here. */
export function parseStaticAssert(p: Parsing): boolean {
  if (!p.is('_Static_assert') && !p.is('static_assert')) return false;
  const at = p.next();
  const open = p.expect('(', `after '${at.text}'`);
  const holds = p.constant('what is asserted') !== 0n;
  const message = p.accept(',') && p.token.kind === 'string' ? `: ${p.next().text.slice(1, -1)}` : '';
  p.close(')', open);
  p.semicolon(`after '${at.text}'`);
  if (!holds) p.diagnostics.error(at, `static assertion failed${message}`);
  return true;
}
