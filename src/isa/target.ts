import type { Cursor } from './cursor.ts';
import type { Statement } from './statement.ts';

/** Where a jump or a call goes: a distance in slots, or a name that is resolved when all labels are known. */

/** target = [ "pc" ] number | name, [ "<" name [ "+" number ] ">" ] */
export function parseTarget(cursor: Cursor, make: (offset: number) => Statement['body']): Statement {
  const token = cursor.peek();
  if (token.text !== 'pc' && token.kind === 'name' && !cursor.atRegister) {
    cursor.next();
    return { body: make(0), label: token };
  }
  cursor.accept('pc');
  if (!cursor.atNumber) return cursor.unexpected('a label, or a distance such as +3');
  const offset = Number(cursor.number(-0x8000_0000n, 0x7fff_ffffn, 'a distance of 32 bits'));
  const body = make(offset);
  const long = body.kind === 'goto' && body.long;
  if (!long && body.kind !== 'call' && offset !== (offset << 16) >> 16) {
    cursor.fail(token, `a distance of ${offset} does not fit 16 bits`, { hint: 'gotol reaches further' });
  }
  skipPlaceName(cursor);
  return { body };
}

/** llvm-objdump names the place behind a distance: `<LBB0_2>`, `<entry+0x18>`. */
export function skipPlaceName(cursor: Cursor): void {
  if (!cursor.accept('<')) return;
  while (!cursor.atEnd && cursor.peek().text !== '>') cursor.next();
  cursor.expect('>');
}
