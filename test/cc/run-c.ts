import type { KernelProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import type { MapSpec, ObjectSpec, Relocation } from '../../src/object/index.ts';
import type { CallWindow, Engine, Helper } from '../../src/vm/index.ts';
import { linked, TestHost } from '../vm/host.ts';
import { kernelSpace, Tables } from './run-tables.ts';

/** Compiles C and runs its first program on an engine, with eight words as context; r0 whole. */
export interface RunOptions {
  readonly helpers?: Readonly<Record<number, Helper>>;
}

/** Code that is ready to run but for the addresses of its data. */
export interface Runnable {
  readonly code: Uint8Array;
  readonly relocations: readonly Relocation[];
  /** The bytes of each section of data. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** The other maps: arrays and hash tables, which begin empty. */
  readonly tables: readonly MapSpec[];
}

export function compiledObject(text: string, profile: KernelProfile): ObjectSpec {
  const { object, diagnostics } = compileC(text, { file: 'test.c', profile });
  if (!object?.programs[0]) throw new Error(renderDiagnostics(diagnostics) || 'no program');
  return object;
}

export function compiled(text: string, profile: KernelProfile): Runnable {
  return runnable(compiledObject(text, profile));
}

export function runnable({ programs, maps }: ObjectSpec): Runnable {
  const data = new Map(maps.flatMap((map) => (map.contents ? [[map.name, map.contents] as const] : [])));
  const [program] = programs as [ObjectSpec['programs'][number]];
  const tables = maps.filter((map) => !map.contents);
  return { code: program.code, relocations: program.relocations, data, tables };
}

/** probe_read and its kin: memory that is there is copied. */
function probeRead(window: CallWindow): void {
  const { memory } = window;
  memory.u8.copyWithin(window.low(1), window.low(3), window.low(3) + window.low(2));
  window.answer(0);
}
const probeReads = { 4: probeRead, 112: probeRead, 113: probeRead };

const kernelBase = BigInt(kernelSpace) << 32n;

export function runCode(
  runnable: Runnable,
  input: readonly bigint[],
  engine: Engine,
  options: RunOptions = {},
): bigint {
  const tables = new Tables();
  const helpers = { ...probeReads, ...tables.helpers, ...options.helpers };
  const host = new TestHost({ helpers, budget: 1_000_000 });
  const code = runnable.code.slice();
  const view = new DataView(code.buffer);
  const places = new Map([...runnable.data].map(([name, bytes]) => [name, host.place(bytes)] as const));
  for (const spec of runnable.tables) places.set(spec.name, tables.add(spec, host));
  for (const { slot, map, offset = 0 } of runnable.relocations) {
    const address = kernelBase + BigInt((places.get(map) as number) + offset);
    view.setUint32(slot * 8 + 4, Number(address & 0xffffffffn), true);
    view.setUint32(slot * 8 + 12, Number(address >> 32n), true);
  }
  const bytes = new Uint8Array(BigUint64Array.from(input).buffer);
  const program = engine.load(linked(code), host);
  program.run(host.place(bytes));
  if (program.trap) throw new Error(program.trap.message);
  return program.result;
}
