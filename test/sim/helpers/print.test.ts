import { describe, expect, test } from 'vitest';
import { errno } from '../../../src/base/index.ts';
import { Memory, pageKinds } from '../../../src/memory/index.ts';
import { formatPrintk } from '../../../src/sim/helpers/format.ts';
import { Current } from '../../../src/sim/machine/current.ts';
import { SymbolTable } from '../../../src/sim/machine/symbols.ts';
import { TracePipe } from '../../../src/sim/machine/trace-pipe.ts';
import { UserMemory } from '../../../src/sim/processes/user-memory.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash } from '../bench.ts';

const memory = new Memory(1 << 20);
const symbols = new SymbolTable(['tcp_v4_rcv']);
const page = memory.allocatePages(4096);
const userMemory = new UserMemory(memory, new Current(memory, 1));
const userPage = memory.allocatePages(4096, pageKinds.user);
memory.u8.set(new TextEncoder().encode('text\0'), page);
memory.u8.set([10, 77, 0, 1], page + 16);
memory.u8.set([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], page + 32);
memory.u8.set(new TextEncoder().encode('user text\0'), userPage);
const text = memory.kernelPointer(page);
const user = memory.userPointer(userPage);
const code = 0xffffffff81000010n;

function print(format: string, ...args: bigint[]): string | number {
  return formatPrintk({ memory, symbols, userMemory }, new TextEncoder().encode(`${format}\0`), args);
}

/** Texts and refusals are those of Linux 6.18. */
describe('formats', () => {
  test.each([
    ['plain', [], 'plain'],
    ['', [], ''],
    ['100%%', [], '100%'],
    ['%d %u', [-1n, -1n], '-1 4294967295'],
    ['%d', [0x1_0000_0005n], '5'],
    ['%ld %lu', [-1n, -1n], '-1 18446744073709551615'],
    ['%lld %llu %llx', [-2n, 2n, 0xdeadbeefcafen], '-2 2 deadbeefcafe'],
    ['%x %X', [0xabcn, 0xabcn], 'abc ABC'],
    ['%i', [7n], '7'],
    ['[%5d] [%-5d] [%05d]', [42n, 42n, -42n], '[   42] [42   ] [-0042]'],
    ['[%+d] [% d]', [1n, 1n], '[+1] [ 1]'],
    ['%c%c', [72n, 105n], 'Hi'],
    ['%s!', [text], 'text!'],
    ['[%8s]', [text], '[    text]'],
    ['%s', [user], 'user text'],
    ['%pks,', [text], 'text,'],
    ['%pus', [user], 'user text'],
    ['%s', [0n], ''],
    ['%px', [text], `ffff8880${page.toString(16).padStart(8, '0')}`],
    ['%ps', [code], 'tcp_v4_rcv'],
    ['%pS', [code], 'tcp_v4_rcv+0x10'],
    ['%pB', [code], 'tcp_v4_rcv+0x10'],
    ['%pS', [5n], '0x5'],
    ['%p', [0n], '0000000000000000'],
    ['%pI4', [text + 16n], '10.77.0.1'],
    ['%pi4', [text + 16n], '010.077.000.001'],
    ['%pI6', [text + 32n], '2001:0db8:0000:0000:0000:0000:0000:0001'],
    ['%pi6', [text + 32n], '20010db8000000000000000000000001'],
    ['%d\n', [1n], '1\n'],
    ['%5c|', [65n], '    A|'],
    ['%-8s|', [text], 'text    |'],
    ['%08s|', [text], '    text|'],
    ['%0-5d|%-05d|', [3n, 3n], '3    |3    |'],
    ['%020llx|', [0xabcn], '00000000000000000abc|'],
    ['% x|%+u', [1n, 1n], '1|1'],
    ['%lx %lX', [10n, 0xabcn], 'a ABC'],
    ['%px;%pS.', [1n, 2n], '0000000000000001;0x2.'],
    ['%10px|', [0x1234n], '      1234|'],
    ['%pI4', [0n], '0.0.0.0'],
    ['%s', [0x1234n], ''],
  ])('%o with %o prints %o', (format, args, expected) => {
    expect(print(format, ...args)).toBe(expected);
  });

  test('%p is a hash: the same for the same address, and not the address', () => {
    const printed = print('%p', text) as string;
    expect(printed).toMatch(/^00000000[0-9a-f]{8}$/);
    expect(print('%pK', text)).toBe(printed);
    expect(print('%p', text + 1n)).not.toBe(printed);
  });

  test.each([
    ['more conversions than arguments', '%d %d', [1n]],
    ['an unknown conversion', '%f', [1n]],
    ['a precision', '%.3d', [1n]],
    ['an alternative form', '%#x', [1n]],
    ['a short', '%hd', [1n]],
    ['a physical address', '%pa', [1n]],
    ['a width from an argument', '%*d', [1n, 1n]],
    ['a cut conversion', '%', []],
    ['%s glued to a word', '%sx', [text]],
    ['an unknown pointer kind', '%pZ', [text]],
    ['a percent with a flag', '%5%', []],
    ['bytes that are not ASCII', 'größe', []],
    ['control characters', '\u0001', []],
  ])('%s is -EINVAL', (_, format, args) => {
    expect(print(format, ...args)).toBe(-errno.EINVAL);
  });

  test('a format without a NUL at its end is -EINVAL', () => {
    expect(formatPrintk({ memory, symbols, userMemory }, new TextEncoder().encode('no end'), [])).toBe(-errno.EINVAL);
  });
});

describe('the trace pipe', () => {
  test('prints lines as trace_pipe does', () => {
    const pipe = new TracePipe();
    pipe.write({ ...bash, pid: 26031, comm: 'python3' }, 0, 2324_814_941_999, 'hello');
    pipe.write({ ...bash, pid: 0, comm: 'swapper/1' }, 1, 1_500, 'two\nlines');
    expect(pipe.read()).toEqual([
      '         python3-26031   [000] d..31  2324.814941: bpf_trace_printk: hello',
      '          <idle>-0       [001] d..31     0.000001: bpf_trace_printk: two',
      'lines',
    ]);
    expect(pipe.read()).toEqual([]);
  });

  test('keeps the newest lines when nobody reads', () => {
    const pipe = new TracePipe();
    for (let i = 0; i < 50_000; i++) pipe.write(bash, 0, i, `line ${i}`);
    const lines = pipe.read();
    expect(lines).toHaveLength(16_384);
    expect(lines.at(-1)).toContain('line 49999');
    expect(lines[0]).toContain(`line ${50_000 - 16_384}`);
  });

  test.each(engines)('shows what a program prints on the $name', (engine) => {
    using bench = new Bench(engine);
    // The format "n=%d" on the stack.
    const text = `
      r6 = *(u64 *)(r1 + 96)
      *(u32 *)(r10 - 8) = 1680162158
      *(u32 *)(r10 - 4) = 0
      r1 = r10
      r1 += -8
      r2 = 5
      r3 = r6
      call bpf_trace_printk
      r0 = 0
      exit`;
    bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, text);
    bench.entry('tcp_v4_connect', { addr_len: 16 }, { time: 1_000_000_000, cpu: 1 });
    expect(bench.machine.readTracePipe()).toEqual([
      '            bash-4243    [001] d..31     1.000000: bpf_trace_printk: n=16',
    ]);
  });
});
