import type { Register } from '../../isa/index.ts';
import { signedOf } from '../ir/fold.ts';
import { resolve, type Slot, type Value } from '../ir/ir.ts';
import type { Token } from '../preprocess/token.ts';
import { aluImmediate, aluRegister } from './bodies.ts';
import { firstVirtual, framePointer, Machine } from './machine.ts';

/**
 * Where values are while instructions are selected: each has a virtual register, but for constants, stack addresses and
 * maps, which are made where they are wanted.
 */
export class Operands {
  next = firstVirtual;
  /** The instructions of the block at hand. */
  code: Machine[] = [];
  at: Token;

  constructor(at: Token) {
    this.at = at;
  }

  emit(def: number, uses: number[], make: Machine['make']): Machine {
    const machine = new Machine(def, uses, this.at, make);
    this.code.push(machine);
    return machine;
  }

  move(to: number, from: number): void {
    if (to === from) return;
    this.emit(to, [from], (def, uses) => aluRegister('mov', 64, def, uses[0] as Register)).move = true;
  }

  copy(from: number): number {
    const to = this.next++;
    this.move(to, from);
    return to;
  }

  /** The register of a value; what has none is made in a new one. */
  register(valueIn: Value): number {
    const value = resolve(valueIn);
    if (value.register >= 0) return value.register;
    const to = this.next++;
    this.into(to, value);
    return to;
  }

  /** Puts a value into a register. */
  into(to: number, valueIn: Value): void {
    const value = resolve(valueIn);
    if (value.register >= 0) {
      this.move(to, value.register);
      return;
    }
    switch (value.op) {
      case 'const':
        this.constant(to, value);
        return;
      case 'stack': {
        const offset = (value.slot as Slot).place + value.offset;
        this.emit(to, [framePointer], (def, uses) => aluRegister('mov', 64, def, uses[0] as Register));
        this.tied(to, [], (def) => aluImmediate('add', 64, def, offset));
        return;
      }
      case 'map':
        this.emit(to, [], (dst) => ({ kind: 'loadImm64', pseudo: 'value', dst, imm: 0, nextImm: 0 })).relocation = {
          map: value.table?.name ?? '',
          offset: undefined,
        };
        return;
      case 'data':
        this.emit(to, [], (dst) => ({ kind: 'loadImm64', pseudo: 'value', dst, imm: 0, nextImm: 0 })).relocation = {
          map: value.section ?? '',
          offset: value.offset,
        };
        return;
      case 'function':
        this.emit(to, [], (dst) => ({ kind: 'loadImm64', pseudo: 'func', dst, imm: 0, nextImm: 0 })).callee =
          value.callee;
        return;
      default:
        throw new Error(`a value of kind ${value.op} is used before it is made`);
    }
  }

  constant(to: number, value: Value): void {
    const signed = signedOf(value.constant, 64);
    if (value.width === 64 && signed !== signedOf(signed, 32)) {
      if (value.constant <= 0xffffffffn) {
        this.emit(to, [], (def) => aluImmediate('mov', 32, def, Number(signedOf(signed, 32))));
        return;
      }
      const low = Number(signedOf(signed, 32));
      const high = Number(signed >> 32n);
      this.emit(to, [], (dst) => ({ kind: 'loadImm64', pseudo: 'value', dst, imm: low, nextImm: high }));
      return;
    }
    const imm = Number(signedOf(signed, 32));
    const width = value.width === 32 && imm < 0 ? 32 : 64;
    this.emit(to, [], (def) => aluImmediate('mov', width, def, imm));
  }

  tied(register: number, others: number[], make: Machine['make']): void {
    this.emit(register, [register, ...others], make).tied = true;
  }

  result(value: Value): number {
    value.register = this.next++;
    return value.register;
  }

  /** Base register and offset of a memory operand. */
  place(value: Value): { base: number; offset: number } {
    const base = resolve(value.args[0] as Value);
    if (base.op === 'stack') {
      return { base: framePointer, offset: (base.slot as Slot).place + base.offset + value.offset };
    }
    return { base: this.register(base), offset: value.offset };
  }

  /**
   * The register of a result that begins as a copy of an operand: a new one, or the operand's own where nothing else wants
   * that.
   */
  start(value: Value, from: Value): number {
    const source = resolve(from);
    if (isLastUse(source, value)) value.register = source.register;
    else this.into(this.result(value), source);
    return value.register;
  }
}

/** Whether a value is gone after its one use. What shares a register with others is not, and what a loop makes anew. */
function isLastUse(value: Value, user: Value): boolean {
  if (value.uses !== 1 || value.register < 0 || value.block !== user.block) return false;
  return value.op !== 'zext' && value.op !== 'trunc' && value.op !== 'parameter' && value.op !== 'phi';
}
