import { expect, test } from 'vitest';
import { Diagnostics } from '../../src/cc/diagnostics.ts';
import { tokenize } from '../../src/cc/preprocess/lexer.ts';

/** `kind text line`, with a dot behind it where white space stands before the token. */
function tokens(text: string): string[] {
  const diagnostics = new Diagnostics();
  const list = tokenize({ name: 't.c', text }, diagnostics);
  const said = diagnostics.list.map(({ message }) => message);
  return [...list.map((one) => `${one.kind} ${one.text} ${one.line}${one.space ? '.' : ''}`), ...said];
}

test.each<[string, string, string[]]>([
  [
    'the longest punctuator counts',
    'a+++b<<=c...',
    ['name a 1', 'punctuator ++ 1', 'punctuator + 1', 'name b 1', 'punctuator <<= 1', 'name c 1', 'punctuator ... 1'],
  ],
  ['two dots are two', '..x', ['punctuator . 1', 'punctuator . 1', 'name x 1']],
  [
    'numbers with signs, dots and letters',
    '.5e-3 0x1p+2u 1.2.x',
    ['number .5e-3 1', 'number 0x1p+2u 1.', 'number 1.2.x 1.'],
  ],
  ['a name goes on over the end of a line', 'ab\\\ncd ef\\\r\ng', ['name abcd 1', 'name efg 2.']],
  ['a joint before a blank ends a name', 'ab\\\n cd', ['name ab 1', 'name cd 2.']],
  ['a comment goes on over the end of a line', 'a // b \\\n c\nd', ['name a 1', 'name d 3.']],
  ['lines in comments count', 'a /* \n\n */ b', ['name a 1', 'name b 3.']],
  ['prefixes of literals', `u8"x" L'a' u8 u"y"`, ['string u8"x" 1', "char L'a' 1.", 'name u8 1.', 'string u"y" 1.']],
  ['lines in strings count', '"a\\\nb" c', ['string "a\\\nb" 1', 'name c 2.']],
  ['what begins nothing', 'a ` b', ['name a 1', 'name b 1.', "stray '`'"]],
  [
    'a string without its end',
    'u"ab\nc',
    ['name u 1', 'name ab 1', 'name c 2.', 'a string that does not end on its line'],
  ],
  ['a comment without its end', 'a /* b', ['name a 1', 'a comment that does not end']],
])('%s', (_name, text, expected) => {
  const lines = text.split('\n').length;
  const found = tokens(text);
  const end = found.findIndex((one) => one.startsWith('end '));
  expect(found[end]).toMatch(new RegExp(`^end {2}${lines}`));
  expect(found.toSpliced(end, 1)).toEqual(expected);
});
