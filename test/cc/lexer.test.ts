import { expect, test } from 'vitest';
import { Diagnostics } from '../../src/cc/diagnostics.ts';
import { tokenize } from '../../src/cc/preprocess/lexer.ts';

/** `kind text line`, with a dot behind it where white space stands before the token. */
function tokens(text: string): string[] {
  const diagnostics = new Diagnostics();
  const { all, faults } = tokenize({ name: 't.c', text }, diagnostics);
  const said = [...diagnostics.list, ...faults.values()].map(({ message }) => message);
  return [...all.map((one) => `${one.kind} ${one.text} ${one.line}${one.space ? '.' : ''}`), ...said];
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
  [
    'a punctuator goes on over the end of a line',
    'a -\\\n> b <\\\n<\\\r\n= c',
    ['name a 1', 'punctuator -> 1.', 'name b 2.', 'punctuator <<= 2.', 'name c 4.'],
  ],
  ['blanks may stand behind the backslash', 'a + \\  \n b', ['name a 1', 'punctuator + 1.', 'name b 2.']],
  ['a comment may be joined of two lines', 'a /\\\n* b *\\\n/ c', ['name a 1', 'name c 3.']],
  ['a byte order mark is passed over', '\ufeffa', ['name a 1']],
  [
    'what is not UTF-8',
    'a \ufffd "\ufffd"',
    [
      'name a 1',
      'stray \ufffd 1.',
      'string "\ufffd" 1.',
      'source file is not valid UTF-8',
      'illegal character encoding in string literal',
    ],
  ],
  [
    'null characters',
    'a\0 "\0"',
    [
      'name a 1',
      'stray \0 1',
      'string "\0" 1.',
      'null character ignored',
      'null character(s) preserved in string literal',
    ],
  ],
  [
    'a character that C does not know',
    'a \u{1f41d}',
    ['name a 1', 'stray \u{1f41d} 1.', 'unexpected character <U+1F41D>'],
  ],
  ['lines in comments count', 'a /* \n\n */ b', ['name a 1', 'name b 3.']],
  ['prefixes of literals', `u8"x" L'a' u8 u"y"`, ['string u8"x" 1', "char L'a' 1.", 'name u8 1.', 'string u"y" 1.']],
  ['lines in strings count', '"a\\\nb" c', ['string "ab" 1', 'name c 2.']],
  ['what begins nothing', 'a ` b', ['name a 1', 'stray ` 1.', 'name b 1.', "stray '`' in program"]],
  [
    'a string without its end',
    'u"ab\nc',
    ['name u 1', 'string "ab" 1', 'name c 2.', `missing terminating '"' character`],
  ],
  ['a comment without its end', 'a /* b', ['name a 1', 'unterminated /* comment']],
])('%s', (_name, text, expected) => {
  const lines = text.split('\n').length;
  const found = tokens(text);
  const end = found.findIndex((one) => one.startsWith('end '));
  expect(found[end]).toMatch(new RegExp(`^end {2}${lines}`));
  expect(found.toSpliced(end, 1)).toEqual(expected);
});
