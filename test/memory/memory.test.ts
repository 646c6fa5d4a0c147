import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errno, SysError } from '../../src/base/index.ts';
import { kernelSpace, Memory, pageKinds, pageSize, userSpace, wholePages } from '../../src/memory/index.ts';

const { EFAULT } = errno;

/** Behind the hole at 0 and the page table. */
const firstFree = (memory: Memory): number => memory.pageTable + wholePages(memory.pages.length);

describe('pages', () => {
  test('offset 0 and what is not handed out are holes', () => {
    const memory = new Memory(1 << 20);
    const offset = memory.allocatePages(3 * pageSize);
    expect(offset).toBeGreaterThan(0);
    expect(memory.isMapped(kernelSpace, 0, 1)).toBe(false);
    expect(memory.isMapped(kernelSpace, offset, 3 * pageSize)).toBe(true);
    expect(memory.isMapped(kernelSpace, offset, 3 * pageSize + 1)).toBe(false);
    expect(memory.isMapped(kernelSpace, offset - 1, 2)).toBe(false);
    expect(memory.used).toBe(3 * pageSize);
  });

  test.each([
    [pageKinds.kernel, kernelSpace, true],
    [pageKinds.kernelReadOnly, kernelSpace, false],
    [pageKinds.user, userSpace, true],
  ])('a page of kind %i is reached through space 0x%x, writable %s', (kind, space, writable) => {
    const memory = new Memory(1 << 20);
    const offset = memory.allocatePages(pageSize, kind);
    const other = space === userSpace ? kernelSpace : userSpace;
    expect(memory.spaceAt(offset)).toBe(space);
    expect([memory.isMapped(space, offset, 8), memory.isMapped(other, offset, 8)]).toEqual([true, false]);
    expect([memory.isWritable(space, offset, 8), memory.isWritable(other, offset, 8)]).toEqual([writable, false]);
    expect([memory.isMapped(space, offset, 0), memory.isMapped(space, offset, -8)]).toEqual([true, false]);
  });

  test('a range over pages of two kinds is writable only where both are', () => {
    const memory = new Memory(1 << 20);
    const first = memory.allocatePages(pageSize);
    const second = memory.allocatePages(pageSize, pageKinds.kernelReadOnly);
    expect(second).toBe(first + pageSize);
    expect(memory.isMapped(kernelSpace, second - 4, 8)).toBe(true);
    expect(memory.isWritable(kernelSpace, second - 4, 8)).toBe(false);
    expect(memory.isWritable(kernelSpace, second - 4, 4)).toBe(true);
  });

  test('the end of the memory is the end', () => {
    const memory = new Memory(1 << 20);
    memory.allocatePages(memory.size - firstFree(memory));
    expect(memory.isMapped(kernelSpace, memory.size - 8, 8)).toBe(true);
    expect(memory.isMapped(kernelSpace, memory.size - 8, 9)).toBe(false);
    expect(memory.isMapped(kernelSpace, -8, 8)).toBe(false);
    expect(() => memory.allocatePages(1)).toThrow(SysError);
  });

  test('given back in pieces they serve one large request', () => {
    const memory = new Memory(1 << 20);
    const all = (memory.size - firstFree(memory)) / pageSize;
    const pages = Array.from({ length: all }, () => memory.allocatePages(1));
    for (const i of [...pages.keys()].sort((a, b) => (a % 3) - (b % 3))) memory.freePages(pages[i] as number, 1);
    expect(memory.used).toBe(0);
    expect(memory.allocatePages(all * pageSize)).toBe(firstFree(memory));
  });
});

describe('the allocator', () => {
  test.each([
    [pageKinds.unmapped, 0],
    [pageKinds.kernel, kernelSpace],
  ])('kind %i has space %i', (kind, space) => {
    const memory = new Memory(1 << 20);
    const offset = memory.allocatePages(1);
    if (kind === pageKinds.unmapped) memory.freePages(offset, 1);
    expect(memory.spaceAt(offset)).toBe(space);
  });

  test('objects are zeroed, aligned, apart, and memory does not leak', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 20_000 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, fc.nat(9)), { maxLength: 60 }), (requests) => {
        const memory = new Memory(2 << 20);
        const held: { offset: number; bytes: number; mark: number }[] = [];
        for (const [bytes, release] of requests) {
          const offset = memory.allocate(bytes);
          expect(offset % 8).toBe(0);
          expect(memory.isWritable(kernelSpace, offset, bytes)).toBe(true);
          expect(memory.bytes(offset, bytes).every((byte) => byte === 0)).toBe(true);
          const mark = held.length + 1;
          memory.bytes(offset, bytes).fill(mark);
          held.push({ offset, bytes, mark });
          const gone = held[release];
          if (gone === undefined) continue;
          expect(memory.bytes(gone.offset, gone.bytes).every((byte) => byte === gone.mark)).toBe(true);
          memory.free(gone.offset, gone.bytes);
          held.splice(release, 1);
        }
        for (const { offset, bytes, mark } of held) {
          expect(memory.bytes(offset, bytes).every((byte) => byte === mark)).toBe(true);
          memory.free(offset, bytes);
        }
        // Slabs stay with the allocator: 11 size classes, and no object was larger than the rest.
        expect(memory.allocatePages(memory.size - memory.used - pageSize * 64)).toBeGreaterThan(0);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('too much is ENOMEM and says how large the machine is', () => {
    const memory = new Memory(1 << 20);
    expect(() => memory.allocate(2 << 20)).toThrow(
      "memory: ENOMEM: 2097152 bytes do not fit the simulated machine's 1 MiB",
    );
    expect(memory.used).toBe(0);
  });
});

describe('guarded copies', () => {
  const memory = new Memory(1 << 20);
  const target = memory.allocate(64);
  const kernel = memory.allocatePages(pageSize);
  const user = memory.allocatePages(pageSize, pageKinds.user);
  memory.bytes(kernel, 8).fill(1);
  memory.bytes(user, 8).fill(2);
  const hole = memory.size - pageSize;

  test.each([
    ['kernel', kernelSpace, kernel, [0, 1, 1]],
    ['kernel, its halves signed', kernelSpace | 0, kernel | 0, [0, 1, 1]],
    ['user', userSpace, user, [0, 2, 2]],
    ['NULL', 0, 0, [-EFAULT, 0, 0]],
    ['user memory by a kernel pointer', kernelSpace, user, [-EFAULT, 0, 0]],
    ['user hole', userSpace, hole, [-EFAULT, 0, 0]],
    ['kernel hole', kernelSpace, hole, [-EFAULT, 0, 0]],
    ['over the end of a page', userSpace, user + pageSize - 4, [-EFAULT, 0, 0]],
    ['elsewhere in the kernel', 0xffffc000, 0, [-EFAULT, 0, 0]],
    ['not canonical', 0x12345678, 0x9abc0000, [-EFAULT, 0, 0]],
  ])('from %s', (_name, high, low, expected) => {
    memory.bytes(target, 8).fill(0xaa);
    expect([memory.guardedCopy(target, high, low, 8), memory.u8[target], memory.u8[target + 7]]).toEqual(expected);
  });

  test('of nothing succeed, whatever the pointer', () => {
    expect(memory.guardedCopy(target, 0, 0, 0)).toBe(0);
  });
});

describe('pointers', () => {
  const memory = new Memory(1 << 20);
  const offset = memory.allocatePages(pageSize, pageKinds.user);

  test('hold the space above the offset', () => {
    expect(memory.kernelPointer(0x12340)).toBe(0xffff888000012340n);
    expect(memory.userPointer(0x12340)).toBe(0x00007f0000012340n);
    expect(memory.format(offset)).toBe(`0x7f00${offset.toString(16).padStart(8, '0')}`);
    expect(memory.format(0x80000)).toBe('0xffff888000080000');
  });

  test('strings end at NUL, at the limit, or at the end', () => {
    memory.bytes(offset, 6).set([0x61, 0x62, 0x63, 0, 0x64, 0x65]);
    expect([memory.string(offset), memory.string(offset, 2), memory.string(offset + 4)]).toEqual(['abc', 'ab', 'de']);
    memory.u8.fill(0x7a, memory.size - 3);
    expect(memory.string(memory.size - 3)).toBe('zzz');
  });
});

test.each([
  [0, 0],
  [1, 4096],
  [4096, 4096],
  [4097, 8192],
])('%i bytes are %i in whole pages', (bytes, whole) => {
  expect(wholePages(bytes)).toBe(whole);
});
