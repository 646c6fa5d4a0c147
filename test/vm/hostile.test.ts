import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode, type InstructionBody, type Register, slotsOf } from '../../src/isa/index.ts';
import { pageKinds, pageSize } from '../../src/memory/index.ts';
import { stackSize } from '../../src/vm/index.ts';
import { stackAreas } from '../../src/vm/stack-areas.ts';
import { anyInstruction } from '../isa/arbitrary.ts';
import { engines } from './engines.ts';
import { linked, TestHost } from './host.ts';

/** Programs that no verifier saw: every jump lands on an instruction, nothing else is sure. */
const hostile = fc
  .tuple(fc.array(anyInstruction, { minLength: 1, maxLength: 40 }), fc.array(fc.nat(8), { minLength: 9, maxLength: 9 }))
  .map(([bodies, pointers]) => {
    const starts: number[] = [];
    let slots = 0;
    const setUp = pointers.map((kind, index): InstructionBody => pointer((index + 1) as Register, kind));
    const program = [...setUp, ...bodies.map(withoutFramePointer)];
    for (const body of program) {
      starts.push(slots);
      slots += slotsOf(body);
    }
    return encode(program.map((body, index) => aimed(body, starts, index)));
  });

/** r1–r9 begin as pointers that reach something, or not. */
function pointer(dst: Register, kind: number): InstructionBody {
  const moves: readonly InstructionBody[] = [
    { kind: 'alu', op: 'mov', width: 64, dst, src: { kind: 'register', register: 10 } },
    { kind: 'alu', op: 'mov', width: 64, dst, src: { kind: 'register', register: 1 } },
    { kind: 'loadImm64', pseudo: 'value', dst, imm: kind * 1000 + pageSize, nextImm: 0xffff8880 | 0 },
  ];
  return moves[kind % moves.length]!;
}

function withoutFramePointer(body: InstructionBody): InstructionBody {
  if (body.kind === 'atomic' && body.src === 10) return { ...body, src: 0 };
  return 'dst' in body && body.dst === 10 && body.kind !== 'jump' ? { ...body, dst: 0 } : body;
}

function aimed(body: InstructionBody, starts: readonly number[], index: number): InstructionBody {
  const aim = (n: number): number => starts[Math.abs(n) % starts.length]! - starts[index]! - 1;
  switch (body.kind) {
    case 'jump':
    case 'goto':
    case 'mayGoto':
      return { ...body, offset: aim(body.offset) };
    case 'call':
      return body.target === 'local' ? { ...body, imm: aim(body.imm) } : body;
    case 'loadImm64':
      return body.pseudo === 'func' ? { ...body, imm: aim(body.imm) } : body;
    default:
      return body;
  }
}

describe.each(engines)('hostile programs on the $name', (engine) => {
  const host = new TestHost({ budget: 2000, count: true, packet: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
  const context = host.place(new Uint8Array(64));
  const guarded = host.place(new Uint8Array(64).fill(0xaa), true);
  const { memory } = host;

  /** What the machine itself writes: its page table, and the cells of compiled code. */
  const machine = new Set([memory.pageTable / pageSize, stackAreas(host).cells / pageSize]);

  /** Everything that a program may not write to. */
  const forbidden = (): number => {
    let sum = 0;
    for (let page = 0; page < memory.pages.length; page++) {
      if (memory.pages[page] === pageKinds.kernel || machine.has(page)) continue;
      for (let word = (page * pageSize) / 4; word < ((page + 1) * pageSize) / 4; word++) sum += memory.u32[word]!;
    }
    return sum;
  };

  test('end, by themselves or with a trap, and touch nothing but what is theirs', () => {
    const before = forbidden();
    expect(before).toBeGreaterThan(0);
    const kinds = new Set<string>();
    fc.assert(
      fc.property(hostile, (code) => {
        memory.u8.fill(0, host.stack(), host.stack() + stackSize);
        const program = engine.load(linked(code), host);
        program.run(context, guarded);
        kinds.add(program.trap?.kind ?? 'none');
        expect(program.retired).toBeLessThanOrEqual(2000);
      }),
      { numRuns: 1000 },
    );
    expect(forbidden()).toBe(before);
    expect([...kinds]).toEqual(
      expect.arrayContaining(['none', 'unmapped-address', 'unknown-helper', 'stack-overflow']),
    );
  });

  test('every instruction of the set has its meaning: only what this host lacks is a bad instruction', () => {
    fc.assert(
      fc.property(anyInstruction, (any) => {
        const body = aimed(withoutFramePointer(any), [0], 0);
        const program = engine.load(linked(encode([body])), host);
        program.run(context);
        if (body.kind !== 'addrSpaceCast') expect(program.trap?.kind).not.toBe('bad-instruction');
      }),
      { numRuns: 2000 },
    );
  });
});
