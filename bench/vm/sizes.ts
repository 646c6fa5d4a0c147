import { encode, type InstructionBody, immediate, register } from '../../src/isa/index.ts';
import { Memory } from '../../src/memory/index.ts';
import { CallWindow, createInterpreter, createJit, type Engine, type Host } from '../../src/vm/index.ts';

/**
 * What a program costs before it has run once: load and first run, for sizes of 100 to 1,000,000 instructions. The
 * programs are arithmetic, loads and stores of the frame, and forward jumps, as compiled C has them; each runs all of
 * its instructions that its jumps do not pass over.
 */
const sizes = [100, 1000, 10_000, 100_000, 1_000_000] as const;
/** Programs of a size that are measured: the median counts. */
const turns = 5;

function program(instructions: number): Uint8Array {
  const body: InstructionBody[] = [{ kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(7) }];
  for (let offset = -64; offset < 0; offset += 8) {
    body.push({ kind: 'store', size: 8, base: 10, offset, src: immediate(offset) });
  }
  for (let index = 0; body.length < instructions - 2; index++) {
    const offset = -8 * (1 + (index % 8));
    const rest = instructions - 2 - body.length;
    if (index % 6 === 0 && rest > 8) {
      body.push({ kind: 'jump', op: 'set', width: 64, dst: 0, src: immediate(1 << (index % 30)), offset: 3 });
    } else if (index % 5 === 0) body.push({ kind: 'load', size: 8, signed: false, dst: 1, base: 10, offset });
    else if (index % 7 === 0) body.push({ kind: 'store', size: 8, base: 10, offset, src: register(0) });
    else if (index % 2 === 0)
      body.push({ kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(31 + (index & 7)) });
    else body.push({ kind: 'alu', op: 'xor', width: 32, dst: 1, src: register(0) });
  }
  while (body.length < instructions - 1) body.push({ kind: 'alu', op: 'add', width: 64, dst: 0, src: register(1) });
  body.push({ kind: 'exit' });
  return encode(body);
}

/** Milliseconds of load and first run, and of the run that compiles a program which began in the interpreter. */
function once(engine: Engine, code: Uint8Array): { load: number; run: number } {
  const memory = new Memory(1 << 20);
  const host: Host = { memory, window: new CallWindow(memory), helper: () => undefined };
  const context = memory.allocate(64);
  const from = performance.now();
  const executable = engine.load({ name: 'sized', code, facts: { verified: true } }, host);
  const loaded = performance.now();
  executable.run(context);
  const ran = performance.now();
  if (executable.trap) throw new Error(executable.trap.message);
  return { load: loaded - from, run: ran - loaded };
}

/** Prints a line for each size. */
export function measureSizes(): void {
  console.log('\nLoad and first run by size, medians of ms; us an instruction for both together.');
  for (const size of sizes) {
    const code = program(size);
    const cells = [createJit, createInterpreter].map((create) => {
      const all = Array.from({ length: turns }, () => once(create(), code)).sort(
        (a, b) => a.load + a.run - b.load - b.run,
      );
      const { load, run } = all[turns >> 1] as { load: number; run: number };
      const each = ((load + run) * 1000) / size;
      return `load ${load.toFixed(2).padStart(8)}  run ${run.toFixed(2).padStart(7)}  ${each.toFixed(2).padStart(6)} us`;
    });
    console.log(`${String(size).padStart(9)} instructions   jit: ${cells[0]}   interpreter: ${cells[1]}`);
  }
}
