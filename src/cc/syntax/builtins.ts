import type { Token } from '../preprocess/token.ts';
import { type CType, isScalar, pointerTo, printCType, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { constantBuiltin } from './constant-builtins.ts';
import { coreQuestions, parseCoreQuestion } from './core-questions.ts';
import type { Parsing } from './parsing.ts';
import { isSpecial, parseSpecial } from './special-builtins.ts';

interface Signature {
  readonly takes: string;
  readonly gives: string;
}

/** What BPF's atomics do; it has no nand. */
const atomics = ['add', 'sub', 'or', 'and', 'xor'] as const;
export type AtomicOperation = (typeof atomics)[number];

function atomicOperations(): Record<string, Signature> {
  const forms = atomics.flatMap((op) => [
    [`__sync_fetch_and_${op}`, 'p*'],
    [`__sync_${op}_and_fetch`, 'p*'],
    [`__atomic_fetch_${op}`, 'p*i'],
    [`__atomic_${op}_fetch`, 'p*i'],
  ]);
  return Object.fromEntries(forms.map(([name, takes]) => [name, { takes, gives: '*' } as Signature]));
}

/**
 * Functions that the compiler knows: clang's builtins, and those of BCC's that are no helper calls. The table gives
 * the arguments' types and the result's; a letter is as in helper-prototypes.ts, `*` stands for the type that the
 * first argument points to, `=` for the first argument's own.
 */
const builtins: Readonly<Record<string, Signature>> = {
  __builtin_memcpy: { takes: 'ppq', gives: 'p' },
  __builtin_memmove: { takes: 'ppq', gives: 'p' },
  __builtin_memset: { takes: 'piq', gives: 'p' },
  __builtin_memcmp: { takes: 'ppq', gives: 'i' },
  __builtin_bswap16: { takes: 'h', gives: 'h' },
  __builtin_bswap32: { takes: 'u', gives: 'u' },
  __builtin_bswap64: { takes: 'q', gives: 'q' },
  __builtin_popcount: { takes: 'u', gives: 'i' },
  __builtin_popcountl: { takes: 'q', gives: 'i' },
  __builtin_popcountll: { takes: 'q', gives: 'i' },
  __builtin_ctz: { takes: 'u', gives: 'i' },
  __builtin_ctzl: { takes: 'q', gives: 'i' },
  __builtin_ctzll: { takes: 'q', gives: 'i' },
  __builtin_clz: { takes: 'u', gives: 'i' },
  __builtin_clzl: { takes: 'q', gives: 'i' },
  __builtin_clzll: { takes: 'q', gives: 'i' },
  __builtin_parity: { takes: 'u', gives: 'i' },
  __builtin_parityl: { takes: 'q', gives: 'i' },
  __builtin_parityll: { takes: 'q', gives: 'i' },
  __builtin_ffs: { takes: 'u', gives: 'i' },
  __builtin_ffsl: { takes: 'q', gives: 'i' },
  __builtin_ffsll: { takes: 'q', gives: 'i' },
  __builtin_abs: { takes: 'i', gives: 'i' },
  __builtin_strlen: { takes: 'p', gives: 'q' },
  __builtin_trap: { takes: '', gives: 'v' },
  __builtin_unreachable: { takes: '', gives: 'v' },
  __sync_lock_test_and_set: { takes: 'p*', gives: '*' },
  __sync_val_compare_and_swap: { takes: 'p**', gives: '*' },
  __sync_bool_compare_and_swap: { takes: 'p**', gives: 'i' },
  __atomic_exchange_n: { takes: 'p*i', gives: '*' },
  __atomic_compare_exchange_n: { takes: 'pp*iii', gives: 'i' },
  __atomic_load_n: { takes: 'pi', gives: '*' },
  __atomic_store_n: { takes: 'p*i', gives: 'v' },
  __sync_swap: { takes: 'p*', gives: '*' },
  ...atomicOperations(),
  bpf_usdt_readarg: { takes: 'ipp', gives: 'i' },
  bpf_usdt_readarg_p: { takes: 'ippq', gives: 'i' },
  load_byte: { takes: 'pu', gives: 'q' },
  load_half: { takes: 'pu', gives: 'q' },
  load_word: { takes: 'pu', gives: 'q' },
  __builtin_packet: { takes: '', gives: 'p' },
};

const letters: Readonly<Record<string, CType>> = {
  v: types.void,
  p: pointerTo(types.void),
  h: types.ushort,
  i: types.int,
  u: types.uint,
  q: types.ulong,
};

export function isBuiltin(name: string): boolean {
  return (
    Object.hasOwn(builtins, name) ||
    isSpecial(name) ||
    Object.hasOwn(otherNames, name) ||
    coreQuestions.has(name) ||
    overflowing.test(name)
  );
}

/** The call of a builtin, its name read already. */
export function parseBuiltin(p: Parsing, at: Token): Expression {
  if (at.text === 'strlen') {
    const type = 'unsigned long (const char *)';
    p.diagnostics.warning(at, `implicitly declaring library function 'strlen' with type '${type}'`);
  }
  if (Object.hasOwn(otherNames, at.text)) return parseBuiltin(p, { ...at, text: otherNames[at.text] as string });
  p.expect('(');
  if (isSpecial(at.text)) return parseSpecial(p, at);
  if (coreQuestions.has(at.text)) return parseCoreQuestion(p, at);
  const overflow = overflowing.exec(at.text);
  if (overflow) return parseOverflow(p, at, overflow);
  const { takes, gives } = builtins[at.text] as { takes: string; gives: string };
  const args = p.calls.counted(takes.length, takes.length);
  if (!args) return p.typing.number(at, 0n);
  const first = args[0]?.type;
  const target = first?.kind === 'pointer' ? first.target : types.int;
  if (/\*/.test(takes + gives)) {
    if (first?.kind !== 'pointer' || !isScalar(target)) {
      p.diagnostics.error(at, `'${at.text}' wants a pointer to an integer`);
      return p.typing.number(at, 0n);
    }
    if (takes.includes('*') && target.kind === 'int' && target.size < 4) {
      p.diagnostics.error(at, `BPF's atomics are 4 or 8 bytes wide, not ${target.size}`);
    }
  }
  const cast = args.map((arg, i) => {
    const letter = takes[i] as string;
    if (letter === 'p') return arg;
    return p.typing.cast(arg, letter === '*' ? target : (letters[letter] as CType));
  });
  const type = gives === '*' ? target : (letters[gives] as CType);
  const [only] = cast;
  const known = only?.kind === 'number' ? constantBuiltin(at.text, only.value) : undefined;
  if (known !== undefined) return p.typing.number(at, known, type);
  return { kind: 'builtin', type, at, name: at.text, args: cast };
}

/** Builtins that are others by another name. */
const otherNames: Readonly<Record<string, string>> = {
  strlen: '__builtin_strlen',
  __builtin_bcmp: '__builtin_memcmp',
  __builtin_memcpy_inline: '__builtin_memcpy',
  __builtin_memset_inline: '__builtin_memset',
  __builtin_dynamic_object_size: '__builtin_object_size',
};

/** `__builtin_mul_overflow` of any integers, and the forms of one type: `__builtin_uaddl_overflow`. */
const overflowing = /^__builtin_([us]?)(add|sub|mul)(l?l?)_overflow$/;

function parseOverflow(p: Parsing, at: Token, [, sign = '', op = '', size = '']: RegExpExecArray): Expression {
  const args = p.calls.argumentList();
  const [left, right, to] = args;
  const target = to?.type.kind === 'pointer' ? to.type.target : undefined;
  if (!left || !right || !to || args.length > 3 || left.type.kind !== 'int' || right.type.kind !== 'int') {
    p.diagnostics.error(at, `'${at.text}' takes two integers and where to put the result`);
    return p.typing.number(at, 0n);
  }
  if (target?.kind !== 'int' || target.bool || target.size > 8) {
    p.diagnostics.error(to.at, `the result goes to an integer of up to 64 bits, not to '${printCType(to.type)}'`);
    return p.typing.number(at, 0n);
  }
  const type = sign === '' ? undefined : size === '' ? types.int : types.long;
  const own = type && (sign === 'u' ? (size === '' ? types.uint : types.ulong) : type);
  const operands = own ? [p.typing.cast(left, own), p.typing.cast(right, own)] : [left, right];
  return { kind: 'builtin', type: types.bool, at, name: `overflow:${op}`, args: [...operands, to] };
}
