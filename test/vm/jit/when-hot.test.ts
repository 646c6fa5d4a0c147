import { expect, test } from 'vitest';
import { encode, factRegisters, type InstructionBody, immediate, register } from '../../../src/isa/index.ts';
import { createInterpreter, createJit, type Engine, type Executable } from '../../../src/vm/index.ts';
import { TestHost, type TestHostOptions } from '../host.ts';

/**
 * A program that begins in the interpreter is compiled at the run after it has retired 256 times its instructions.
 * Registers' facts are only looked at by the compiler: whether they were says whether it has been at work.
 */
const turns = 256;
const counter: readonly InstructionBody[] = [
  { kind: 'load', size: 4, signed: false, dst: 0, base: 1, offset: 0 },
  { kind: 'alu', op: 'add', width: 64, dst: 0, src: immediate(1) },
  { kind: 'store', size: 4, base: 1, offset: 0, src: register(0) },
  { kind: 'exit' },
];

interface Loaded {
  readonly executable: Executable;
  isCompiled(): boolean;
}

function loaded(engine: Engine, host: TestHost, body: readonly InstructionBody[] = counter): Loaded {
  const code = encode(body);
  let isCompiled = false;
  const facts = {
    verified: true,
    get registers() {
      isCompiled = true;
      return new Uint8Array((code.length / 8) * factRegisters);
    },
  };
  return { executable: engine.load({ name: 'test', code, facts }, host), isCompiled: () => isCompiled };
}

test('a program is compiled when it is loaded, or after it has run for a while', () => {
  expect(loaded(createJit(), new TestHost()).isCompiled()).toBe(true);
  const host = new TestHost();
  const { executable, isCompiled } = loaded(createJit({ whenHot: true }), host);
  const context = host.place(new Uint8Array(8));
  for (let run = 1; run <= turns; run++) executable.run(context);
  expect(isCompiled()).toBe(false);
  expect(executable.run(context)).toBe(turns + 1);
  expect(isCompiled()).toBe(true);
  expect([executable.result, executable.trap]).toEqual([BigInt(turns + 1), null]);
});

test.each<TestHostOptions>([{}, { count: true }, { budget: 100, count: true }])(
  'a batch in which it is compiled gives what the interpreter gives: %o',
  (options) => {
    const count = turns + 44;
    const [expected, got] = [createInterpreter(), createJit({ whenHot: true })].map((engine) => {
      const host = new TestHost(options);
      const { executable } = loaded(engine, host);
      const contexts = host.place(new Uint8Array(count * 4));
      const results = host.place(new Uint8Array(count * 8));
      host.memory.u32.fill(host.place(new Uint8Array(8)), contexts >>> 2, (contexts >>> 2) + count);
      const done = executable.runBatch(contexts, count, results);
      const values = [...host.memory.u64.subarray(results >>> 3, (results >>> 3) + count)];
      return { done, values, result: executable.result, retired: executable.retired };
    });
    expect(got).toEqual(expected);
    expect(got?.values.at(-1)).toBe(BigInt(count));
  },
);

test('a trap in a batch ends it, before and after it is compiled', () => {
  for (const bad of [3, turns + 3]) {
    const host = new TestHost();
    const code = encode(counter);
    const executable = createJit({ whenHot: true }).load({ name: 'test', code }, host);
    const contexts = host.place(new Uint8Array((bad + 2) * 4));
    host.memory.u32.fill(host.place(new Uint8Array(8)), contexts >>> 2, (contexts >>> 2) + bad + 2);
    host.memory.u32[(contexts >>> 2) + bad] = 0;
    expect(executable.runBatch(contexts, bad + 2, host.place(new Uint8Array((bad + 2) * 8)))).toBe(bad);
    expect(executable.trap).toMatchObject({ kind: 'unmapped-address', instruction: 0 });
  }
});

test('programs of which one is compiled tail call each other', () => {
  const calls: InstructionBody[] = [
    { kind: 'call', target: 'helper', imm: 12, offset: 0 },
    { kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(-1) },
    { kind: 'exit' },
  ];
  let target: Executable | undefined;
  const host = new TestHost({
    helpers: { 12: (window, executable) => window.answer(target && executable.tailCall(target) ? 0 : -1) },
  });
  const engine = createJit({ whenHot: true });
  const caller = loaded(engine, host, calls);
  const callee = loaded(engine, host);
  const context = host.place(new Uint8Array(8));
  for (let run = 0; run <= turns * 2; run++) callee.executable.run(context);
  expect([callee.isCompiled(), caller.isCompiled()]).toEqual([true, false]);
  target = callee.executable;
  for (let run = 1; run <= turns * 3; run++) expect(caller.executable.run(context)).toBe(turns * 2 + 1 + run);
  expect(caller.isCompiled()).toBe(true);
});
