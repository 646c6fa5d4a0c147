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
  readonly registers = new Map<Value, number>();
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
    const known = this.registers.get(value);
    if (known !== undefined) return known;
    const to = this.next++;
    this.into(to, value);
    return to;
  }

  /** Puts a value into a register. */
  into(to: number, valueIn: Value): void {
    const value = resolve(valueIn);
    const known = this.registers.get(value);
    if (known !== undefined) {
      this.move(to, known);
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
    const register = this.next++;
    this.registers.set(value, register);
    return register;
  }

  /** Base register and offset of a memory operand. */
  place(value: Value): { base: number; offset: number } {
    const base = resolve(value.args[0] as Value);
    if (base.op === 'stack') {
      return { base: framePointer, offset: (base.slot as Slot).place + base.offset + value.offset };
    }
    return { base: this.register(base), offset: value.offset };
  }

  /** A register of its own for the result, which begins as a copy of an operand. */
  start(value: Value, from: Value): number {
    const source = resolve(from);
    const register = this.registers.get(source);
    const to = this.next++;
    if (register === undefined) this.into(to, source);
    else this.move(to, register);
    this.registers.set(value, to);
    return to;
  }
}
