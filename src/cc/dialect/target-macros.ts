/**
 * What clang defines for BPF before any text (clang 14, -target bpf -std=gnu11 -dM -E): the target's LP64 types, their
 * widths, and the compiler's own name. Floating point and OpenCL are left out.
 */
const types: Readonly<Record<string, string>> = {
  INT8: 'signed char',
  INT16: 'short',
  INT32: 'int',
  INT64: 'long int',
  UINT8: 'unsigned char',
  UINT16: 'unsigned short',
  UINT32: 'unsigned int',
  UINT64: 'long unsigned int',
};

/** Names of types by what they stand for, with how much their constants' suffix is. */
const others: readonly (readonly [name: string, type: string, suffix: string])[] = [
  ['INTMAX', 'INT64', 'L'],
  ['INTPTR', 'INT64', 'L'],
  ['PTRDIFF', 'INT64', 'L'],
  ['UINTMAX', 'UINT64', 'UL'],
  ['UINTPTR', 'UINT64', 'UL'],
  ['SIZE', 'UINT64', 'UL'],
  ['WCHAR', 'INT32', ''],
  ['WINT', 'INT32', ''],
];

const suffixes: Readonly<Record<string, string>> = { INT64: 'L', UINT32: 'U', UINT64: 'UL' };

function mostOf(name: string): string {
  const [, unsigned, bits] = /^(U?)INT(\d+)$/.exec(name) as unknown as [string, string, string];
  const most = (1n << (BigInt(bits) - (unsigned === '' ? 1n : 0n))) - 1n;
  return `${most}${suffixes[name] ?? ''}`;
}

function integerMacros(): Record<string, string> {
  const macros: Record<string, string> = {};
  for (const [name, type] of Object.entries(types)) {
    macros[`__${name}_TYPE__`] = type;
    macros[`__${name}_MAX__`] = mostOf(name);
    macros[`__${name}_C_SUFFIX__`] = suffixes[name] ?? '';
    for (const kind of ['LEAST', 'FAST']) {
      const wide = name.replace('INT', `INT_${kind}`);
      macros[`__${wide}_TYPE__`] = type;
      macros[`__${wide}_MAX__`] = mostOf(name);
    }
  }
  for (const [name, type, suffix] of others) {
    macros[`__${name}_TYPE__`] = types[type] as string;
    macros[`__${name}_MAX__`] = mostOf(type);
    macros[`__${name}_WIDTH__`] = type.replace(/\D+/, '');
    if (name.endsWith('MAX')) macros[`__${name}_C_SUFFIX__`] = suffix;
  }
  return macros;
}

export const targetMacros: Readonly<Record<string, string>> = {
  ...integerMacros(),
  __BPF__: '1',
  __bpf__: '1',
  __STDC__: '1',
  __STDC_VERSION__: '201112L',
  __STDC_HOSTED__: '1',
  __STDC_UTF_16__: '1',
  __STDC_UTF_32__: '1',
  __GNUC__: '4',
  __GNUC_MINOR__: '2',
  __GNUC_PATCHLEVEL__: '1',
  __GNUC_STDC_INLINE__: '1',
  __VERSION__: '"Clang 14.0.6"',
  __clang__: '1',
  __clang_major__: '14',
  __clang_minor__: '0',
  __clang_patchlevel__: '6',
  __clang_version__: '"14.0.6 "',
  __llvm__: '1',
  __OPTIMIZE__: '1',
  _LP64: '1',
  __LP64__: '1',
  __BOOL_WIDTH__: '8',
  __CHAR_BIT__: '8',
  __CHAR16_TYPE__: 'unsigned short',
  __CHAR32_TYPE__: 'unsigned int',
  __SCHAR_MAX__: '127',
  __SHRT_MAX__: '32767',
  __SHRT_WIDTH__: '16',
  __INT_MAX__: '2147483647',
  __INT_WIDTH__: '32',
  __LONG_MAX__: '9223372036854775807L',
  __LONG_WIDTH__: '64',
  __LONG_LONG_MAX__: '9223372036854775807LL',
  __LLONG_WIDTH__: '64',
  __POINTER_WIDTH__: '64',
  __SIZEOF_SHORT__: '2',
  __SIZEOF_INT__: '4',
  __SIZEOF_LONG__: '8',
  __SIZEOF_LONG_LONG__: '8',
  __SIZEOF_INT128__: '16',
  __SIZEOF_POINTER__: '8',
  __SIZEOF_PTRDIFF_T__: '8',
  __SIZEOF_SIZE_T__: '8',
  __SIZEOF_WCHAR_T__: '4',
  __SIZEOF_WINT_T__: '4',
  __BIGGEST_ALIGNMENT__: '8',
  __BYTE_ORDER__: '__ORDER_LITTLE_ENDIAN__',
  __ORDER_LITTLE_ENDIAN__: '1234',
  __ORDER_BIG_ENDIAN__: '4321',
  __ORDER_PDP_ENDIAN__: '3412',
  __LITTLE_ENDIAN__: '1',
  __USER_LABEL_PREFIX__: '',
  __ATOMIC_RELAXED: '0',
  __ATOMIC_CONSUME: '1',
  __ATOMIC_ACQUIRE: '2',
  __ATOMIC_RELEASE: '3',
  __ATOMIC_ACQ_REL: '4',
  __ATOMIC_SEQ_CST: '5',
  // The same text gives the same object at any time: the epoch's beginning, as SOURCE_DATE_EPOCH=0 has it.
  __DATE__: '"Jan  1 1970"',
  __TIME__: '"00:00:00"',
  __TIMESTAMP__: '"Thu Jan  1 00:00:00 1970"',
};
