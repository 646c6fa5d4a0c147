import { type CType, types } from '../types/types.ts';

/** The words that declarations are made of (C11 6.7.1 to 6.7.3), with GNU's other spellings. */
export const qualifiers = new Set([
  'const',
  'volatile',
  'restrict',
  '__restrict',
  '__restrict__',
  '__const',
  '__volatile__',
  '__volatile',
  '_Atomic',
  '__extension__',
]);
export const storage = new Set([
  'typedef',
  'static',
  'extern',
  'register',
  'auto',
  '_Thread_local',
  'inline',
  '__inline',
  '__inline__',
  '_Noreturn',
]);
/** Of these a declaration has one. */
export const exclusive: readonly string[] = ['typedef', 'static', 'extern', 'register', 'auto'];
export const floating: ReadonlySet<string> = new Set(['float', 'double']);
export const complex: ReadonlySet<string> = new Set(['_Complex', '__complex__']);
export const basic = new Set([
  'void',
  'char',
  'short',
  'int',
  'long',
  'signed',
  'unsigned',
  '_Bool',
  '__int128',
  '__signed__',
  '__signed',
  '_Complex',
  '__complex__',
  'float',
  'double',
]);
export const starters = new Set([
  '__auto_type',
  ...qualifiers,
  ...storage,
  ...basic,
  'struct',
  'union',
  'enum',
  'typeof',
  '__typeof__',
  '__typeof',
  '__attribute__',
  '_Alignas',
]);

/** What can be no name (C11 6.4.1), with GNU's words. */
export const keywords: ReadonlySet<string> = new Set([
  ...starters,
  ...'if else for while do switch case default return break continue goto sizeof asm __asm__ __asm _Alignof __alignof'.split(
    ' ',
  ),
  ...'__alignof__ _Generic _Static_assert __label__ __builtin_va_arg __builtin_offsetof'.split(' '),
]);

/** The basic types by their words, sorted. */
export const spelled: Readonly<Record<string, CType>> = {
  void: types.void,
  _Bool: types.bool,
  char: types.char,
  'char signed': types.schar,
  'char unsigned': types.uchar,
  short: types.short,
  'int short': types.short,
  'short signed': types.short,
  'int short signed': types.short,
  'short unsigned': types.ushort,
  'int short unsigned': types.ushort,
  int: types.int,
  signed: types.int,
  'int signed': types.int,
  unsigned: types.uint,
  'int unsigned': types.uint,
  long: types.long,
  'int long': types.long,
  'long signed': types.long,
  'int long signed': types.long,
  'long unsigned': types.ulong,
  'int long unsigned': types.ulong,
  'long long': types.llong,
  'int long long': types.llong,
  'long long signed': types.llong,
  'int long long signed': types.llong,
  'long long unsigned': types.ullong,
  'int long long unsigned': types.ullong,
  __int128: types.int128,
  '__int128 signed': types.int128,
  '__int128 unsigned': types.uint128,
};
