/**
 * The one opcode table: RFC 9669 (ISA v1–v4) and what Linux adds to it (may_goto, load_acquire and store_release,
 * addr_space_cast; include/uapi/linux/bpf.h, Documentation/bpf/standardization). Encoder, decoder, assembler,
 * disassembler and the engines take their codes, symbols and names from here; nothing of it is listed twice.
 *
 *   byte 0             byte 1          bytes 2–3      bytes 4–7
 *   +----------------+ +-------+-----+ +------------+ +-----------+
 *   | opcode         | | src   | dst | | offset s16 | | imm s32   |   little-endian; ld_imm64 has a second slot
 *   +----------------+ +-------+-----+ +------------+ +-----------+
 *
 *   opcode, arithmetic and jumps   | operation: 4 | source: 1 | class: 3 |
 *   opcode, loads and stores       | mode: 3 | size: 2        | class: 3 |
 */
export const classes = {
  ld: 0x00,
  ldx: 0x01,
  st: 0x02,
  stx: 0x03,
  alu32: 0x04,
  jmp: 0x05,
  jmp32: 0x06,
  alu64: 0x07,
} as const;
export type OpcodeClass = keyof typeof classes;

/** Bit 3 of arithmetic and jumps: the source is a register (BPF_X), not the immediate (BPF_K). */
export const sourceRegister = 0x08;

/** Mode bits of loads and stores. */
export const modes = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;

/** Size bits of loads and stores, by bytes. */
export const sizeCodes = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 } as const;
/** Bytes of a load or store. */
export type Size = keyof typeof sizeCodes;

interface AluRow {
  readonly code: number;
  /** The offset field: 1 makes division and modulo signed. */
  readonly offset: 0 | 1;
  /** As clang and the verifier log write it. */
  readonly symbol: string;
  /** As the classic syntax names it. */
  readonly mnemonic: string;
}

export const aluOperations = {
  add: { code: 0x00, offset: 0, symbol: '+=', mnemonic: 'add' },
  sub: { code: 0x10, offset: 0, symbol: '-=', mnemonic: 'sub' },
  mul: { code: 0x20, offset: 0, symbol: '*=', mnemonic: 'mul' },
  div: { code: 0x30, offset: 0, symbol: '/=', mnemonic: 'div' },
  sdiv: { code: 0x30, offset: 1, symbol: 's/=', mnemonic: 'sdiv' },
  or: { code: 0x40, offset: 0, symbol: '|=', mnemonic: 'or' },
  and: { code: 0x50, offset: 0, symbol: '&=', mnemonic: 'and' },
  lsh: { code: 0x60, offset: 0, symbol: '<<=', mnemonic: 'lsh' },
  rsh: { code: 0x70, offset: 0, symbol: '>>=', mnemonic: 'rsh' },
  mod: { code: 0x90, offset: 0, symbol: '%=', mnemonic: 'mod' },
  smod: { code: 0x90, offset: 1, symbol: 's%=', mnemonic: 'smod' },
  xor: { code: 0xa0, offset: 0, symbol: '^=', mnemonic: 'xor' },
  mov: { code: 0xb0, offset: 0, symbol: '=', mnemonic: 'mov' },
  arsh: { code: 0xc0, offset: 0, symbol: 's>>=', mnemonic: 'arsh' },
} as const satisfies Record<string, AluRow>;
export type AluOperation = keyof typeof aluOperations;

/** Arithmetic codes that are not of the form `dst op= src`. */
export const aluCodes = { neg: 0x80, mov: 0xb0, end: 0xd0 } as const;

/** The offset field of a sign-extending move (BPF_MOVSX): bits that are kept. */
export const extendBits = { alu32: [8, 16], alu64: [8, 16, 32] } as const;
export type ExtendBits = (typeof extendBits.alu64)[number];

/** The offset field of a move that casts between address spaces (BPF_ADDR_SPACE_CAST). */
export const addressSpaceCast = 1;

/** Byte-order operations: class and source bit choose the kind, the immediate the width in bits. */
export const endianOperations = {
  le: { class: 'alu32', source: 0 },
  be: { class: 'alu32', source: sourceRegister },
  bswap: { class: 'alu64', source: 0 },
} as const satisfies Record<string, { class: OpcodeClass; source: number }>;
export type EndianOperation = keyof typeof endianOperations;
export const endianBits = [16, 32, 64] as const;
export type EndianBits = (typeof endianBits)[number];

interface JumpRow {
  readonly code: number;
  readonly symbol: string;
  readonly mnemonic: string;
}

export const jumpOperations = {
  eq: { code: 0x10, symbol: '==', mnemonic: 'jeq' },
  gt: { code: 0x20, symbol: '>', mnemonic: 'jgt' },
  ge: { code: 0x30, symbol: '>=', mnemonic: 'jge' },
  set: { code: 0x40, symbol: '&', mnemonic: 'jset' },
  ne: { code: 0x50, symbol: '!=', mnemonic: 'jne' },
  sgt: { code: 0x60, symbol: 's>', mnemonic: 'jsgt' },
  sge: { code: 0x70, symbol: 's>=', mnemonic: 'jsge' },
  lt: { code: 0xa0, symbol: '<', mnemonic: 'jlt' },
  le: { code: 0xb0, symbol: '<=', mnemonic: 'jle' },
  slt: { code: 0xc0, symbol: 's<', mnemonic: 'jslt' },
  sle: { code: 0xd0, symbol: 's<=', mnemonic: 'jsle' },
} as const satisfies Record<string, JumpRow>;
export type JumpOperation = keyof typeof jumpOperations;

/** Jump codes without a condition on registers: whole opcodes. gotol has its distance in the immediate. */
export const jumpCodes = {
  goto: 0x05,
  gotol: 0x06,
  call: 0x85,
  callx: 0x8d,
  exit: 0x95,
  mayGoto: 0xe5,
} as const;

/** The source field of a call. */
export const callTargets = { helper: 0, local: 1, kfunc: 2 } as const;
export type CallTarget = keyof typeof callTargets;

interface AtomicRow {
  /** The immediate. */
  readonly imm: number;
  /** The old value is written back: to the source register, or to r0 by cmpxchg. */
  readonly fetch: boolean;
  /** Without fetch: the operator of `lock *(u64 *)(r1 + 0) += r2`. With fetch: the name of the function form. */
  readonly symbol: string;
}

export const atomicOperations = {
  add: { imm: 0x00, fetch: false, symbol: '+=' },
  or: { imm: 0x40, fetch: false, symbol: '|=' },
  and: { imm: 0x50, fetch: false, symbol: '&=' },
  xor: { imm: 0xa0, fetch: false, symbol: '^=' },
  fetchAdd: { imm: 0x01, fetch: true, symbol: 'fetch_add' },
  fetchOr: { imm: 0x41, fetch: true, symbol: 'fetch_or' },
  fetchAnd: { imm: 0x51, fetch: true, symbol: 'fetch_and' },
  fetchXor: { imm: 0xa1, fetch: true, symbol: 'fetch_xor' },
  xchg: { imm: 0xe1, fetch: true, symbol: 'xchg' },
  cmpxchg: { imm: 0xf1, fetch: true, symbol: 'cmpxchg' },
} as const satisfies Record<string, AtomicRow>;
export type AtomicOperation = keyof typeof atomicOperations;

/** The immediate of the two ordered accesses, which share the atomic mode (BPF_LOAD_ACQ, BPF_STORE_REL). */
export const orderedAccess = { loadAcquire: 0x100, storeRelease: 0x110 } as const;

interface PseudoRow {
  /** The source field of ld_imm64. */
  readonly source: number;
  /** What the second immediate may hold. */
  readonly second: 'high' | 'zero' | 'offset' | 'fd';
}

/** What a 64-bit immediate stands for (BPF_PSEUDO_…, include/uapi/linux/bpf.h). */
export const pseudoImmediates = {
  value: { source: 0, second: 'high' },
  mapFd: { source: 1, second: 'zero' },
  mapValue: { source: 2, second: 'offset' },
  btfId: { source: 3, second: 'fd' },
  func: { source: 4, second: 'zero' },
  mapIdx: { source: 5, second: 'zero' },
  mapIdxValue: { source: 6, second: 'offset' },
} as const satisfies Record<string, PseudoRow>;
export type PseudoImmediate = keyof typeof pseudoImmediates;

/** What an opcode byte alone tells. Its other fields choose among the operations of a row. */
export type OpcodeRow =
  | { readonly kind: 'alu'; readonly code: number; readonly width: 32 | 64; readonly register: boolean }
  | { readonly kind: 'neg'; readonly width: 32 | 64 }
  | { readonly kind: 'endian'; readonly op: EndianOperation }
  | { readonly kind: 'load'; readonly size: Size; readonly signed: boolean }
  | { readonly kind: 'store'; readonly size: Size; readonly register: boolean }
  | { readonly kind: 'atomic'; readonly size: Size }
  | { readonly kind: 'loadPacket'; readonly size: 1 | 2 | 4; readonly register: boolean }
  | { readonly kind: 'loadImm64' }
  | { readonly kind: 'jump'; readonly op: JumpOperation; readonly width: 32 | 64; readonly register: boolean }
  | { readonly kind: keyof typeof jumpCodes };

/** Object.entries with the keys' own types. */
export function entriesOf<K extends string, V>(table: Record<K, V>): [K, V][] {
  return Object.entries(table) as [K, V][];
}

const sizes = [1, 2, 4, 8] as const satisfies readonly Size[];

function* arithmeticRows(): Generator<[number, OpcodeRow]> {
  for (const width of [32, 64] as const) {
    const group = width === 32 ? classes.alu32 : classes.alu64;
    for (const { code } of Object.values(aluOperations)) {
      yield [group | code, { kind: 'alu', code, width, register: false }];
      yield [group | code | sourceRegister, { kind: 'alu', code, width, register: true }];
    }
    yield [group | aluCodes.neg, { kind: 'neg', width }];
  }
  for (const [op, row] of entriesOf(endianOperations)) {
    yield [classes[row.class] | aluCodes.end | row.source, { kind: 'endian', op }];
  }
}

function* jumpRows(): Generator<[number, OpcodeRow]> {
  for (const width of [32, 64] as const) {
    const group = width === 32 ? classes.jmp32 : classes.jmp;
    for (const [op, { code }] of entriesOf(jumpOperations)) {
      yield [group | code, { kind: 'jump', op, width, register: false }];
      yield [group | code | sourceRegister, { kind: 'jump', op, width, register: true }];
    }
  }
  for (const [kind, code] of entriesOf(jumpCodes)) yield [code, { kind }];
}

function* memoryRows(): Generator<[number, OpcodeRow]> {
  yield [classes.ld | modes.imm | sizeCodes[8], { kind: 'loadImm64' }];
  for (const size of sizes) {
    const code = sizeCodes[size];
    yield [classes.ldx | modes.mem | code, { kind: 'load', size, signed: false }];
    yield [classes.st | modes.mem | code, { kind: 'store', size, register: false }];
    yield [classes.stx | modes.mem | code, { kind: 'store', size, register: true }];
    yield [classes.stx | modes.atomic | code, { kind: 'atomic', size }];
    if (size === 8) continue;
    yield [classes.ldx | modes.memsx | code, { kind: 'load', size, signed: true }];
    yield [classes.ld | modes.abs | code, { kind: 'loadPacket', size, register: false }];
    yield [classes.ld | modes.ind | code, { kind: 'loadPacket', size, register: true }];
  }
}

/** A row for each opcode byte that means something; undefined for the rest. */
export const opcodeTable: readonly (OpcodeRow | undefined)[] = (() => {
  const table = new Array<OpcodeRow | undefined>(256).fill(undefined);
  for (const rows of [arithmeticRows(), jumpRows(), memoryRows()]) for (const [code, row] of rows) table[code] = row;
  return table;
})();
