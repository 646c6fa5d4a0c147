import { describe, expect, test } from 'vitest';
import { formatFault } from '../../src/base/index.ts';
import { BPF, type BpfOptions, CompileError } from '../../src/client/index.ts';
import { counter, kernelForEach, load, on } from './small-kernel.ts';

kernelForEach();

describe('symbols and what the kernel has', () => {
  test('names of addresses, addresses of names', () => {
    using bpf = load(counter);
    const address = bpf.ksymname('tcp_v4_connect') as bigint;
    expect(bpf.ksym(address + 4n)).toBe('tcp_v4_connect');
    expect(bpf.ksym(address + 4n, { showOffset: true, showModule: true })).toBe('tcp_v4_connect+0x4 [kernel]');
    expect(bpf.ksym(1)).toBe('[unknown]');
    expect(bpf.ksymname('no_such')).toBeUndefined();
    const start = on.machine.mappings(7)[0]!.start;
    expect(bpf.sym(start + 0x1404n, 7, { showOffset: true })).toBe('serve+0x4');
  });

  test('system calls, fields, tracepoints, functions', () => {
    using bpf = load(counter);
    expect(bpf.getSyscallPrefix()).toBe('__x64_sys_');
    expect(bpf.getSyscallFnname('openat')).toBe('__x64_sys_openat');
    expect(bpf.fixSyscallFnname('sys_read')).toBe('__x64_sys_read');
    expect(bpf.fixSyscallFnname('vfs_read')).toBe('vfs_read');
    expect(bpf.kernelStructHasField('sk_buff', 'len')).toBe(true);
    expect(bpf.kernelStructHasField('sk_buff', 'length')).toBe(false);
    expect(bpf.tracepointExists('skb', 'kfree_skb')).toBe(true);
    expect(bpf.tracepointExists('skb', 'kfree')).toBe(false);
    expect(bpf.getKprobeFunctions('tcp_v4_connec')).toEqual(['tcp_v4_connect']);
  });
});

describe('misuse is told', () => {
  test('C that does not compile, as a compiler tells it', () => {
    let fault: unknown;
    try {
      load('int f(struct pt_regs *ctx) {\n    return bpf_ktime_get_nz();\n}', {});
    } catch (caught) {
      fault = caught;
    }
    expect(fault).toBeInstanceOf(CompileError);
    const text = formatFault(fault);
    expect(text).toContain('text.c:2:12: error:');
    expect(text).toContain('\n      return bpf_ktime_get_nz();\n             ^~~~~~~~~~~~~~~~\n');
    expect(text).toContain('bpf_ktime_get_ns');
    expect(text.endsWith('text.c was not compiled: 1 error')).toBe(true);
  });

  test.each<[string, (bpf: BPF) => unknown, RegExp]>([
    ['an unknown table', (bpf) => bpf.table('count'), /has no map 'count'.*did you mean counts/s],
    ['an unknown program', (bpf) => bpf.loadFunc('cuont'), /has no program 'cuont'.*did you mean count/s],
    ['an unknown struct', (bpf) => bpf.struct('pare'), /no struct 'pare'.*did you mean pair/s],
    [
      'an unknown function',
      (bpf) => bpf.attachKprobe({ event: 'tcp_v4_conect', fnName: 'count' }),
      /tcp_v4_conect.*did you mean tcp_v4_connect/s,
    ],
    [
      'an unknown tracepoint',
      (bpf) => bpf.attachTracepoint({ tp: 'skb:kfree_skp', fnName: 'any' }),
      /kfree_skp.*did you mean skb:kfree_skb/s,
    ],
    [
      'an unknown raw tracepoint',
      (bpf) => bpf.attachRawTracepoint({ tp: 'sched_swich', fnName: 'any' }),
      /sched_swich.*did you mean sched_switch/s,
    ],
    [
      'an unknown symbol',
      (bpf) => bpf.attachUprobe({ name: 'app', sym: 'mian', fnName: 'count' }),
      /no function 'mian'.*did you mean main/s,
    ],
    [
      'an unknown binary',
      (bpf) => bpf.attachUprobe({ name: '/usr/bin/ap', sym: 'main', fnName: 'count' }),
      /'\/usr\/bin\/ap'.*did you mean \/usr\/bin\/app/s,
    ],
    [
      'nothing that matches',
      (bpf) => bpf.attachKprobe({ eventRe: 'nothing_like_it', fnName: 'count' }),
      /no function that matches nothing_like_it/,
    ],
    ['no expression', (bpf) => bpf.attachKprobe({ eventRe: '(', fnName: 'count' }), /not a regular expression/],
    ['no place', (bpf) => bpf.attachKprobe({ fnName: 'count' }), /not told where.*event or eventRe/s],
    ['nothing to detach', (bpf) => bpf.detachKprobe('tcp_v4_connect'), /nothing is attached to kprobe tcp_v4_connect/],
    [
      'no such perf event',
      (bpf) => bpf.attachPerfEvent({ evType: 9, evConfig: 9, fnName: 'any', samplePeriod: 1 }),
      /type 9 and config 9/,
    ],
    ['a key of another form', (bpf) => bpf.table('pairs').set('x', 1), /"x" cannot be struct pair.*a, b/s],
    ['a field too many', (bpf) => bpf.table('pairs').set({ a: 1, b: 2, bb: 3 }, 1), /no field 'bb'.*a, b/s],
    ['a field too few', (bpf) => bpf.table('pairs').set({ a: 1 }, 1), /lacks its field 'b'/],
    ['a text for a number', (bpf) => bpf.table('counts').set('one', 1), /"one" cannot be a u64.*whole number/s],
    ['a fraction', (bpf) => bpf.table('counts').set(0.5, 1), /0.5 cannot be a u64/],
    [
      'a histogram of no slots',
      (bpf) => bpf.table('counts').histograms(),
      /histograms on table 'counts'.*bucket and a slot/s,
    ],
    ['a sum over no CPUs', (bpf) => bpf.table('counts').sum(1), /sum on table 'counts', which is of type hash/],
    [
      'a perf buffer of a hash',
      (bpf) => bpf.table('counts').openPerfBuffer(() => {}),
      /of type hash.*BPF_PERF_OUTPUT/s,
    ],
    [
      'a ring buffer of a hash',
      (bpf) => bpf.table('counts').openRingBuffer(() => {}),
      /of type hash.*BPF_RINGBUF_OUTPUT/s,
    ],
    ['a walk through a hash', (bpf) => bpf.table('counts').walk(1), /of type hash.*BPF_STACK_TRACE/s],
    [
      'a counter in a hash',
      (bpf) => bpf.table('counts').openPerfEvent({ event: 'cpu-cycles' }),
      /of type hash.*BPF_PERF_ARRAY/s,
    ],
    [
      'an unknown counter',
      (bpf) => bpf.table('out').openPerfEvent({ event: 'cpu-cycle' as never }),
      /no perf event 'cpu-cycle'.*did you mean cpu-cycles/s,
    ],
    [
      'pages that are no power of two',
      (bpf) => bpf.table('out').openPerfBuffer(() => {}, { pageCnt: 3 }),
      /3 pages.*power of two/s,
    ],
    [
      'a record of unknown type',
      (bpf) => bpf.table('out').event(new DataView(new ArrayBuffer(8))),
      /event on table 'out'/,
    ],
  ])('%s', (_what, misuse, form) => {
    using bpf = load(`${counter}
struct pair { u32 a; u32 b; };
BPF_HASH(pairs, struct pair, u64);
BPF_PERF_OUTPUT(out);
BPF_STACK_TRACE_BUILDID(ids, 16);
int any(void *ctx) { return 0; }`);
    let fault: unknown;
    try {
      misuse(bpf);
    } catch (caught) {
      fault = caught;
    }
    expect(formatFault(fault)).toMatch(form);
    expect((fault as Error).name).toMatch(/^(Bpf|Usage)Error$/);
  });

  test.each<[string, Partial<BpfOptions>, RegExp]>([
    ['neither text nor file', {}, /needs its C/],
    ['both', { text: '', srcFile: 'x.c' }, /one of text and srcFile/],
    ['a file that is not there', { srcFile: 'no/such.c' }, /there is no such file/],
    ['a flag that is none', { text: '', cflags: ['--target=x86'] }, /cflags: '--target=x86' is not known/],
  ])('%s', (_what, options, form) => {
    let fault: unknown;
    try {
      new BPF(on.machine, options);
    } catch (caught) {
      fault = caught;
    }
    expect(formatFault(fault)).toMatch(form);
  });

  test('flags that a C compiler takes', () => {
    using bpf = load('BPF_ARRAY(n, u64, SIZE); int f(void *ctx) { return OTHER; }', {
      cflags: ['-DSIZE=7', '-D', 'OTHER', '-DGONE', '-UGONE', '-Wno-unused', '-O2', '-I', '/nowhere'],
    });
    expect(bpf.spec.maps[0]?.maxEntries).toBe(7);
  });
});
