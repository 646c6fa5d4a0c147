import { describe, expect, test } from 'vitest';
import { ms } from '../../src/base/index.ts';
import { type BtfType, type KernelProfile, profileFromBtf, writeBtf } from '../../src/btf/index.ts';
import { BPF, type StackFrame, type UprobeAttach, USDT } from '../../src/client/index.ts';
import { boot } from '../../src/sim/index.ts';
import { call, counter, kernelForEach, load, on, profile, task } from './small-kernel.ts';

kernelForEach();

describe('what attaches by itself', () => {
  test.each([
    ['int kprobe__tcp_v4_connect(struct pt_regs *ctx) { return 0; }', 'kprobe', 'tcp_v4_connect'],
    ['int kretprobe__tcp_v4_connect(struct pt_regs *ctx) { return 0; }', 'kretprobe', 'tcp_v4_connect'],
    ['int kprobe__sys_openat(struct pt_regs *ctx) { return 0; }', 'kprobe', '__x64_sys_openat'],
    ['TRACEPOINT_PROBE(sched, sched_switch) { return 0; }', 'tracepoint', 'sched:sched_switch'],
    ['RAW_TRACEPOINT_PROBE(sched_switch) { return 0; }', 'raw_tracepoint', 'sched_switch'],
    ['KFUNC_PROBE(tcp_v4_connect, struct sock *sk) { return 0; }', 'fentry', 'tcp_v4_connect'],
    [
      'KRETFUNC_PROBE(tcp_v4_connect, struct sock *sk, struct sockaddr *a, int n, int ret) { return 0; }',
      'fexit',
      'tcp_v4_connect',
    ],
  ])('%s', (text, kind, name) => {
    using bpf = load(text);
    expect(bpf.object.links.map(({ target }) => target)).toEqual([
      kind.endsWith('tracepoint') ? { kind, name } : { kind, function: name },
    ]);
  });

  test.each([
    'int syscall__openat(struct pt_regs *ctx, int dfd) { return 0; }',
    'int on_switch(struct tracepoint__sched__sched_switch *args) { return 0; }',
    'int anything(struct pt_regs *ctx) { return 0; }',
  ])('%s does not, and is not loaded', (text) => {
    using bpf = load(text);
    expect(bpf.object.links).toEqual([]);
    expect(bpf.object.programs.size).toBe(0);
  });
});

describe('attaching', () => {
  test('by name, by expression, and counted', () => {
    using bpf = load(counter);
    bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'count' });
    bpf.attachKprobe({ eventRe: 'tcp_v[46]_connect', fnName: 'count' });
    bpf.attachKretprobe({ eventRe: /^tcp_v6_connect$/, fnName: 'count' });
    expect(bpf.numOpenKprobes()).toBe(4);
    bpf.detachKprobe('tcp_v4_connect');
    expect(bpf.numOpenKprobes()).toBe(2);
    call('tcp_v4_connect');
    call('tcp_v6_connect');
    expect([...bpf.table<number | bigint, number>('counts').values()].reduce((a, b) => a + b, 0)).toBe(2);
  });

  test('one program as what the attachment makes it', () => {
    using bpf = load(counter);
    bpf.attachTracepoint({ tpRe: 'sched:sched_switch$', fnName: 'here' });
    expect(bpf.loadFunc('here').spec.type).toBe('tracepoint');
    expect(bpf.numOpenTracepoints()).toBe(1);
    expect(() => bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'here' })).toThrow(
      /loaded as tracepoint, not kprobe/,
    );
    bpf.detachTracepoint('sched:sched_switch');
    expect(bpf.numOpenTracepoints()).toBe(0);
  });

  test('user functions by symbol, expression and address', () => {
    using bpf = load(counter);
    bpf.attachUprobe({ name: '/usr/bin/app', sym: 'main', fnName: 'count' });
    bpf.attachUprobe({ name: 'app', symRe: 'serve', fnName: 'count', pid: 7 });
    bpf.attachUretprobe({ name: 'app', addr: 0x1400, fnName: 'count' });
    expect(bpf.numOpenUprobes()).toBe(4);
    bpf.detachUprobe({ name: 'app', sym: 'main' });
    expect(bpf.numOpenUprobes()).toBe(3);
    expect(bpf.getUserFunctions('app', 'serve')).toEqual(['serve', 'serve_one']);
  });

  test.each<[string, Omit<UprobeAttach, 'fnName'>]>([
    ['behind the begin of another', { name: 'app', sym: 'main', symOff: 0x400 }],
    ['at its address', { name: 'app', addr: 0x1400 }],
    ['in one process only', { name: 'app', sym: 'main', pid: 7 }],
  ])('a user function %s is detached by what it was attached with', (_, place) => {
    using bpf = load(counter);
    bpf.attachUprobe({ ...place, fnName: 'count' });
    bpf.attachUprobe({ name: 'app', sym: 'serve_one', fnName: 'count' });
    bpf.attachUprobe({ name: 'app', sym: 'main', fnName: 'count' });
    bpf.detachUprobe(place);
    expect(bpf.numOpenUprobes()).toBe(2);
    expect(() => bpf.detachUprobe(place)).toThrow(/nothing is attached to uprobe/);
    bpf.detachUprobe({ name: 'app', sym: 'main' });
    expect(bpf.numOpenUprobes()).toBe(1);
  });

  test('samples on every CPU', () => {
    using bpf = load('BPF_ARRAY(n, u64, 1); int sample(struct bpf_perf_event_data *ctx) { n.increment(0); return 0; }');
    const links = bpf.attachPerfEvent({ evType: 1, evConfig: 0, fnName: 'sample', sampleFreq: 100 });
    expect(links.map(({ target }) => target)).toEqual([
      { kind: 'perf_event', event: 'cpu-clock', cpu: 0, frequency: 100 },
      { kind: 'perf_event', event: 'cpu-clock', cpu: 1, frequency: 100 },
    ]);
    bpf.detachPerfEvent('cpu-clock');
    expect(links.map((link) => link.open)).toEqual([false, false]);
  });

  test('samples by perf_event_attr', () => {
    using bpf = load('int sample(struct bpf_perf_event_data *ctx) { return 0; }');
    const by = (attr: object) =>
      bpf.attachPerfEventRaw({ attr: { type: 0, config: 1, ...attr }, fnName: 'sample', cpu: 1 }).map((l) => l.target);
    const place = { kind: 'perf_event', event: 'instructions', cpu: 1 };
    expect(by({ samplePeriod: 1000 })).toEqual([{ ...place, period: 1000 }]);
    expect(by({ freq: true, samplePeriod: 99 })).toEqual([{ ...place, frequency: 99 }]);
    expect(by({ sampleFreq: 49 })).toEqual([{ ...place, frequency: 49 }]);
    bpf.detachPerfEvent({ evType: 0, evConfig: 1 });
    expect(() => bpf.detachPerfEvent({ evType: 0, evConfig: 1 })).toThrow(/nothing is attached/);
  });

  test('counters of each CPU, as programs read them', () => {
    using bpf = load(
      `
BPF_PERF_ARRAY(cycles, NUM_CPUS);
BPF_PERF_ARRAY(clock, NUM_CPUS);
BPF_HASH(seen, u32, u64);
BPF_HASH(enabled, u32, u64);
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    u32 cpu = bpf_get_smp_processor_id();
    u64 count = cycles.perf_read(CUR_CPU_IDENTIFIER);
    struct bpf_perf_event_value value = {};
    if (clock.perf_counter_value(CUR_CPU_IDENTIFIER, &value, sizeof(value)) < 0) return 0;
    seen.update(&cpu, &count);
    enabled.update(&cpu, &value.enabled);
    return 0;
}`,
      { cflags: ['-DNUM_CPUS=2'] },
    );
    bpf.table('cycles').openPerfEvent({ event: 'cpu-cycles' });
    bpf.table('clock').openPerfEvent({ evType: 1, evConfig: 0 });
    const activity = {
      kind: 'activity',
      cpu: 1,
      task,
      stack: [],
      duration: 1000,
      counts: { 'cpu-cycles': 3000 },
    } as const;
    on.machine.fire({ ...activity, time: on.clock });
    on.clock += 400;
    call('tcp_v4_connect', 1);
    expect(bpf.table('seen').get(1)).toBe(1203);
    expect(bpf.table('enabled').get(1)).toBe(on.clock - 1);
    call('tcp_v4_connect', 0);
    expect(bpf.table('seen').get(0), 'idle').toBe(0);
  });

  test('user stacks as build ids and offsets', () => {
    using bpf = load(`
BPF_STACK_TRACE_BUILDID(stacks, 16);
BPF_ARRAY(id, int, 1);
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    int at = 0, stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    id.update(&at, &stack);
    return 0;
}`);
    const userStack = ['serve+0x10 [/usr/bin/app]', 'main+0x4 [/usr/bin/app]'];
    const of = { ...task, pid: 7, tgid: 7 };
    on.machine.fire({
      kind: 'entry',
      time: on.clock,
      cpu: 0,
      task: of,
      stack: [],
      userStack,
      function: 'tcp_v4_connect',
      args: {},
    });
    const id = bpf.table<number, number>('id').get(0)!;
    const file = on.machine.binary('/usr/bin/app')!;
    const address = (name: string) => file.symbols.find((symbol) => symbol.name === name)!.address;
    expect(bpf.table('stacks').walk(id)).toEqual([
      { buildId: file.buildId, offset: address('serve') + 0x10 },
      { buildId: file.buildId, offset: address('main') + 4 },
    ]);
    const names = bpf
      .table('stacks')
      .walk(id, (frame: StackFrame) => bpf.sym(frame, -1, { showModule: true, showOffset: true }));
    expect(names).toEqual(['serve+0x10 [app]', 'main+0x4 [app]']);
    expect(bpf.sym({ buildId: '00'.repeat(20), offset: 4 }, -1, { showModule: true })).toBe('[unknown]');
    expect(bpf.table('stacks').walk(-14)).toEqual([]);
  });

  test('a USDT probe, and its arguments where its note says', () => {
    const usdt = new USDT(on.machine, { pid: 7 }).enableProbe({ probe: 'got', fnName: 'on_got' });
    expect(usdt.enumerateProbes()).toEqual(['app:got']);
    using bpf = load(
      `BPF_HASH(seen, s64, u64);
       int on_got(struct pt_regs *ctx) {
         int first = 0; u64 second = 0;
         bpf_usdt_readarg(1, ctx, &first);
         bpf_usdt_readarg(2, ctx, &second);
         s64 key = first;
         seen.update(&key, &second);
         return 0;
       }`,
      { usdt },
    );
    expect(bpf.numOpenUprobes()).toBe(1);
    const probe = { binary: '/usr/bin/app', provider: 'app', probe: 'got', args: [-5, 77] };
    on.machine.fire({
      ...probe,
      kind: 'userMarker',
      time: ms(2),
      cpu: 0,
      task: { ...task, pid: 7, tgid: 7 },
      stack: [],
    });
    expect([...bpf.table<number, number>('seen').items()]).toEqual([[-5, 77]]);
  });
});

/** The bundled BTF has no hooks: one more function, as security_file_open is. */
function withHook(): KernelProfile {
  const { btf } = profile;
  const types = Array.from({ length: btf.count - 1 }, (_, i) => btf.type(i + 1));
  const like = btf.type(btf.find('function', 'security_file_open')!) as BtfType & { kind: 'function' };
  return profileFromBtf(writeBtf([...types, { ...like, name: 'bpf_lsm_file_open' }]), 'with-hook');
}

test('an array of the context is gone through in a loop, inlined and with an end that comes sooner', () => {
  using bpf = load(`
    BPF_HASH(writes, u64, u64);
    static int holds(char *text, char wanted) {
      for (int i = 0; i < 8; i++) {
        if (text[i] == wanted) return 1;
        if (text[i] == 0) return 0;
      }
      return 0;
    }
    TRACEPOINT_PROBE(block, block_rq_issue) { writes.increment(holds(args->rwbs, 'W')); return 0; }`);
  expect(bpf.object.links.map((link) => link.target.kind)).toEqual(['tracepoint']);
});

describe('programs that answer for a function', () => {
  const fire = (name: string, returns: number): void => {
    const at = { cpu: 0, task, stack: [] as string[], function: name };
    on.machine.fire({ ...at, kind: 'entry', time: ++on.clock, args: {} });
    on.machine.fire({ ...at, kind: 'exit', time: ++on.clock, returns });
  };
  const seen = (name: string): string => `
BPF_ARRAY(out, s64, 2);
int kretprobe__${name}(struct pt_regs *ctx) { int at = 0; s64 ret = (int)PT_REGS_RC(ctx); out.update(&at, &ret); return 0; }`;

  test('fmod_ret: what is not 0 is returned, and the function does not run', () => {
    using bpf = load(
      `${seen('security_file_open')}
       KMOD_RET(security_file_open, struct file *file) { return -13; }`,
    );
    fire('security_file_open', 0);
    expect(bpf.table('out').get(0)).toBe(-13);
    bpf.object.links.find(({ target }) => target.kind === 'fmod_ret')!.close();
    fire('security_file_open', 7);
    expect(bpf.table('out').get(0)).toBe(7);
  });

  test('fmod_ret: what a socket is made of is for a program to change', () => {
    using bpf = load(
      `${seen('update_socket_protocol')}
       KMOD_RET(update_socket_protocol, int family, int type, int protocol, int ret) { return protocol ?: 262; }`,
    );
    fire('update_socket_protocol', 6);
    expect(bpf.table('out').get(0)).toBe(262);
  });

  test('lsm: the same on a hook; 0 lets it go on', () => {
    using hooked = boot({ profile: withHook(), cpus: 1 });
    const fireHook = (): void => {
      const at = { cpu: 0, task, stack: [] as string[], function: 'bpf_lsm_file_open' };
      hooked.fire({ ...at, kind: 'entry', time: ++on.clock, args: {} });
      hooked.fire({ ...at, kind: 'exit', time: ++on.clock, returns: 0 });
    };
    using bpf = new BPF(hooked, {
      text: `${seen('bpf_lsm_file_open')}
       BPF_ARRAY(deny, s64, 1);
       LSM_PROBE(file_open, struct file *file) { int at = 0; s64 *answer = deny.lookup(&at); return answer ? *answer : 0; }`,
    });
    fireHook();
    expect(bpf.table('out').get(0)).toBe(0);
    bpf.table('deny').set(0, -1);
    fireHook();
    expect(bpf.table('out').get(0)).toBe(-1);
    bpf.detachLsm({ fnName: 'file_open' });
    fireHook();
    expect(bpf.table('out').get(0)).toBe(0);
  });

  test.each([
    ['KMOD_RET(vfs_read, struct file *file) { return 0; }', /vfs_read\(\) is not modifiable/],
    ['LSM_PROBE(no_such_hook, void *x) { return 0; }', /no function 'bpf_lsm_no_such_hook'/],
  ])('%s is refused', (text, form) => {
    expect(() => load(text)).toThrow(form);
  });
});
