/**
 * struct pt_regs by architecture: what a kprobe program's context holds (bpf_user_pt_regs_t). Offsets in bytes; every
 * register is 8 bytes. Parameters and results by the C calling convention, and of system calls by theirs
 * (arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h).
 */
export interface RegisterSet {
  /** bytes of struct pt_regs */
  readonly size: number;
  /** bytes of bpf_user_pt_regs_t, which is all that a program may read */
  readonly userSize: number;
  readonly offsets: Readonly<Record<string, number>>;
  /** Registers of a function's parameters, first to last. */
  readonly parameters: readonly string[];
  /** Registers of a system call's parameters. */
  readonly syscallParameters: readonly string[];
  readonly result: string;
  readonly instructionPointer: string;
  readonly stackPointer: string;
  readonly framePointer: string;
  /** Where the return address is at a function's entry: at the stack pointer, or in a register. */
  readonly returnAddress: 'stack' | string;
}

const x86Offsets = {
  r15: 0,
  r14: 8,
  r13: 16,
  r12: 24,
  bp: 32,
  bx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  ax: 80,
  cx: 88,
  dx: 96,
  si: 104,
  di: 112,
  orig_ax: 120,
  ip: 128,
  cs: 136,
  flags: 144,
  sp: 152,
  ss: 160,
} as const;

const armGeneral = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`regs[${i}]`, i * 8]));

export const registerSets = {
  x86_64: {
    size: 168,
    userSize: 168,
    offsets: x86Offsets,
    parameters: ['di', 'si', 'dx', 'cx', 'r8', 'r9'],
    syscallParameters: ['di', 'si', 'dx', 'r10', 'r8', 'r9'],
    result: 'ax',
    instructionPointer: 'ip',
    stackPointer: 'sp',
    framePointer: 'bp',
    returnAddress: 'stack',
  },
  arm64: {
    size: 336,
    userSize: 272,
    offsets: { ...armGeneral, sp: 248, pc: 256, pstate: 264, orig_x0: 272, syscallno: 280 },
    parameters: ['regs[0]', 'regs[1]', 'regs[2]', 'regs[3]', 'regs[4]', 'regs[5]', 'regs[6]', 'regs[7]'],
    syscallParameters: ['regs[0]', 'regs[1]', 'regs[2]', 'regs[3]', 'regs[4]', 'regs[5]'],
    result: 'regs[0]',
    instructionPointer: 'pc',
    stackPointer: 'sp',
    framePointer: 'regs[29]',
    returnAddress: 'regs[30]',
  },
} as const satisfies Record<string, RegisterSet>;
