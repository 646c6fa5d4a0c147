import { fromHex, SysError } from '../../../src/base/index.ts';
import { type KernelProfile, loadProfile } from '../../../src/btf/index.ts';
import { assemble } from '../../../src/isa/index.ts';
import { boot, type OpenMachine } from '../../../src/sim/index.ts';
import type { Fd, ProgramLoad } from '../../../src/sys/index.ts';
import { attachTypes, helperByName, type ProgramType } from '../../../src/uapi/index.ts';
import type { MapShape } from '../../../src/verifier/index.ts';
import { createInterpreter, createJit, type Engine } from '../../../src/vm/index.ts';

/**
 * Runs what the verifier accepts on both engines of a simulated kernel, with the maps and the packet that the kernel's
 * selftests give to a program, and says whether it returns what they expect.
 */
export interface Run {
  readonly retval: number;
  /** What the packet begins with; the rest are zeros. */
  readonly data: string;
}

export interface RunCase {
  readonly type: ProgramType;
  readonly attachType: number;
  readonly flags: number;
  readonly code: Uint8Array;
  /** Where a program names maps, by the kind of map. */
  readonly fixups: Readonly<Record<string, readonly number[]>>;
  readonly functions: ProgramLoad['functions'];
  readonly btf: ProgramLoad['btf'];
  readonly runs: readonly Run[];
}

/** `agreed` and `differed` count runs; `refused` tells why a program does not run here. */
export interface RunOutcome {
  readonly agreed: number;
  readonly differed: readonly string[];
  readonly refused?: string;
}

/** Bytes of the packet, as the selftests have it. */
const packetSize = 64;
const engines: readonly (readonly [string, Engine])[] = [
  ['interpreter', createInterpreter()],
  ['jit', createJit()],
];
/** Arrays whose first value is filled: an index of 28, and a mark behind it. */
const filled: ReadonlySet<string> = new Set([
  'fixup_map_array_48b',
  'fixup_map_array_ro',
  'fixup_map_array_wo',
  'fixup_map_array_small',
]);
const first = new Uint8Array(4);

export class Runner {
  readonly #profile: KernelProfile = loadProfile('6.18');
  readonly #shapes: Readonly<Record<string, MapShape>>;
  /** An expected result that stands for any: a pointer. */
  readonly #anyResult: number;

  constructor(shapes: Readonly<Record<string, MapShape>>, anyResult: number) {
    this.#shapes = shapes;
    this.#anyResult = anyResult;
  }

  run(test: RunCase): RunOutcome {
    let agreed = 0;
    const differed: string[] = [];
    for (const [name, engine] of engines) {
      using machine = boot({ profile: this.#profile, cpus: 1, memory: 8 << 20, engine });
      try {
        const program = this.#load(machine, test);
        for (const { retval, data } of test.runs) {
          const packet = new Uint8Array(packetSize);
          packet.set((fromHex(data) as Uint8Array).subarray(0, packetSize));
          const { returned } = machine.programTestRun(program, { data: packet });
          if (returned === retval >>> 0 || retval === this.#anyResult) agreed++;
          else differed.push(`${name}: ${returned}, expected ${retval >>> 0}`);
        }
      } catch (fault) {
        if (!(fault instanceof SysError)) throw fault;
        return { agreed: 0, differed: [], refused: fault.message };
      }
    }
    return { agreed, differed };
  }

  #load(machine: OpenMachine, test: RunCase): Fd {
    const code = test.code.slice();
    const view = new DataView(code.buffer);
    for (const [fixup, slots] of Object.entries(test.fixups)) {
      if (slots.length === 0) continue;
      const fd = this.#map(machine, fixup, test.type);
      for (const slot of slots) view.setInt32(slot * 8 + 4, fd, true);
    }
    const expected = Object.entries(attachTypes).find(([, number]) => number === test.attachType)?.[0];
    return machine.programLoad({
      type: test.type,
      code,
      license: 'GPL',
      flags: test.flags,
      ...(test.attachType !== 0 && expected ? { expectedAttachType: expected as keyof typeof attachTypes } : {}),
      ...(test.btf ? { btf: test.btf } : {}),
      ...(test.functions ? { functions: test.functions } : {}),
    });
  }

  #map(machine: OpenMachine, fixup: string, type: ProgramType): Fd {
    const shape = this.#shapes[fixup];
    if (!shape) throw new Error(`a map of the kind ${fixup} is not known`);
    if (shape.type === 'prog_array') return programArray(machine, type, fixup === 'fixup_prog1' ? 4 : 8);
    const { type: mapType, keySize, valueSize, maxEntries, flags = 0, inner } = shape;
    const innerMap = inner && machine.mapCreate(inner);
    const fd = machine.mapCreate({
      type: mapType,
      keySize,
      valueSize,
      maxEntries,
      flags,
      ...(innerMap === undefined ? {} : { innerMap }),
    });
    if (filled.has(fixup)) machine.mapUpdate(fd, first, filling(valueSize));
    return fd;
  }
}

function filling(size: number): Uint8Array {
  const value = new Uint8Array(48);
  const view = new DataView(value.buffer);
  view.setUint32(0, 28, true);
  view.setUint32(28, 0xabcd_ef12, true);
  return value.subarray(0, size);
}

/** Programs that give 42 and 24, and one that calls itself until it may not and gives 41. */
function programArray(machine: OpenMachine, type: ProgramType, entries: number): Fd {
  const array = machine.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: entries });
  const [simple, loop, last] = entries === 4 ? [0, 1, 2] : [7, 1, 2];
  const texts: readonly (readonly [number, string])[] = [
    [simple as number, 'r0 = 42\nexit'],
    [loop as number, `r3 = ${loop}\nr2 = ARRAY ll\ncall bpf_tail_call\nr0 = 41\nexit`],
    [last as number, 'r0 = 24\nexit'],
  ];
  for (const [index, text] of texts) {
    const { code, relocations } = assemble(text, { helper: (name) => helperByName(name)?.id });
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    for (const { slot } of relocations) {
      view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | 16);
      view.setInt32(slot * 8 + 4, array, true);
    }
    const program = machine.programLoad({ type, code, license: 'GPL' });
    const [key, value] = [index, program].map((word) => new Uint8Array(new Uint32Array([word]).buffer));
    machine.mapUpdate(array, key as Uint8Array, value as Uint8Array);
  }
  return array;
}
