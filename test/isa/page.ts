import {
  type AluOperation,
  type AtomicOperation,
  aluOperations,
  atomicOperations,
  callTargets,
  decode,
  encode,
  formatInstruction,
  type Instruction,
  type InstructionBody,
  immediate,
  isaVersion,
  type JumpOperation,
  jumpOperations,
  type OpcodeRow,
  opcodeTable,
  type PseudoImmediate,
  pseudoImmediates,
  register,
} from '../../src/isa/index.ts';

/**
 * docs/instruction-set.md, from the opcode table: for each opcode byte the instructions that it may be, in both
 * syntaxes, in words, with the version that brought it.
 */

/** An instruction of the page: an example of it, and how the classic syntax writes that, where it can. */
export interface Entry {
  readonly section: string;
  readonly opcode: number;
  readonly example: Instruction;
  readonly classic: string | undefined;
  readonly words: string;
}

const sizeNames = { 1: 'byte', 2: 'two bytes', 4: 'four bytes', 8: 'eight bytes' } as const;
const sizeLetters = { 1: 'b', 2: 'h', 4: 'w', 8: 'dw' } as const;

const aluWords: Record<AluOperation, string> = {
  add: 'adds',
  sub: 'subtracts',
  mul: 'multiplies',
  div: 'divides, both unsigned; by 0 gives 0',
  sdiv: 'divides, both signed, towards 0; by 0 gives 0, and the smallest number by -1 gives itself',
  or: 'sets the bits that the source has',
  and: 'keeps the bits that the source has',
  lsh: 'shifts left by BITS',
  rsh: 'shifts right by BITS and fills with 0',
  mod: 'leaves the rest of an unsigned division; by 0 changes nothing',
  smod: 'leaves the rest of a signed division, with the sign of the dividend; by 0 changes nothing',
  xor: 'flips the bits that the source has',
  mov: 'copies the source',
  arsh: 'shifts right by BITS and fills with the sign',
};

const jumpWords: Record<JumpOperation, string> = {
  eq: 'both are equal',
  gt: 'dst is above, unsigned',
  ge: 'dst is above or equal, unsigned',
  set: 'they have a bit in common',
  ne: 'they differ',
  sgt: 'dst is greater, signed',
  sge: 'dst is greater or equal, signed',
  lt: 'dst is below, unsigned',
  le: 'dst is below or equal, unsigned',
  slt: 'dst is less, signed',
  sle: 'dst is less or equal, signed',
};

const atomicWords: Record<AtomicOperation, string> = {
  add: 'adds src to memory',
  or: 'sets the bits of src in memory',
  and: 'keeps the bits of src in memory',
  xor: 'flips the bits of src in memory',
  fetchAdd: 'adds src to memory; src gets the old value',
  fetchOr: 'sets the bits of src in memory; src gets the old value',
  fetchAnd: 'keeps the bits of src in memory; src gets the old value',
  fetchXor: 'flips the bits of src in memory; src gets the old value',
  xchg: 'memory and src change places',
  cmpxchg: 'writes src when memory equals r0; r0 gets the old value either way',
};

const pseudoWords: Record<PseudoImmediate, string> = {
  value: 'loads 64 bits: the low half from this slot, the high half from the next',
  mapFd: 'the address of the map with that file descriptor',
  mapValue: 'the address of a byte in the first value of the map with that file descriptor',
  btfId: "the address of the kernel's variable with that BTF id",
  func: 'the address of a function of the program, at that distance',
  mapIdx: "the address of the map at that index of the load's fd_array",
  mapIdxValue: 'the address of a byte in the first value of the map at that index',
};

type Draft = Omit<Entry, 'opcode' | 'example'> & { readonly body: InstructionBody };

const place = { base: 1, offset: 8 } as const;

/** Everything that an opcode byte may be. */
function draftsOf(row: OpcodeRow): Draft[] {
  switch (row.kind) {
    case 'alu':
      return aluDrafts(row);
    case 'neg': {
      const classic = `neg${row.width === 32 ? '32' : ''} r1`;
      return [
        {
          ...aluSection(row.width),
          body: { kind: 'neg', width: row.width, dst: 1 },
          classic,
          words: 'changes the sign',
        },
      ];
    }
    case 'endian':
      return ([16, 32, 64] as const).map((bits) => ({
        section: 'Byte order',
        body: { kind: 'endian', op: row.op, bits, dst: 1 },
        classic: `${row.op}${bits} r1`,
        words: endianWords(row.op, bits),
      }));
    case 'load': {
      const { size, signed } = row;
      const words = signed
        ? `reads ${sizeNames[size]} and extends the sign to 64 bits`
        : `reads ${sizeNames[size]}${size === 8 ? '' : '; the rest becomes 0'}`;
      const classic = `ldx${sizeLetters[size]}${signed ? 'sx' : ''} r1, [r2+8]`;
      return [
        {
          section: 'Loads and stores',
          body: { kind: 'load', size, signed, dst: 1, base: 2, offset: 8 },
          classic,
          words,
        },
      ];
    }
    case 'store': {
      const { size } = row;
      const src = row.register ? register(2) : immediate(7);
      const classic = row.register ? `stx${sizeLetters[size]} [r1+8], r2` : `st${sizeLetters[size]} [r1+8], 7`;
      const what = row.register ? 'of the register' : size === 8 ? 'of the number, its sign extended' : 'of the number';
      const words = `writes ${size === 1 ? 'the low byte' : size === 8 ? 'eight bytes' : `the low ${sizeNames[size]}`} ${what}`;
      return [{ section: 'Loads and stores', body: { kind: 'store', size, src, ...place }, classic, words }];
    }
    case 'atomic':
      return atomicDrafts(row.size);
    case 'loadPacket': {
      const { size } = row;
      const index = row.register ? (2 as const) : null;
      const classic = row.register ? `ldind${sizeLetters[size]} r2, 12` : `ldabs${sizeLetters[size]} 12`;
      const words = `reads ${sizeNames[size]} of the packet, in network order, into r0; ends the program with 0 where it has none`;
      return [{ section: 'Packet access', body: { kind: 'loadPacket', size, index, imm: 12 }, classic, words }];
    }
    case 'loadImm64':
      return (Object.keys(pseudoImmediates) as PseudoImmediate[]).map((pseudo) => ({
        section: 'Immediates of 64 bits',
        body: {
          kind: 'loadImm64',
          pseudo,
          dst: 1,
          imm: 7,
          nextImm: pseudoImmediates[pseudo].second === 'zero' ? 0 : 1,
        },
        classic: pseudo === 'value' ? 'lddw r1, 0x100000007' : undefined,
        words: pseudoWords[pseudo],
      }));
    case 'jump': {
      const { op, width } = row;
      const src = row.register ? register(2) : immediate(7);
      const classic = `${jumpOperations[op].mnemonic}${width === 32 ? '32' : ''} r1, ${row.register ? 'r2' : '7'}, +3`;
      const section = width === 32 ? 'Jumps that compare 32 bits' : 'Jumps that compare 64 bits';
      return [
        {
          section,
          body: { kind: 'jump', op, width, dst: 1, src, offset: 3 },
          classic,
          words: `jumps when ${jumpWords[op]}`,
        },
      ];
    }
    default:
      return controlDrafts(row.kind);
  }
}

function aluSection(width: 32 | 64): { section: string } {
  return { section: width === 32 ? 'Arithmetic of 32 bits' : 'Arithmetic of 64 bits' };
}

function aluDrafts({ code, width, register: fromRegister }: OpcodeRow & { kind: 'alu' }): Draft[] {
  const suffix = width === 32 ? '32' : '';
  const src = fromRegister ? register(2) : immediate(7);
  const operand = fromRegister ? 'r2' : '7';
  const section = aluSection(width);
  const drafts = (Object.keys(aluOperations) as AluOperation[])
    .filter((op) => aluOperations[op].code === code)
    .map((op): Draft => {
      const classic = `${aluOperations[op].mnemonic}${suffix} r1, ${operand}`;
      const words = aluWords[op].replace('BITS', `the low ${width === 32 ? 5 : 6} bits of the source`);
      return { ...section, body: { kind: 'alu', op, width, dst: 1, src }, classic, words };
    });
  if (code !== aluOperations.mov.code || !fromRegister) return drafts;
  for (const bits of width === 32 ? ([8, 16] as const) : ([8, 16, 32] as const)) {
    drafts.push({
      ...section,
      body: { kind: 'movsx', width, bits, dst: 1, src: 2 },
      classic: `movsx${bits}${width} r1, r2`,
      words: `copies the low ${bits} bits of the source and extends their sign to ${width} bits`,
    });
  }
  if (width === 64) {
    drafts.push({
      ...section,
      body: { kind: 'addrSpaceCast', dst: 1, src: 2, imm: 1 },
      classic: undefined,
      words:
        "turns a pointer of one address space into one of another: those of an arena and the kernel's. Linux refuses a program that has no arena map; as there is none here it traps",
    });
  }
  return drafts;
}

function endianWords(op: 'le' | 'be' | 'bswap', bits: number): string {
  const rest = bits === 64 ? '' : '; the rest becomes 0';
  if (op === 'bswap') return `reverses the bytes of the low ${bits} bits${rest}`;
  const machine = op === 'le' ? 'a little-endian machine keeps them' : 'a little-endian machine reverses them';
  return `puts the low ${bits} bits into ${op === 'le' ? 'little' : 'big'}-endian order: ${machine}${rest}`;
}

function atomicDrafts(size: 1 | 2 | 4 | 8): Draft[] {
  const section = 'Atomic operations';
  const operations = size < 4 ? [] : (Object.keys(atomicOperations) as AtomicOperation[]);
  const drafts = operations.map((op): Draft => {
    const { fetch, symbol } = atomicOperations[op];
    return {
      section,
      body: { kind: 'atomic', op, size, src: 2, ...place },
      classic: `lock ${fetch ? symbol : op}${size === 4 ? '32' : ''} [r1+8], r2`,
      words: `${atomicWords[op]}; ${sizeNames[size]}`,
    };
  });
  drafts.push(
    {
      section,
      body: { kind: 'loadAcquire', size, dst: 1, base: 2, offset: 8 },
      classic: undefined,
      words: `reads ${sizeNames[size]} before every later access`,
    },
    {
      section,
      body: { kind: 'storeRelease', size, src: 2, ...place },
      classic: undefined,
      words: `writes ${sizeNames[size]} after every earlier access`,
    },
  );
  return drafts;
}

type Control = Exclude<
  OpcodeRow['kind'],
  'alu' | 'neg' | 'endian' | 'load' | 'store' | 'atomic' | 'loadPacket' | 'loadImm64' | 'jump'
>;

function controlDrafts(kind: Control): Draft[] {
  const section = 'Calls and other jumps';
  switch (kind) {
    case 'goto':
      return [
        {
          section,
          body: { kind: 'goto', long: false, offset: 3 },
          classic: 'ja +3',
          words: 'jumps; 16 bits of distance',
        },
      ];
    case 'gotol':
      return [
        {
          section,
          body: { kind: 'goto', long: true, offset: 70000 },
          classic: 'ja32 +70000',
          words: 'jumps; 32 bits of distance',
        },
      ];
    case 'mayGoto':
      return [
        {
          section,
          body: { kind: 'mayGoto', offset: 3 },
          classic: undefined,
          words: 'goes on for as long as the loop may run, 8,388,608 times a frame; then jumps',
        },
      ];
    case 'call':
      return (Object.keys(callTargets) as (keyof typeof callTargets)[]).map((target) => ({
        section,
        body: { kind: 'call', target, imm: 5, offset: 0 },
        classic: target === 'local' ? 'call local +5' : undefined,
        words: {
          helper: "calls the kernel's helper of that number with r1 to r5; the answer is in r0",
          local:
            'calls a function of the program at that distance; it has a stack frame of its own, and r6 to r9 are kept',
          kfunc: "calls the kernel's function with that BTF id",
        }[target],
      }));
    case 'callx':
      return [
        {
          section,
          body: { kind: 'callx', dst: 1 },
          classic: undefined,
          words: 'calls what the register says: a helper by its number or a function by its address. Linux refuses it',
        },
      ];
    case 'exit':
      return [
        {
          section,
          body: { kind: 'exit' },
          classic: 'exit',
          words: 'returns r0 to the caller; from the first frame, ends the program',
        },
      ];
  }
}

/** Every instruction of the table, by opcode. */
export const entries: readonly Entry[] = opcodeTable.flatMap((row, opcode) =>
  row === undefined
    ? []
    : draftsOf(row).map(({ body, ...rest }) => ({ ...rest, opcode, example: decode(encode([body])).instructions[0]! })),
);

const sections = [
  'Arithmetic of 64 bits',
  'Arithmetic of 32 bits',
  'Byte order',
  'Loads and stores',
  'Atomic operations',
  'Immediates of 64 bits',
  'Packet access',
  'Jumps that compare 64 bits',
  'Jumps that compare 32 bits',
  'Calls and other jumps',
];

const notes: Readonly<Record<string, string>> = {
  'Arithmetic of 32 bits': 'They work on the low halves; the high half of the destination becomes 0.',
  'Loads and stores': 'Memory is little-endian. The distance from the register is a signed number of 16 bits.',
  'Atomic operations': 'The immediate says which operation it is.',
  'Immediates of 64 bits': 'They take two slots. The source field says what the number stands for.',
  'Packet access': 'The classic access of socket filters: r6 holds the context, r1 to r5 are lost.',
};

/** The page as text. */
export function instructionPage(): string {
  const lines = [
    '# The instruction set',
    '',
    'An instruction is a slot of 8 bytes, little-endian; an immediate of 64 bits takes two slots. There are the registers',
    'r0 to r9 and r10, the frame pointer, which is only read; w0 to w9 are their low halves. Distances of jumps and calls',
    'count slots from the next instruction. A number in an instruction is signed and has 32 bits.',
    '',
    '```',
    'byte 0    byte 1         bytes 2–3     bytes 4–7',
    'opcode    src | dst      offset s16    immediate s32',
    '```',
    '',
    'The clang syntax is what clang, llvm-objdump and `tracebed prog disasm` write; `tracebed prog asm` reads it, that of the',
    "verifier's log, and the classic one. The last column is the version of the instruction set (clang's `-mcpu`) that",
    'brought the instruction; Linux stands for what only the kernel defines.',
  ];
  for (const section of sections) {
    const rows = entries.filter((entry) => entry.section === section);
    lines.push('', `## ${section}`, '');
    if (notes[section] !== undefined) lines.push(notes[section], '');
    lines.push('| opcode | clang | classic | what it does | since |', '|---|---|---|---|---|', ...rows.map(rowText));
  }
  return `${lines.join('\n')}\n`;
}

function rowText({ opcode, example, classic, words }: Entry): string {
  const version = isaVersion(example);
  const cells = [
    `0x${opcode.toString(16).padStart(2, '0')}`,
    code(formatInstruction(example)),
    classic === undefined ? '' : code(classic),
    words,
    version === 'linux' ? 'Linux' : `v${version}`,
  ];
  return `| ${cells.join(' | ')} |`.replace(/ {2,}/g, ' ');
}

/** A bar would end the cell. */
function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
