import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { pageSize } from '../../src/memory/index.ts';
import { type Executable, frameSize, maxLoops, type TrapKind } from '../../src/vm/index.ts';
import { engines } from './engines.ts';
import { linked, TestHost, type TestHostOptions } from './host.ts';

describe.each(engines)('programs on the $name', (engine) => {
  const load = (text: string, host: TestHost): Executable => engine.load(linked(assemble(text).code), host);
  const run = (text: string, options: TestHostOptions = {}, context = 0): Executable => {
    const program = load(text, new TestHost(options));
    program.run(context);
    return program;
  };
  const answer = (text: string, options: TestHostOptions = {}): bigint => {
    const program = run(text, options);
    expect(program.trap).toBeNull();
    return program.result;
  };

  test('r1 is the kernel pointer to the context, r2 what was given, r10 the top of the stack', () => {
    const host = new TestHost();
    const context = host.place(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 1));
    const program = load('r0 = *(u64 *)(r1 + 0)\nr0 += r2\n*(u64 *)(r10 - 8) = r1\nexit', host);
    expect(program.run(context, 5)).toBe(12);
    expect(program.result).toBe(0x0100_0000_0000_000cn);
    expect(host.memory.u64[(host.stack() + 4096 - 8) / 8]).toBe(host.memory.kernelPointer(context));
  });

  test('run answers with the low half, signed', () => {
    expect(load('r0 = -22\nexit', new TestHost()).run(0)).toBe(-22);
  });

  test.each([
    ['u8', 0xf1n],
    ['u16', 0xf2f1n],
    ['u32', 0xf4f3f2f1n],
    ['u64', 0xf8f7f6f5f4f3f2f1n],
    ['s8', 0xfffffffffffffff1n],
    ['s16', 0xfffffffffffff2f1n],
    ['s32', 0xfffffffff4f3f2f1n],
  ])('loads %s, over a page boundary too', (type, expected) => {
    const host = new TestHost();
    const pages = host.place(new Uint8Array(2 * pageSize));
    for (const at of [16, pageSize - 1]) {
      host.memory.u8.set([0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8], pages + at);
      const program = load(`r0 = *(${type} *)(r1 + ${at})\nexit`, host);
      program.run(pages);
      expect(program.result).toBe(expected);
    }
  });

  test.each([
    ['u8', [0x88, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]],
    ['u16', [0x88, 0x77, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]],
    ['u32', [0x88, 0x77, 0x66, 0x55, 0xee, 0xee, 0xee, 0xee]],
    ['u64', [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]],
  ])('stores %s and nothing beside it', (type, expected) => {
    const host = new TestHost();
    const at = host.place(new Uint8Array(16).fill(0xee));
    const program = load(`r2 = 0x1122334455667788 ll\n*(${type} *)(r1 + 4) = r2\nr0 = 0\nexit`, host);
    program.run(at);
    expect([...host.memory.bytes(at + 4, 8)]).toEqual(expected);
    expect([...host.memory.bytes(at, 4)]).toEqual([0xee, 0xee, 0xee, 0xee]);
  });

  test('an immediate is stored with its sign', () => {
    expect(answer('*(u64 *)(r10 - 8) = -2\nr0 = *(u64 *)(r10 - 8)\nexit')).toBe(0xffff_ffff_ffff_fffen);
  });

  const cell = 0x8000_0001_ffff_ffffn;
  test.each([
    ['lock *(u64 *)(r10 - 8) += r2', cell + 3n, 3n],
    ['lock *(u64 *)(r10 - 8) |= r2', cell | 3n, 3n],
    ['lock *(u64 *)(r10 - 8) &= r2', cell & 3n, 3n],
    ['lock *(u64 *)(r10 - 8) ^= r2', cell ^ 3n, 3n],
    ['r2 = atomic_fetch_add((u64 *)(r10 - 8), r2)', cell + 3n, cell],
    ['r2 = atomic_fetch_or((u64 *)(r10 - 8), r2)', cell | 3n, cell],
    ['r2 = atomic_fetch_and((u64 *)(r10 - 8), r2)', cell & 3n, cell],
    ['r2 = atomic_fetch_xor((u64 *)(r10 - 8), r2)', cell ^ 3n, cell],
    ['r2 = xchg_64(r10 - 8, r2)', 3n, cell],
    ['r0 = cmpxchg_64(r10 - 8, r0, r2)\nr2 = r0', 3n, cell],
    ['r0 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nr2 = r0', cell, cell],
    // On 32 bits the high half stays, and what is fetched is zero-extended.
    ['lock *(u32 *)(r10 - 8) += w2', 0x8000_0001_0000_0002n, 3n],
    ['w2 = atomic_fetch_add((u32 *)(r10 - 8), w2)', 0x8000_0001_0000_0002n, 0xffff_ffffn],
    ['w2 = xchg32_32(r10 - 8, w2)', 0x8000_0001_0000_0003n, 0xffff_ffffn],
    ['w0 = cmpxchg32_32(r10 - 8, w0, w2)\nr2 = r0', 0x8000_0001_0000_0003n, 0xffff_ffffn],
    ['r2 = load_acquire((u16 *)(r10 - 4))', cell, 1n],
    ['r2 = load_acquire((u64 *)(r10 - 8))', cell, cell],
    ['store_release((u8 *)(r10 - 8), r2)', 0x8000_0001_ffff_ff03n, 3n],
    ['store_release((u64 *)(r10 - 8), r2)', 3n, 3n],
  ])('%s', (text, memory, r2) => {
    const host = new TestHost();
    const program = load(`r1 = ${cell} ll\n*(u64 *)(r10 - 8) = r1\nr0 = r1\nr2 = 3\n${text}\nr0 = r2\nexit`, host);
    program.run(0);
    expect(program.trap).toBeNull();
    expect(program.result).toBe(r2);
    expect(host.memory.u64[(host.stack() + 4096 - 8) / 8]).toBe(memory);
  });

  describe('calls', () => {
    test('a function has r1–r5, a frame of its own, and keeps r6–r9 of its caller', () => {
      const text = `
        r6 = 6
        *(u64 *)(r10 - 8) = 100
        r1 = 1
        r2 = 2
        call sum
        r0 += r6
        r1 = *(u64 *)(r10 - 8)
        r0 += r1
        exit
      sum:
        r6 = 1000
        *(u64 *)(r10 - 8) = 7
        r0 = r1
        r0 += r2
        exit`;
      expect(answer(text)).toBe(109n);
    });

    test('callx calls a function by its pointer and a helper by its id', () => {
      expect(answer('r3 = double ll\nr1 = 21\ncallx r3\nexit\ndouble: r0 = r1\nr0 += r1\nexit')).toBe(42n);
      expect(answer('r3 = 9\ncallx r3\nexit', { helpers: { 9: (window) => window.answer(-5) } })).toBe(
        0xffff_ffff_ffff_fffbn,
      );
    });

    test('a helper reads r1–r5 and answers; a kernel function likewise', () => {
      const text = 'r1 = 1\nr2 = 0x1_ ll'.replace('0x1_', '0x100000002');
      const program = `${text}\nr3 = 3\nr4 = 4\nr5 = -5\ncall 1\nexit`;
      const seen: bigint[] = [];
      const helper = (window: { whole(n: number): bigint; answerHalves(high: number, low: number): void }): void => {
        for (let n = 1; n <= 5; n++) seen.push(window.whole(n));
        window.answerHalves(1, -1);
      };
      expect(answer(program, { helpers: { 1: helper } })).toBe(0x1_ffff_ffffn);
      expect(seen).toEqual([1n, 0x1_0000_0002n, 3n, 4n, 0xffff_ffff_ffff_fffbn]);
      expect(answer(program.replace('call 1', 'call kfunc[id:77]'), { kfuncs: { 77: helper } })).toBe(0x1_ffff_ffffn);
    });

    test('a callback runs on the next frame, and its caller goes on where it was', () => {
      const text = `
        r6 = 10
        *(u64 *)(r10 - 8) = 0
        r1 = 5
        r2 = body ll
        r3 = r10
        r3 += -8
        call 181
        r1 = *(u64 *)(r10 - 8)
        r0 *= r6
        r0 += r1
        exit
      body:                       // r1 = index, r2 = the caller's sum
        r6 = 99
        *(u64 *)(r10 - 8) = 77
        r3 = *(u64 *)(r2 + 0)
        r3 += r1
        *(u64 *)(r2 + 0) = r3
        r0 = 0
        exit`;
      const host = new TestHost({
        helpers: {
          181: (window, executable) => {
            const times = window.low(1);
            const [slot, high, low] = [window.low(2), window.high(3), window.low(3)];
            let done = 0;
            while (done < times) {
              window.setArgument(1, 0, done++);
              window.setArgument(2, high, low);
              if (executable.callback(slot) !== 0) break;
            }
            window.answer(done);
          },
        },
      });
      const program = load(text, host);
      expect(program.run(0)).toBe(60);
      expect(program.trap).toBeNull();
    });

    test('may_goto leaves the loop after 8 Mi rounds, each frame by its own count', () => {
      const text = 'r0 = 0\nagain: may_goto out\nr0 += 1\ngoto again\nout: exit';
      expect(answer(text)).toBe(BigInt(maxLoops));
    });
  });

  describe('tail calls', () => {
    const programs = new Map<number, Executable>();
    const host = new TestHost({
      helpers: {
        12: (window, executable) => {
          const target = programs.get(window.low(3));
          if (!target || !executable.tailCall(target)) window.answer(-2);
        },
      },
    });

    test('replace the program on its frame, with r1 as it was', () => {
      programs.set(1, load('r0 = r1\nexit', host));
      const program = load('r1 = 30\nr3 = 1\ncall 12\nr0 = 1\nexit', host);
      expect(program.run(0)).toBe(30);
    });

    test('fall through when there is no such program', () => {
      expect(load('r3 = 99\ncall 12\nexit', host).run(0)).toBe(-2);
    });

    test('a program is entered 34 times at most', () => {
      const context = host.place(new Uint8Array(8));
      const program = load(
        'r2 = *(u32 *)(r1 + 0)\nr2 += 1\n*(u32 *)(r1 + 0) = r2\nr3 = 2\ncall 12\nr0 = *(u32 *)(r1 + 0)\nexit',
        host,
      );
      programs.set(2, program);
      expect(program.run(context)).toBe(34);
      host.memory.u32[context / 4] = 0;
      expect(program.run(context)).toBe(34);
    });

    test('within a function return to its caller, in the first program', () => {
      programs.set(3, load('r6 = 1\nr0 = 7\nexit', host));
      const program = load('r6 = 5\ncall inner\nr0 += r6\nexit\ninner: r3 = 3\ncall 12\nr0 = 0\nexit', host);
      expect(program.run(0)).toBe(12);
    });

    test('to a program of another host are refused', () => {
      const other = new TestHost();
      programs.set(4, load('r0 = 1\nexit', other));
      expect(load('r3 = 4\ncall 12\nexit', host).run(0)).toBe(-2);
    });
  });

  test('runs nest: a helper may run another program, and this one again', () => {
    const host: TestHost = new TestHost({
      helpers: {
        1: (window) => {
          const below = program.run(0, window.low(1) - 1);
          window.answer(below);
        },
      },
    });
    const program = load('r6 = r2\nr0 = 0\nif r2 == 0 goto out\nr1 = r2\ncall 1\nout: r0 += r6\nexit', host);
    expect(program.run(0, 5)).toBe(15);
    expect(program.trap).toBeNull();
  });

  describe('packets', () => {
    const packet = Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66);

    test.each([
      ['r0 = *(u8 *)skb[1]', 0x22],
      ['r0 = *(u16 *)skb[1]', 0x2233],
      ['r0 = *(u32 *)skb[2]', 0x33445566],
      ['r7 = 2\nr0 = *(u16 *)skb[r7 + 1]', 0x4455],
      ['r7 = 5\nr0 = *(u16 *)skb[r7 - 1]', 0x5566],
    ])('%s', (text, expected) => {
      expect(answer(`${text}\nexit`, { packet })).toBe(BigInt(expected));
    });

    test('beyond the packet the program ends with 0', () => {
      expect(answer('r0 = 9\nr0 = *(u32 *)skb[3]\nr0 = 5\nexit', { packet })).toBe(0n);
    });
  });

  describe('traps', () => {
    const one: TestHostOptions = { helpers: { 1: (window, executable) => window.answer(executable.callback(3)) } };

    test.each<[string, TrapKind, number, string, TestHostOptions?]>([
      ['r0 = 0\nr0 = *(u64 *)(r0 + 8)\nexit', 'unmapped-address', 1, 'access to 8 bytes at 0x8'],
      ['r1 = 0xffff888000000000 ll\nr0 = *(u8 *)(r1)\nexit', 'unmapped-address', 2, '1 byte at 0xffff888000000000'],
      ['r1 = 0x7f0000001000 ll\nr0 = *(u8 *)(r1)\nexit', 'unmapped-address', 2, '0x7f0000001000'],
      ['r1 = 0xffff8880ffffffff ll\nr0 = *(u32 *)(r1)\nexit', 'unmapped-address', 2, '0xffff8880ffffffff'],
      ['r1 = 0xffff8880ffffffff ll\nr0 = *(u32 *)(r1 + 8)\nexit', 'unmapped-address', 2, '0xffff888100000007'],
      ['r1 = 0xffff888000000000 ll\n*(u32 *)(r1 - 8) = 1\nexit', 'unmapped-address', 2, '0xffff887ffffffff8'],
      ['r1 = 0\nlock *(u64 *)(r1 + 0) += r1\nexit', 'unmapped-address', 1, 'not mapped'],
      ['*(u8 *)(r1 + 0) = 1\nexit', 'read-only-address', 0, 'which is read-only'],
      ['lock *(u32 *)(r1 + 0) += r1\nexit', 'read-only-address', 0, 'write to 4 bytes'],
      ['*(u64 *)(r10 - 520) = 1\nexit', 'stack-overflow', 0, 'below the 512 bytes'],
      ['f: call f\nexit', 'call-depth', 0, 'more than 8 call frames'],
      ['call 1\nexit\nexit\ncall 1\nexit', 'call-depth', 3, 'more than 8 call frames', one],
      ['loop: goto loop', 'budget-exhausted', 0, 'more than 100 instructions', { budget: 100 }],
      ['r3 = 0xffffc90000000009 ll\ncallx r3\nexit', 'bad-instruction', 2, 'no function of the program begins'],
      ['r0 = *(u8 *)skb[0]\nexit', 'bad-instruction', 0, 'given none'],
      ['r1 = addr_space_cast(r2, 0, 1)\nexit', 'bad-instruction', 0, 'needs an arena map'],
      ['r0 = 0\ncall 4242\nexit', 'unknown-helper', 1, 'helper 4242'],
      ['call kfunc[id:5]\nexit', 'unknown-helper', 0, '5'],
      ['r3 = 77\ncallx r3\nexit', 'unknown-helper', 1, 'helper 77'],
      ['r0 = 0', 'off-the-end', 1, 'ran off the end'],
      ['', 'off-the-end', 0, 'ran off the end'],
      ['call 1\nexit\nexit\nr0 = *(u8 *)(r0)\nexit', 'unmapped-address', 3, 'not mapped', one],
    ])('%s: %s', (text, kind, instruction, message, options = {}) => {
      const host = new TestHost(options);
      const program = load(text, host);
      const readOnly = host.place(new Uint8Array(8), true);
      expect(program.run(readOnly)).toBe(0);
      expect(program.result).toBe(0n);
      expect(program.trap).toEqual({ kind, instruction, message: expect.stringContaining(message) });
      expect([...host.memory.bytes(readOnly, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    });

    test('a trap lasts until the next run', () => {
      const host = new TestHost();
      const program = load('if r2 == 0 goto bad\nr0 = 3\nexit\nbad: r0 = *(u8 *)(r2)\nexit', host);
      program.run(0, 0);
      expect(program.trap?.kind).toBe('unmapped-address');
      expect(program.run(0, 1)).toBe(3);
      expect(program.trap).toBeNull();
    });

    test('a run that trapped in a callback calls no further one', () => {
      let calls = 0;
      const helpers: TestHostOptions['helpers'] = {
        1: (window, executable) => {
          for (let i = 0; i < 5; i++) if (executable.callback(2) === 1) calls++;
          window.answer(0);
        },
      };
      const program = run('call 1\nexit\nr0 = *(u8 *)(r0)\nexit', { helpers });
      expect(program.trap?.instruction).toBe(2);
      expect(calls).toBe(5);
    });
  });

  test.each([
    ['0500050000000000', 'it goes to slot 6, a place outside it'],
    ['0500ffff00000000', 'ok'],
    ['05000100000000001801000000000000000000000000000095', 'whole'],
    ['0500010000000000180100000000000000000000000000009500000000000000', 'the middle of a 64-bit immediate'],
    ['b70a000000000000', 'it writes r10'],
    ['ff00000000000000', 'no instruction has the opcode 0xff'],
  ])('%s is no program: %s', (hex, message) => {
    const code = Uint8Array.from(Buffer.from(hex, 'hex'));
    const loaded = (): unknown => engine.load(linked(code, 'broken'), new TestHost());
    if (message === 'ok') loaded();
    else expect(loaded).toThrow(message);
  });

  describe('counting', () => {
    const loop = 'r1 = 10\nagain: r1 += -1\nif r1 != 0 goto again\nr0 = 0\nexit';

    test('retired instructions are counted when asked for', () => {
      const program = load(loop, new TestHost({ count: true }));
      program.run(0);
      expect(program.retired).toBe(23);
      program.run(0);
      expect(program.retired).toBe(46);
      expect(run(loop).retired).toBe(0);
    });

    test('the budget is exact', () => {
      expect(run(loop, { budget: 23 }).trap).toBeNull();
      const stopped = run(loop, { budget: 22, count: true });
      expect(stopped.trap).toMatchObject({ kind: 'budget-exhausted', instruction: 4 });
      expect(stopped.retired).toBe(22);
    });

    test('the instruction that traps is not retired', () => {
      expect(run('r0 = 0\nr0 = *(u8 *)(r0)\nexit', { count: true }).retired).toBe(1);
    });
  });

  test('a frame has 512 bytes: its lowest byte is the next frame’s top', () => {
    const host = new TestHost();
    load(`*(u8 *)(r10 - ${frameSize}) = 1\ncall f\nexit\nf: *(u8 *)(r10 - 1) = 2\nexit`, host).run(0);
    const top = host.stack() + 4096;
    expect([host.memory.u8[top - 512], host.memory.u8[top - 513]]).toEqual([1, 2]);
  });

  test('a run allocates nothing', () => {
    const host = new TestHost({ helpers: { 5: (window) => window.answer(3) }, budget: 1000, count: true });
    const text = `
      r6 = r1
      call 5
      *(u64 *)(r10 - 8) = r0
      r1 = *(u64 *)(r10 - 8)
      r1 *= r6
      r1 /= 7
      call f
      exit
    f:
      r0 = atomic_fetch_add((u64 *)(r10 - 8), r0)
      exit`;
    const program = load(text, host);
    const runs = 50_000;
    for (let i = 0; i < runs; i++) program.run(4096);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < runs; i++) program.run(4096);
    expect(program.trap).toBeNull();
    expect((process.memoryUsage().heapUsed - before) / runs).toBeLessThan(8);
  });
});
