import { viewOf } from '../../base/index.ts';
import { type BpfMap, mapHeader } from '../../maps/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import { type Executable, type LinkedProgram, registerFacts } from '../../vm/index.ts';

/**
 * Functions of a program that the kernel calls by themselves, a timer's: no run of the program is under way then. Each
 * is made a program of its own, the same code behind a few instructions that take the three arguments from memory and
 * call it; as jumps and calls are relative, the code stands as it was.
 */
const prologue = [
  [0xbf, 0x16, 0, 0], // r6 = r1
  [0x79, 0x61, 0, 0], // r1 = *(u64 *)(r6 + 0)
  [0x79, 0x62, 8, 0], // r2 = *(u64 *)(r6 + 8)
  [0x79, 0x63, 16, 0], // r3 = *(u64 *)(r6 + 16)
  [0x85, 0x10, 0, 0], // call; where to is put in
  [0x95, 0x00, 0, 0], // exit
] as const;
const callAt = 4;
const added = prologue.length;

interface Derived {
  readonly program: Executable;
  readonly entries: Map<number, Executable>;
}

export class CallbackPrograms {
  readonly #memory: Memory;
  readonly #load: (program: LinkedProgram) => Executable;
  readonly #derived = new WeakMap<Executable, Derived>();
  /** What a made program was made of: its callbacks name slots of the longer code. */
  readonly #origins = new WeakMap<Executable, Executable>();
  /** u64 map, key, value; and a place for the index of an array's element. */
  readonly #arguments: number;

  constructor(memory: Memory, load: (program: LinkedProgram) => Executable) {
    this.#memory = memory;
    this.#load = load;
    this.#arguments = memory.allocate(32);
  }

  /** The program that begins with a function of another. */
  entry(given: Executable, givenSlot: number): Executable {
    const origin = this.#origins.get(given);
    const program = origin ?? given;
    const slot = origin === undefined ? givenSlot : givenSlot - added;
    let derived = this.#derived.get(program);
    if (derived === undefined) {
      derived = { program, entries: new Map() };
      this.#derived.set(program, derived);
    }
    let made = derived.entries.get(slot);
    if (made === undefined) {
      made = this.#load(behindPrologue(program.program, slot));
      this.#origins.set(made, program);
      derived.entries.set(slot, made);
    }
    return made;
  }

  /** The arguments for a value of a map: the map, the value's key, and the value. @returns the context's offset */
  context(map: BpfMap, value: number): number {
    const at = this.#arguments;
    this.#pointer(at, map.address);
    this.#pointer(at + 8, this.#keyOf(map, value));
    this.#pointer(at + 16, value);
    return at;
  }

  /** As bpf_timer_cb has it: a hash keeps the key before its value; of an array it is the index, in a place of its own. */
  #keyOf(map: BpfMap, value: number): number {
    if (map.shape.type !== 'array') return value - Math.ceil(map.shape.keySize / 8) * 8;
    const words = this.#memory.u32;
    const field = (name: 'data' | 'stride'): number => words[(map.address + mapHeader[name]) >>> 2] as number;
    words[(this.#arguments + 24) >>> 2] = Math.floor((value - field('data')) / field('stride'));
    return this.#arguments + 24;
  }

  #pointer(at: number, offset: number): void {
    this.#memory.u32[at >>> 2] = offset;
    this.#memory.u32[(at >>> 2) + 1] = kernelSpace;
  }
}

function behindPrologue({ name, code, facts }: LinkedProgram, slot: number): LinkedProgram {
  const longer = new Uint8Array(code.length + added * 8);
  const view = viewOf(longer);
  for (const [index, [opcode, registers, offset, immediate]] of prologue.entries()) {
    longer[index * 8] = opcode;
    longer[index * 8 + 1] = registers;
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, index === callAt ? slot + added - (callAt + 1) : immediate, true);
  }
  longer.set(code, added * 8);
  if (facts === undefined) return { name, code: longer };
  const { registers, mayFault } = facts;
  return {
    name,
    code: longer,
    facts: {
      ...facts,
      ...(registers ? { registers: shifted(registers, added * 10, registerFacts.unknown) } : {}),
      ...(mayFault ? { mayFault: shifted(mayFault, added, 0) } : {}),
    },
  };
}

function shifted(bytes: Uint8Array, by: number, fill: number): Uint8Array {
  const result = new Uint8Array(bytes.length + by).fill(fill, 0, by);
  result.set(bytes, by);
  return result;
}
