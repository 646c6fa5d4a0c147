import { registerSets } from '../../uapi/index.ts';

/** struct pt_regs of x86-64 in bytes (arch/x86/include/asm/ptrace.h), and which of them hold what. */
export const registerOffsets = registerSets.x86_64.offsets;
export type RegisterName = keyof typeof registerOffsets;

/** Where a function finds its arguments. */
export const argumentRegisters = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const satisfies readonly RegisterName[];

/** Where a system call finds its. */
export const syscallRegisters = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const satisfies readonly RegisterName[];

/** A register as a USDT note spells it, `%rdi`, `%eax`, `%r8d`; its name in pt_regs. */
export function usdtRegister(spelling: string): RegisterName | undefined {
  const name = spelling.replace(/^%/, '');
  const numbered = /^(r(?:8|9|1[0-5]))[dwb]?$/.exec(name)?.[1];
  const classic =
    /^[re]?(ax|bx|cx|dx|si|di|bp|sp|ip)$/.exec(name)?.[1] ?? /^([abcd])[lh]$/.exec(name)?.[1]?.concat('x');
  const index = /^(si|di|bp|sp)l$/.exec(name)?.[1];
  const found = numbered ?? classic ?? index ?? name;
  return Object.hasOwn(registerOffsets, found) ? (found as RegisterName) : undefined;
}
