import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { BtfBuilder, loadProfile, readBtf } from '../../src/btf/index.ts';

const kernel = loadProfile('6.18').btf;

describe('the types of Linux 6.18', () => {
  test.each([
    ['sk_buff', 224],
    ['sock', 784],
    ['task_struct', 3264],
    ['net_device', 2496],
    ['pt_regs', 168],
  ])('struct %s is %i bytes', (name, size) => {
    expect(kernel.sizeOf(kernel.find('struct', name)!)).toBe(size);
  });

  test.each([
    ['sk_buff', 'len', 112, 4, 'unsigned int'],
    ['sk_buff', 'protocol', 176, 2, '__be16'],
    ['sk_buff', 'head', 192, 8, 'unsigned char *'],
    ['sk_buff', 'data', 200, 8, 'unsigned char *'],
    ['sk_buff', 'headers.protocol', 176, 2, '__be16'],
    ['sk_buff', 'cb[5]', 45, 1, 'char'],
    ['sk_buff', 'destructor', 96, 8, 'void (*)(struct sk_buff *)'],
    ['sock', '__sk_common.skc_dport', 12, 2, '__be16'],
    ['pt_regs', 'di', 112, 8, 'long unsigned int'],
  ])('%s.%s is at %i', (struct, path, offset, size, type) => {
    const place = kernel.member(kernel.find('struct', struct)!, path)!;
    expect({ ...place, type: kernel.print(place.type) }).toEqual({ offset, size, type, bitShift: 0, bitSize: 0 });
  });

  test('a bit-field has its place in its storage', () => {
    const place = kernel.member(kernel.find('struct', 'sk_buff')!, 'ip_summed')!;
    expect(place).toMatchObject({ offset: 128, size: 1, bitShift: 5, bitSize: 2 });
  });

  test.each([
    ['sk_buff', 'nothing'],
    ['sk_buff', 'len.nothing'],
    ['sk_buff', 'cb[48]'],
    ['sk_buff', 'ip_summed.x'],
    ['sk_buff', ''],
  ])('%s has no member %s', (struct, path) => {
    expect(kernel.member(kernel.find('struct', struct)!, path)).toBeUndefined();
  });

  test('a function has its parameters by name', () => {
    const prototype = kernel.functionPrototype('tcp_v4_connect')!;
    expect(prototype.params.map((param) => [param.name, kernel.print(param.type)])).toEqual([
      ['sk', 'struct sock *'],
      ['uaddr', 'struct sockaddr *'],
      ['addr_len', 'int'],
    ]);
    expect(kernel.print(prototype.returns)).toBe('int');
    expect(kernel.functionPrototype('no_such_function')).toBeUndefined();
  });

  test('every function that is listed has a prototype', () => {
    const names = [...kernel.functionNames()];
    expect(names.length).toBeGreaterThan(5000);
    expect(names.filter((name) => !kernel.functionPrototype(name))).toEqual([]);
  });

  test('a name is found only among its own kind', () => {
    expect(kernel.find('struct', 'u32')).toBeUndefined();
    expect(kernel.find('typedef', 'u32')).toBeDefined();
    expect(kernel.find('struct', '')).toBeUndefined();
    expect(kernel.type(kernel.strip(kernel.find('typedef', 'u32')!))).toMatchObject({ kind: 'int', size: 4 });
  });

  test('an enumerator has its value', () => {
    expect(kernel.enumerator('SKB_DROP_REASON_NO_SOCKET')).toBe(3n);
    expect(kernel.enumerator('NO_SUCH_VALUE')).toBeUndefined();
  });

  test('an id outside is a mistake of the caller', () => {
    expect(() => kernel.type(kernel.count)).toThrow(RangeError);
  });
});

function small(): Uint8Array {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, { signed: true });
  const pair = builder.struct('pair', [
    { name: 'left', type: int },
    { name: 'right', type: builder.pointer(int) },
  ]);
  builder.function('swap', 0, [{ name: 'pair', type: builder.pointer(pair) }]);
  return builder.encode();
}

/** The bytes of the small BTF with a change. */
function changed(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = small();
  change(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes);
  return bytes;
}

describe('bytes that are not BTF', () => {
  test.each<[string, Uint8Array, string, number]>([
    ['nothing', new Uint8Array(0), 'cut off', 0],
    ['a big-endian one', changed((view) => view.setUint16(0, 0xeb9f)), 'big-endian', 0],
    ['another magic', changed((view) => view.setUint16(0, 0x457f, true)), 'begins with 0x457f', 0],
    ['a newer version', changed((view) => view.setUint8(2, 2)), 'unknown version 2', 2],
    ['a short header', changed((view) => view.setUint32(4, 8, true)), 'bad length 8', 4],
    ['types beyond the end', changed((view) => view.setUint32(12, 4096, true)), 'types end at', small().length],
    ['strings beyond the end', changed((view) => view.setUint32(20, 4096, true)), 'strings end at', small().length],
    ['strings without NUL', changed((_, bytes) => bytes.fill(65, bytes.length - 1)), 'NUL', 24 + 108],
    ['an unknown kind', changed((view) => view.setUint32(28, 30 << 24, true)), 'unknown kind 30', 28],
    ['a name outside', changed((view) => view.setUint32(24, 9999, true)), 'name of type 1', 24],
    ['a type outside', changed((view) => view.setUint32(24 + 16 + 8, 9999, true)), 'refers to type 9999', 40],
    ['a longer struct', changed((view) => view.setUint32(12, 24, true)), 'cut off', 40],
  ])('%s: one message with the byte offset', (_, bytes, message, offset) => {
    let fault: unknown;
    try {
      readBtf(bytes, 'x.btf');
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(InputError);
    expect((fault as InputError).message).toContain(message);
    expect((fault as InputError).at).toEqual({ file: 'x.btf', offset });
  });

  test('no change of bytes brings anything but types or an InputError', () => {
    const good = small();
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = good.slice(0, good.length - (length % 8));
        if (at < bytes.length) bytes[at] = value;
        try {
          const btf = readBtf(bytes);
          for (let id = 0; id < btf.count; id++) {
            btf.print(id);
            btf.sizeOf(id);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
