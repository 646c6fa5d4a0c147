import { assertNever, hex64, toHex, u64 } from '../base/index.ts';
import { decode } from './decode.ts';
import { type Instruction, type Operand, type Place, slotsOf, targetOf, type Width } from './instruction.ts';
import { aluOperations, atomicOperations, jumpOperations, type PseudoImmediate } from './opcodes.ts';

/**
 * From bytes to text, in the words of llvm-objdump or of the verifier's log (kernel/bpf/disasm.c). What the assembler
 * reads back gives the same bytes. Where both tools would print less than the bytes say (whose address a 64-bit
 * immediate takes, which kernel function is called) the text says it in brackets.
 */
export interface DisassemblerOptions {
  /** `clang`, the default: `r1 = *(u64 *)(r10 - 8)`. `verifier`: `(79) r1 = *(u64 *)(r10 -8)`. */
  readonly style?: 'clang' | 'verifier';
  /** Begin each line with its slot: `12: `. */
  readonly slots?: boolean;
  /** Print the bytes before the instruction, as llvm-objdump does. Clang style only; implies `slots`. */
  readonly bytes?: boolean;
  /** A helper's name, `bpf_` included, for the verifier's `call bpf_ktime_get_ns#5`. */
  readonly helperName?: (id: number) => string | undefined;
  /** Names of slots: jumps and calls go to a name where their target has one, and lines carry their own. */
  readonly labels?: ReadonlyMap<number, string>;
  /** Names, by slot, of what 64-bit immediates take the address of and the bytes do not say. */
  readonly symbols?: ReadonlyMap<number, string>;
}

export interface DisassembledLine {
  readonly slot: number;
  readonly text: string;
  /** The name of this slot; it belongs on a line before, with a colon. */
  readonly label?: string;
}

/** One line for each instruction. @throws InputError when the bytes are no program */
export function disassemble(code: Uint8Array, options: DisassemblerOptions = {}): DisassembledLine[] {
  return decode(code).instructions.map((instruction) => {
    const text = formatInstruction(instruction, options);
    const label = options.labels?.get(instruction.slot);
    const line = { slot: instruction.slot, text: prefix(instruction, code, options) + text };
    return label === undefined ? line : { ...line, label };
  });
}

function prefix(instruction: Instruction, code: Uint8Array, options: DisassemblerOptions): string {
  const { slot } = instruction;
  if (options.style === 'verifier') {
    const opcode = `(${toHex(code.subarray(slot * 8, slot * 8 + 1))}) `;
    return options.slots ? `${slot}: ${opcode}` : opcode;
  }
  if (options.bytes) {
    const bytes = toHex(code.subarray(slot * 8, (slot + slotsOf(instruction)) * 8), ' ');
    return `${String(slot).padStart(8)}:\t${bytes}\t`;
  }
  return options.slots ? `${String(slot).padStart(8)}:\t` : '';
}

/** An instruction alone, without slot, bytes or opcode. */
export function formatInstruction(instruction: Instruction, options: DisassemblerOptions = {}): string {
  return options.style === 'verifier'
    ? new VerifierWords(options).format(instruction)
    : new Words(options).format(instruction);
}

/** What both styles share, and clang's spelling of the rest. */
class Words {
  readonly options: DisassemblerOptions;

  constructor(options: DisassemblerOptions) {
    this.options = options;
  }

  format(instruction: Instruction): string {
    switch (instruction.kind) {
      case 'alu': {
        const { op, width, dst, src } = instruction;
        return `${named(dst, width)} ${aluOperations[op].symbol} ${this.operand(src, width)}`;
      }
      case 'neg':
        return `${named(instruction.dst, instruction.width)} = -${named(instruction.dst, instruction.width)}`;
      case 'movsx': {
        const { width, bits, dst, src } = instruction;
        return `${named(dst, width)} = (s${bits})${named(src, width)}`;
      }
      case 'addrSpaceCast': {
        const { dst, src, imm } = instruction;
        return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
      }
      case 'endian':
        return `r${instruction.dst} = ${instruction.op}${instruction.bits} r${instruction.dst}`;
      case 'load':
        return `r${instruction.dst} = *${this.pointer(instruction, instruction.signed)}`;
      case 'store':
        return `*${this.pointer(instruction)} = ${this.operand(instruction.src, 64)}`;
      case 'atomic':
        return this.atomic(instruction);
      case 'loadAcquire':
        return `r${instruction.dst} = load_acquire(${this.pointer(instruction)})`;
      case 'storeRelease':
        return `store_release(${this.pointer(instruction)}, r${instruction.src})`;
      case 'loadPacket': {
        const { size, index, imm } = instruction;
        return `r0 = *(u${size * 8} *)skb[${index === null ? imm : `r${index} + ${imm}`}]`;
      }
      case 'loadImm64':
        return `r${instruction.dst} = ${this.wide(instruction)}`;
      case 'jump': {
        const { op, width, dst, src } = instruction;
        const right = this.compared(src, width);
        return `if ${named(dst, width)} ${jumpOperations[op].symbol} ${right} goto ${this.target(instruction)}`;
      }
      case 'goto':
        return `${instruction.long ? 'gotol' : 'goto'} ${this.target(instruction)}`;
      case 'mayGoto':
        return `may_goto ${this.target(instruction)}`;
      case 'call':
        return `call ${this.called(instruction)}`;
      case 'callx':
        return `callx r${instruction.dst}`;
      case 'exit':
        return 'exit';
      default:
        return assertNever(instruction);
    }
  }

  operand(operand: Operand, width: Width): string {
    return operand.kind === 'register' ? named(operand.register, width) : String(operand.imm);
  }

  compared(operand: Operand, width: Width): string {
    return this.operand(operand, width);
  }

  /** `(u64 *)(r10 - 8)` */
  pointer(place: Place, isSigned = false): string {
    return `(${isSigned ? 's' : 'u'}${place.size * 8} *)(${this.sum(place)})`;
  }

  sum({ base, offset }: Place): string {
    return `r${base} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`;
  }

  target(jump: Instruction & { offset: number }): string {
    return this.labelOf(jump) ?? this.distance(jump.offset);
  }

  /** The name of the slot that an instruction goes to, when it has one. */
  labelOf(instruction: Instruction): string | undefined {
    return this.options.labels?.get(targetOf(instruction) ?? -1);
  }

  distance(offset: number): string {
    return signed(offset);
  }

  wide(load: Instruction & { kind: 'loadImm64' }): string {
    const symbol = this.options.symbols?.get(load.slot) ?? this.labelOf(load);
    return `${symbol ?? pseudoText(load.pseudo, load.imm, load.nextImm)} ll`;
  }

  called(call: Instruction & { kind: 'call' }): string {
    const { target, imm, offset } = call;
    switch (target) {
      case 'helper':
        return String(imm >>> 0);
      case 'local':
        return this.labelOf(call) ?? `pc${signed(imm)}`;
      case 'kfunc':
        return offset === 0 ? `kfunc[id:${imm}]` : `kfunc[id:${imm},fd:${offset}]`;
      default:
        return assertNever(target);
    }
  }

  atomic(instruction: Instruction & { kind: 'atomic' }): string {
    const { op, size, src } = instruction;
    const { fetch, symbol } = atomicOperations[op];
    const register = named(src, size === 4 ? 32 : 64);
    if (!fetch) return `lock *${this.pointer(instruction)} ${symbol} ${register}`;
    const name = `${symbol}${size === 4 ? '32_32' : '_64'}`;
    if (op === 'xchg') return `${register} = ${name}(${this.sum(instruction)}, ${register})`;
    if (op === 'cmpxchg') {
      const compared = named(0, size === 4 ? 32 : 64);
      return `${compared} = ${name}(${this.sum(instruction)}, ${compared}, ${register})`;
    }
    return `${register} = atomic_${symbol}(${this.pointer(instruction)}, ${register})`;
  }
}

/** What kernel/bpf/disasm.c spells differently. */
class VerifierWords extends Words {
  override compared(operand: Operand, width: Width): string {
    return operand.kind === 'register' ? named(operand.register, width) : `0x${(operand.imm >>> 0).toString(16)}`;
  }

  override sum({ base, offset }: Place): string {
    return `r${base} ${signed(offset)}`;
  }

  override distance(offset: number): string {
    return `pc${signed(offset)}`;
  }

  override wide(load: Instruction & { kind: 'loadImm64' }): string {
    const named = this.options.symbols?.has(load.slot) || this.labelOf(load) !== undefined;
    return named ? super.wide(load) : pseudoText(load.pseudo, load.imm, load.nextImm);
  }

  override called(call: Instruction & { kind: 'call' }): string {
    if (call.target !== 'helper') return super.called(call);
    return `${this.options.helperName?.(call.imm) ?? 'unknown'}#${call.imm}`;
  }

  override atomic(instruction: Instruction & { kind: 'atomic' }): string {
    const { op, size, src } = instruction;
    const { fetch, symbol } = atomicOperations[op];
    const pointer = this.pointer(instruction);
    if (!fetch) return `lock *${pointer} ${symbol} r${src}`;
    const name = `atomic${size === 8 ? '64' : ''}_${symbol}`;
    return op === 'cmpxchg' ? `r0 = ${name}(${pointer}, r0, r${src})` : `r${src} = ${name}(${pointer}, r${src})`;
  }
}

function named(register: number, width: Width): string {
  return `${width === 32 ? 'w' : 'r'}${register}`;
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

function pseudoText(pseudo: PseudoImmediate, imm: number, nextImm: number): string {
  switch (pseudo) {
    case 'value':
      return hex64(u64(nextImm, imm));
    case 'mapFd':
      return `map[fd:${imm}]`;
    case 'mapValue':
      return `map[fd:${imm}][0]${signed(nextImm)}`;
    case 'mapIdx':
      return `map[idx:${imm}]`;
    case 'mapIdxValue':
      return `map[idx:${imm}][0]${signed(nextImm)}`;
    case 'btfId':
      return nextImm === 0 ? `btf[id:${imm}]` : `btf[id:${imm},fd:${nextImm}]`;
    case 'func':
      return `subprog[${signed(imm)}]`;
    default:
      return assertNever(pseudo);
  }
}
