import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/index.ts';
import { formatCode, SymbolTable } from '../../../src/sim/machine/symbols.ts';

const functions = ['tcp_v4_rcv', 'ip_rcv', '__udp4_lib_rcv', 'kfree_skb'];
const whole = (low: number) => (0xffffffffn << 32n) | BigInt(low >>> 0);

describe('symbols', () => {
  test.each([
    ['tcp_v4_rcv', 'tcp_v4_rcv+0x0'],
    ['ip_rcv+0x91', 'ip_rcv+0x91'],
    ['__udp4_lib_rcv+0x4bc/0xd00', '__udp4_lib_rcv+0x4bc'],
    ['__netif_receive_skb_core.constprop.0+0xb5d', '__netif_receive_skb_core.constprop.0+0xb5d'],
    ['nft_do_chain+0x301 [nf_tables]', 'nft_do_chain+0x301 [nf_tables]'],
    ['seen_before_any_btf+0x1fa0', 'seen_before_any_btf+0x1fa0'],
  ])('%s is at an address that prints as %s', (text, printed) => {
    const symbols = new SymbolTable(functions);
    expect(symbols.format(whole(symbols.locate(text)))).toBe(printed);
  });

  test('every name and offset turns into an address and back, in any order of sight', () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_.]{0,12}$/);
    const frame = fc.record({ name, offset: fc.nat(0x3fff), module: fc.option(fc.stringMatching(/^[a-z_]{1,8}$/)) });
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        const symbols = new SymbolTable(functions);
        const texts = frames.map(
          ({ name, offset, module }) => `${name}+0x${offset.toString(16)}${module ? ` [${module}]` : ''}`,
        );
        const lows = texts.map((text) => symbols.locate(text));
        expect(lows.map((low) => symbols.format(whole(low)))).toEqual(texts);
      }),
    );
  });

  test('addresses of functions of BTF depend on nothing but their order', () => {
    const one = new SymbolTable(functions);
    const other = new SymbolTable(functions);
    other.locate('something_else+0x10');
    other.locate('nft_do_chain+0x301 [nf_tables]');
    for (const name of functions) expect(other.address(name)).toBe(one.address(name));
    expect(one.address('tcp_v4_rcv')).toBe(0xffffffff81000000n);
  });

  test('a module has its own place for a name that the kernel has too', () => {
    const symbols = new SymbolTable(functions);
    const inModule = symbols.locate('ip_rcv+0x0 [mine]');
    expect(inModule >>> 0).toBeGreaterThanOrEqual(0xc0000000);
    expect(inModule).not.toBe(symbols.locate('ip_rcv+0x0'));
    expect(symbols.lookup(whole(inModule))).toEqual({ name: 'ip_rcv', module: 'mine', offset: 0 });
    symbols.locate('only_there+0x0 [mine]');
    expect(symbols.address('only_there')).toBe(0xffffffffc0004000n);
  });

  test('a bare code address stays what it is', () => {
    const symbols = new SymbolTable(functions);
    expect(formatCode(symbols.locate('0xffffffffa0001234'))).toBe('0xffffffffa0001234');
    expect(symbols.format(0xffffffffa0001234n)).toBe('[unknown]');
  });

  test('there may be as many functions as a whole kernel has', () => {
    const names = Array.from({ length: 56_257 }, (_, i) => `f${i}`);
    const symbols = new SymbolTable(names);
    expect(symbols.format(whole(symbols.locate('f56256+0x1fa0')))).toBe('f56256+0x1fa0');
    expect(symbols.format(whole(symbols.locate('seen_later+0x1fa0')))).toBe('seen_later+0x1fa0');
  });

  test.each(['', 'a b', 'ip_rcv+91', 'ip_rcv+0x', '[unknown]', 'ip_rcv+0x100000', '0x1234'])(
    '%o is refused',
    (text) => {
      expect(() => new SymbolTable(functions).locate(text)).toThrow(InputError);
    },
  );

  test.each([[0n], [0xffff888000001000n], [0xffffffff80fffff0n], [0xfffffffffffffff0n]])(
    '%s is no symbol',
    (address) => {
      const symbols = new SymbolTable(functions);
      expect([symbols.lookup(address), symbols.format(address)]).toEqual([undefined, '[unknown]']);
      expect(symbols.address('nowhere')).toBeUndefined();
    },
  );
});
