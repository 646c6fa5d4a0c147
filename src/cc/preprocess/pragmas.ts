/** Pragmas by who acts on them: `once` and those of macros are the preprocessor's. */

/** What the parser is to see: how loops are unrolled, structs are laid out, and what attributes a part of the text has. */
export function isForParser(first: string | undefined, second: string | undefined): boolean {
  if (first === 'clang') return second === 'loop' || second === 'attribute';
  if (first === 'GCC') return second === 'unroll';
  return first === 'unroll' || first === 'nounroll' || first === 'pack';
}
