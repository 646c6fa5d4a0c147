import { describe, expect, test } from 'vitest';
import { encode, type InstructionBody, immediate, register } from '../../../src/isa/index.ts';
import { createInterpreter, createJit, type Executable } from '../../../src/vm/index.ts';
import { engines } from '../engines.ts';
import { linked, TestHost } from '../host.ts';

/** Programs that are cut into chunks: straight lines, jumps across chunks, a loop over all of it, calls between. */
function large(instructions: number): Uint8Array {
  const body: InstructionBody[] = [
    { kind: 'alu', op: 'mov', width: 64, dst: 6, src: register(2) },
    { kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(7) },
    { kind: 'store', size: 8, base: 10, offset: -8, src: immediate(5) },
  ];
  const loop = body.length;
  for (let index = 0; body.length < instructions - 12; index++) {
    body.push({ kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(31 + (index & 7)) });
    body.push({ kind: 'alu', op: 'xor', width: 32, dst: 1, src: register(0) });
    if (index % 5 === 0) body.push({ kind: 'load', size: 8, signed: false, dst: 2, base: 10, offset: -8 });
    if (index % 7 === 0) body.push({ kind: 'alu', op: 'add', width: 64, dst: 0, src: register(2) });
    // Far forward, but within what is left and within an offset's reach.
    const reach = Math.min(index % 97 === 0 ? 9000 : 1, 32000);
    if (index % 11 === 0 && body.length + reach < instructions - 12) {
      body.push({ kind: 'jump', op: 'set', width: 64, dst: 0, src: immediate(64), offset: reach });
    }
  }
  body.push({ kind: 'call', target: 'local', imm: 5, offset: 0 });
  body.push({ kind: 'alu', op: 'sub', width: 64, dst: 6, src: immediate(1) });
  body.push({ kind: 'jump', op: 'sle', width: 64, dst: 6, src: immediate(0), offset: 1 });
  body.push({ kind: 'goto', long: true, offset: loop - body.length - 1 });
  body.push({ kind: 'alu', op: 'add', width: 64, dst: 0, src: register(1) });
  body.push({ kind: 'exit' });
  body.push({ kind: 'alu', op: 'mul', width: 64, dst: 1, src: immediate(3) });
  body.push({ kind: 'alu', op: 'mov', width: 64, dst: 0, src: register(1) });
  body.push({ kind: 'exit' });
  return encode(body);
}

/** A large program is interpreted until it has retired 256 times its instructions; each of these runs retires them once. */
const runsUntilCompiled = 260;

describe('programs of many instructions', () => {
  test.each([4000, 5000, 30_000])('of %i run alike, and count alike', (instructions) => {
    const code = large(instructions);
    const [expected, ...others] = [createInterpreter(), createJit()].flatMap((engine) =>
      [{}, { count: true }, { budget: instructions + 1234, count: true }].map((options) => {
        const host = new TestHost(options);
        const executable = engine.load(linked(code), host);
        const context = host.place(new Uint8Array(8));
        executable.run(context, 3);
        const { result, trap } = executable;
        for (let run = 1; run < runsUntilCompiled; run++) {
          executable.run(context, 3);
          if (executable.result !== result || executable.trap?.instruction !== trap?.instruction)
            expect.fail(`run ${run}`);
        }
        return { options, result, trap, retired: executable.retired };
      }),
    );
    for (const other of others) if (other.trap === null) expect(other.result).toBe(expected!.result);
    expect(others.slice(2)).toEqual([expected, ...others.slice(0, 2)]);
  });

  test('of 150,000 are compiled without an end of the stack, and go on as they began', () => {
    const code = large(150_000);
    const host = new TestHost();
    const executable = createJit().load(linked(code), host);
    const context = host.place(new Uint8Array(8));
    executable.run(context, 100);
    const { result } = executable;
    for (let run = 0; run < 3; run++) executable.run(context, 100);
    expect(executable.trap).toBeNull();
    expect(executable.result).toBe(result);
  });

  test.each(engines)('run in a batch on the $name', (engine) => {
    const host = new TestHost();
    const executable = engine.load(linked(large(5000)), host);
    const contexts = host.place(new Uint8Array(64));
    host.memory.u32.fill(contexts, contexts >>> 2, (contexts >>> 2) + 3);
    executable.run(contexts);
    const { result } = executable;
    for (let run = 0; run < runsUntilCompiled; run++) executable.run(contexts);
    expect(executable.runBatch(contexts, 3, contexts + 16)).toBe(3);
    expect([...host.memory.u64.subarray((contexts + 16) >>> 3, (contexts + 40) >>> 3)]).toEqual([
      result,
      result,
      result,
    ]);
  });
});

test('a large program makes tail calls and callbacks as a small one does, in the interpreter and compiled', () => {
  const filler = Array.from(
    { length: 5000 },
    (): InstructionBody => ({
      kind: 'alu',
      op: 'add',
      width: 64,
      dst: 6,
      src: immediate(1),
    }),
  );
  const call = (imm: number): InstructionBody => ({ kind: 'call', target: 'helper', imm, offset: 0 });
  const big = encode([
    ...filler,
    { kind: 'loadImm64', pseudo: 'func', dst: 1, imm: 5, nextImm: 0 },
    call(1),
    { kind: 'alu', op: 'mov', width: 64, dst: 7, src: register(0) },
    call(2),
    { kind: 'exit' },
    { kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(40) },
    { kind: 'exit' },
  ]);
  const small = encode([{ kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(42) }, { kind: 'exit' }]);
  for (const engine of engines) {
    const calledBack: number[] = [];
    let target: Executable | undefined;
    const host = new TestHost({
      helpers: {
        1: (window, executable) => window.answer(calledBack.push(executable.callback(window.low(1)))),
        2: (_, executable) => void executable.tailCall(target as Executable),
      },
    });
    target = engine.load(linked(small), host);
    const program = engine.load(linked(big), host);
    for (let run = 0; run < runsUntilCompiled; run++) {
      program.run(4096);
      if (program.trap !== null || program.result !== 42n) expect.fail(`${engine.name}, run ${run}`);
    }
    expect(calledBack).toEqual(new Array(runsUntilCompiled).fill(40));
  }
});
