import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, InputError } from '../../src/base/index.ts';
import { decode, encode, opcodeTable, slotsOf } from '../../src/isa/index.ts';
import { anyInstruction } from './arbitrary.ts';

describe('decode and encode', () => {
  test('decoding what was encoded gives the instructions, each with its slot', () => {
    fc.assert(
      fc.property(fc.array(anyInstruction), (bodies) => {
        const { instructions, slots, indexOfSlot } = decode(encode(bodies));
        let slot = 0;
        const expected = bodies.map((body) => {
          const placed = { slot, ...body };
          slot += slotsOf(body);
          return placed;
        });
        expect(instructions).toEqual(expected);
        expect(slots).toBe(slot);
        for (const [index, instruction] of instructions.entries()) expect(indexOfSlot[instruction.slot]).toBe(index);
      }),
    );
  });

  test('what decodes encodes to the same bytes, and all else is refused with a place', () => {
    const opcode = fc.oneof(fc.nat(255), fc.constantFrom(...opcodeTable.flatMap((row, code) => (row ? [code] : []))));
    const field = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(255));
    const slot = fc.tuple(opcode, field, field, field, field, field, field, field);
    fc.assert(
      fc.property(fc.array(slot, { maxLength: 4 }), (slots) => {
        const code = Uint8Array.from(slots.flat());
        try {
          expect(encode(decode(code).instructions)).toEqual(code);
        } catch (fault) {
          expect(fault).toBeInstanceOf(InputError);
          expect((fault as InputError).at?.offset).toBeLessThan(code.length);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('every opcode of the table is the opcode of some instruction, and no other is', () => {
    const seen = new Set(fc.sample(anyInstruction, { numRuns: 8000, seed: 1 }).map((body) => encode([body])[0]));
    const table = opcodeTable.flatMap((row, code) => (row ? [code] : []));
    expect([...seen].sort((a, b) => a! - b!)).toEqual(table);
  });

  test.each([
    ['95', 0, '1 bytes are no whole instructions'],
    ['9500000000000000 ff00000000000000', 8, 'instruction 1: no instruction has the opcode 0xff'],
    ['0700000000000000 0711000000000000', 9, 'does not use its src field, which holds 1'],
    ['b70b000000000000', 1, 'there is no register r11'],
    ['9500010000000000', 2, 'does not use its offset field'],
    ['1801000000000000', 0, 'the second half of this 64-bit immediate is missing'],
    ['1801000000000000 9500000000000000', 8, 'holds more than an immediate'],
    ['1811000000000000 0000000001000000', 12, 'must be 0, not 1'],
    ['1871000000000000 0000000000000000', 1, 'no 64-bit immediate has the source field 7'],
    ['d401000011000000', 4, 'a byte swap of 17 bits'],
    ['bf12070000000000', 2, 'a move with the offset 7'],
    ['bc12200000000000', 2, 'a move with the offset 32'],
    ['0f12010000000000', 2, 'this operation cannot have the offset 1'],
    ['3f12020000000000', 2, 'this operation cannot have the offset 2'],
    ['db12000002000000', 4, 'no atomic operation has the immediate 0x02'],
    ['d312000000000000', 0, 'an atomic operation on 1 byte'],
    ['8530000001000000', 1, 'no call has the source field 3'],
  ])('%s is refused at byte %i', (hex, offset, message) => {
    const refused = (): unknown => decode(fromHex(hex)!);
    expect(refused).toThrow(InputError);
    try {
      refused();
    } catch (fault) {
      expect((fault as InputError).message).toContain(message);
      expect((fault as InputError).at).toEqual({ offset });
    }
  });

  test.each([
    [{ kind: 'jump', op: 'eq', width: 64, dst: 1, src: { kind: 'imm', imm: 0 }, offset: 40000 }, 'offset 40000'],
    [{ kind: 'alu', op: 'add', width: 64, dst: 1, src: { kind: 'imm', imm: 0x8000_0000 } }, 'immediate 2147483648'],
  ] as const)('what does not fit is not encoded: %j', (body, message) => {
    expect(() => encode([{ kind: 'exit' }, body])).toThrow(message);
  });
});
