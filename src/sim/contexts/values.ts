import { InputError, nearestHint } from '../../base/index.ts';
import type { Argument, KernelObject } from '../../events/index.ts';
import { kernelSpace, userSpace } from '../../memory/index.ts';
import { codeHigh, type SymbolTable } from '../machine/symbols.ts';
import type { Texts } from '../objects/texts.ts';
import type { UserMemory } from '../processes/user-memory.ts';
import type { Slot } from './slots.ts';

/**
 * From an event's argument to the 64 bits that a register or field holds. The answer stands in `high` and `low`, as
 * int32, so that nothing is allocated for one. Integers narrower than 64 bits are cut to their C type and extended
 * with zeros, as a 32-bit move leaves a register; those below 32 bits are first promoted to int.
 */
export class Values {
  high = 0;
  low = 0;
  readonly #symbols: SymbolTable;
  readonly #kernel: Texts;
  readonly #user: UserMemory;
  readonly #objects: (object: KernelObject) => number;

  /** @param objects the offset of a kernel object; made when it has none */
  constructor(symbols: SymbolTable, kernel: Texts, user: UserMemory, objects: (object: KernelObject) => number) {
    this.#symbols = symbols;
    this.#kernel = kernel;
    this.#user = user;
    this.#objects = objects;
  }

  /** Leaves the value in `high` and `low`. @throws InputError when the argument does not fit the slot's type */
  take(slot: Slot, argument: Argument | undefined): void {
    if (typeof argument === 'number') this.#number(slot, argument);
    else if (argument === undefined || argument === null) {
      this.high = 0;
      this.low = 0;
    } else if (typeof argument === 'object') this.#pointer(slot, argument);
    else if (typeof argument === 'bigint') this.#bigint(slot, argument);
    else this.#text(slot, argument);
  }

  #number(slot: Slot, value: number): void {
    if (slot.kind !== 'integer' && slot.kind !== 'pointer') throw misfit(slot, 'a number');
    const low = value | 0;
    if (low === value) {
      this.#narrow(slot, value >> 31, low);
      return;
    }
    if (!Number.isSafeInteger(value)) {
      throw new InputError(`${slot.what} is ${value}, not a whole number`, {
        hint: 'beyond 2^53 write it as a bigint, 1n << 63n',
      });
    }
    this.#narrow(slot, Math.floor(value / 0x1_0000_0000) | 0, low);
  }

  #bigint(slot: Slot, value: bigint): void {
    if (slot.kind !== 'integer' && slot.kind !== 'pointer') throw misfit(slot, 'a number');
    this.#narrow(slot, Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  #narrow(slot: Slot, high: number, low: number): void {
    const { bits } = slot;
    if (bits === 64) {
      this.high = high;
      this.low = low;
      return;
    }
    this.high = 0;
    if (bits === 32) this.low = low;
    else if (slot.signed) this.low = (low << (32 - bits)) >> (32 - bits);
    else this.low = low & (bits === 16 ? 0xffff : 0xff);
  }

  #text(slot: Slot, text: string): void {
    if (slot.kind === 'pointer') {
      this.#address(slot.user, (slot.user ? this.#user : this.#kernel).address(text, text));
      return;
    }
    if (slot.kind !== 'integer') throw misfit(slot, `'${text}'`);
    if (!slot.names) throw misfit(slot, `'${text}'`);
    const value = slot.names(text);
    if (value === undefined) throw new InputError(`${slot.what}: ${slot.type} has no value '${text}'`);
    if (typeof value === 'number') this.#number(slot, value);
    else this.#bigint(slot, value);
  }

  #pointer(slot: Slot, argument: Exclude<Argument, number | bigint | string | null>): void {
    if (slot.bits !== 64 || (slot.kind !== 'pointer' && slot.kind !== 'integer')) throw misfit(slot, 'an object');
    if ('symbol' in argument) {
      this.high = codeHigh | 0;
      this.low = this.#symbols.locate(argument.symbol);
    } else if (argument instanceof Uint8Array) {
      this.#address(slot.user, (slot.user ? this.#user : this.#kernel).address(argument, argument));
    } else if (argument.object === 'user') {
      this.#address(true, this.#user.address(argument, argument.content));
    } else {
      this.#address(false, this.#objects(argument));
    }
  }

  #address(user: boolean, offset: number): void {
    this.high = user ? userSpace : kernelSpace | 0;
    this.low = offset | 0;
  }
}

function misfit(slot: Slot, given: string): InputError {
  return new InputError(`${slot.what} cannot be ${given}`, { expected: `a value for ${slot.type}` });
}

/** A fault for an argument that the event names and its function, record or struct does not have. */
export function unknownName(owner: string, noun: string, name: string, names: readonly string[]): InputError {
  return new InputError(`${owner} has no ${noun} '${name}'`, {
    expected: names.length === 0 ? `no ${noun}` : names.join(', '),
    ...nearestHint(name, names),
  });
}
