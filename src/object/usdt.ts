/**
 * Where the arguments of a USDT probe lie, as its note says it (SystemTap's sys/sdt.h, x86-64 with AT&T operands):
 *
 *   arguments = argument { ' ' argument }
 *   argument  = [ size '@' ] operand            size: 1, 2, 4, 8 bytes; negative when signed; -4 or 8 by the operand
 *   operand   = '%' register | '$' number | [ displacement ] '(' '%' base [ ',' '%' index [ ',' scale ] ] ')'
 */
import { InputError } from '../base/index.ts';

export type UsdtOperand =
  | { readonly kind: 'register'; readonly register: UsdtRegister; readonly shift: number }
  | { readonly kind: 'constant'; readonly value: bigint }
  | {
      readonly kind: 'memory';
      readonly base: UsdtRegister;
      readonly displacement: number;
      readonly index?: UsdtRegister;
      readonly scale: number;
    };

export interface UsdtArgument {
  /** bytes */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly operand: UsdtOperand;
  /** As it is written. */
  readonly text: string;
}

/** The registers by their names in struct pt_regs, with the names that an operand may give them, widest first. */
const registerNames = {
  ax: ['rax', 'eax', 'ax', 'al'],
  bx: ['rbx', 'ebx', 'bx', 'bl'],
  cx: ['rcx', 'ecx', 'cx', 'cl'],
  dx: ['rdx', 'edx', 'dx', 'dl'],
  si: ['rsi', 'esi', 'si', 'sil'],
  di: ['rdi', 'edi', 'di', 'dil'],
  bp: ['rbp', 'ebp', 'bp', 'bpl'],
  sp: ['rsp', 'esp', 'sp', 'spl'],
  r8: ['r8', 'r8d', 'r8w', 'r8b'],
  r9: ['r9', 'r9d', 'r9w', 'r9b'],
  r10: ['r10', 'r10d', 'r10w', 'r10b'],
  r11: ['r11', 'r11d', 'r11w', 'r11b'],
  r12: ['r12', 'r12d', 'r12w', 'r12b'],
  r13: ['r13', 'r13d', 'r13w', 'r13b'],
  r14: ['r14', 'r14d', 'r14w', 'r14b'],
  r15: ['r15', 'r15d', 'r15w', 'r15b'],
} as const;

export type UsdtRegister = keyof typeof registerNames;

const highBytes: Readonly<Record<string, UsdtRegister>> = { ah: 'ax', bh: 'bx', ch: 'cx', dh: 'dx' };
const byName = new Map<string, UsdtRegister>(
  Object.entries(registerNames).flatMap(([register, names]) =>
    names.map((name) => [name, register as UsdtRegister] as const),
  ),
);

const argumentForm = /^(?:(-?[1248])@)?(.+)$/;
const memoryForm = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)(?:,%(\w+)(?:,([1248]))?)?\)$/;
const constantForm = /^\$(-?(?:0x[0-9a-f]+|\d+))$/;

/** @throws InputError for an argument of no such form */
export function parseUsdtArguments(text: string): readonly UsdtArgument[] {
  return text.trim() === '' ? [] : text.trim().split(/\s+/).map(parseArgument);
}

function parseArgument(text: string): UsdtArgument {
  const [, sizeText, operandText = ''] = argumentForm.exec(text) ?? [];
  const operand = parseOperand(operandText);
  if (!operand) {
    throw new InputError(`'${text}' is no argument of a USDT probe`, {
      expected: 'size@operand: 4@%edi, -8@-16(%rbp), 8@$5, 8@(%rax,%rcx,8)',
    });
  }
  const size = sizeText === undefined ? 8 : Number(sizeText);
  return { size: Math.abs(size) as UsdtArgument['size'], signed: size < 0, operand, text };
}

function parseOperand(text: string): UsdtOperand | undefined {
  if (text.startsWith('%')) {
    const name = text.slice(1);
    const high = highBytes[name];
    if (high) return { kind: 'register', register: high, shift: 8 };
    const register = byName.get(name);
    return register && { kind: 'register', register, shift: 0 };
  }
  const constant = constantForm.exec(text)?.[1];
  if (constant !== undefined) {
    const negative = constant.startsWith('-');
    const value = BigInt(negative ? constant.slice(1) : constant);
    return { kind: 'constant', value: negative ? -value : value };
  }
  const memory = memoryForm.exec(text);
  const base = memory && byName.get(memory[2] as string);
  if (!memory || !base) return undefined;
  const place = { kind: 'memory', base, displacement: Number(memory[1] ?? 0), scale: Number(memory[4] ?? 1) } as const;
  if (memory[3] === undefined) return place;
  const index = byName.get(memory[3]);
  return index && { ...place, index };
}
