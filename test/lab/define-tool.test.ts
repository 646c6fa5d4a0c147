import {
  BPF,
  createRun,
  defineScenario,
  defineTool,
  loadProfile,
  ms,
  sec,
  type Tool,
  type ToolSetup,
  us,
} from 'tracebed';
import { describe, expect, test } from 'vitest';
import { report } from '../../src/report/index.ts';

const profile = loadProfile('6.18');

const scenario = defineScenario({
  name: 'opens',
  summary: 'three opens by two tasks',
  cpus: 2,
  duration: sec(3),
  events: ({ on, task, concurrently, after }) => {
    const cat = on({ task: task({ pid: 500, comm: 'cat' }), cpu: 0 });
    const vi = on({ task: task({ pid: 600, comm: 'vi' }), cpu: 1 });
    const open = (place: typeof cat, filename: string, returns: number) =>
      place.syscall('openat', { dfd: -100, filename }, { takes: us(5), returns }, []);
    return concurrently(
      after(ms(100), open(cat, '/etc/hosts', 3)),
      after(ms(1500), open(vi, '/no/such', -2)),
      after(ms(2500), open(cat, '/etc/passwd', 4)),
    );
  },
});

const text = `
#include <uapi/linux/ptrace.h>
struct data_t {
    u64 ts;
    u32 pid;
    int ret;
    char comm[16];
    char fname[32];
};
BPF_HASH(names, u32, const char *);
BPF_HASH(counts, u32, u64);
BPF_PERF_OUTPUT(events);

int syscall__openat(struct pt_regs *ctx, int dfd, const char __user *filename)
{
    u32 pid = bpf_get_current_pid_tgid();
    names.update(&pid, &filename);
    counts.increment(pid);
    return 0;
}

int opened(struct pt_regs *ctx)
{
    u32 pid = bpf_get_current_pid_tgid();
    const char **name = names.lookup(&pid);
    if (!name)
        return 0;
    struct data_t data = {};
    data.ts = bpf_ktime_get_ns();
    data.pid = pid;
    data.ret = PT_REGS_RC(ctx);
    bpf_get_current_comm(&data.comm, sizeof(data.comm));
    bpf_probe_read_user_str(data.fname, sizeof(data.fname), (void *)*name);
    events.perf_submit(ctx, &data, sizeof(data));
    return 0;
}`;

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly ret: number;
  readonly comm: string;
  readonly fname: string;
}

function load({ kernel }: ToolSetup): BPF {
  const bpf = new BPF(kernel, { text });
  const event = bpf.getSyscallFnname('openat');
  bpf.attachKprobe({ event, fnName: 'syscall__openat' });
  bpf.attachKretprobe({ event, fnName: 'opened' });
  return bpf;
}

const snoop = defineTool({
  name: 'snoop',
  summary: 'opens',
  scenario: 'opens',
  options: [{ flags: '-T, --timestamp', what: 'times' }],
  start(setup) {
    const bpf = load(setup);
    const rows = setup.rows({
      noun: 'open',
      columns: {
        'TIME(s)': setup.flag('timestamp') && '%-14.9f',
        PID: '%-6d',
        COMM: '%-16s',
        FD: '%4d',
        ERR: '%3d',
        PATH: '%s',
      },
    });
    bpf.get('events').openPerfBuffer((cpu, data) => {
      const { ts, pid, comm, ret, fname } = bpf.get('events').event<Event>(data);
      rows.print(
        { 'TIME(s)': ts / 1e9, PID: pid, COMM: comm, FD: Math.max(ret, -1), ERR: Math.max(-ret, 0), PATH: fname },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});

const counter = defineTool({
  name: 'counter',
  summary: 'opens by process, each interval',
  scenario: 'opens',
  start(setup) {
    const bpf = load(setup);
    const counts = bpf.table<number, number>('counts');
    return {
      bpf,
      ...setup.intervalArguments(),
      view: {
        noun: 'counts',
        opening: ['Tracing'],
        render: ({ time }) => ({
          lines: ['', setup.timeOfDay(time), ...[...counts.items()].map(([pid, count]) => `${pid} ${count}`)],
          json: { counts: Object.fromEntries(counts.items()) },
        }),
        reset: () => counts.clear(),
      },
    };
  },
});

function play(
  tool: Tool,
  {
    args = [],
    options = {},
    format = 'table',
  }: Partial<{ args: string[]; options: Record<string, boolean>; format: 'table' | 'json' }> = {},
): string[] {
  const run = createRun({
    tool,
    args,
    toolOptions: options,
    scenario,
    profile,
    seed: 1,
    cpus: undefined,
    duration: undefined,
    speed: 'max',
    ringPages: 8,
  });
  let written = '';
  report(run, format, (chunk) => {
    written += chunk;
  });
  run.advance(run.duration);
  expect(run.failure).toBeUndefined();
  expect(run.warnings()).toEqual([]);
  run[Symbol.dispose]();
  return written.trimEnd().split('\n');
}

describe('rows', () => {
  test('plain output is the formats of the columns with a space between', () => {
    expect(play(snoop)).toEqual([
      'PID    COMM               FD ERR PATH',
      '500    cat                 3   0 /etc/hosts',
      '600    vi                 -1   2 /no/such',
      '500    cat                 4   0 /etc/passwd',
    ]);
  });

  test('a column that an option brings', () => {
    const lines = play(snoop, { options: { timestamp: true } });
    expect(lines[0]).toBe('TIME(s)        PID    COMM               FD ERR PATH');
    expect(lines[1]).toMatch(/^0\.10000\d{4} {4}500 {4}cat {17}3 {3}0 \/etc\/hosts$/);
  });

  test('JSON has the values', () => {
    expect(JSON.parse(play(snoop, { format: 'json' })[2] as string)).toMatchObject({
      type: 'open',
      cpu: 1,
      pid: 600,
      comm: 'vi',
      fd: -1,
      err: 2,
      path: '/no/such',
    });
  });
});

describe('text', () => {
  test('without an interval it is written once, at the end', () => {
    expect(play(counter)).toEqual(['Tracing', '', '00:00:02', '500 2', '600 1']);
  });

  test('each interval anew', () => {
    expect(play(counter, { args: ['1'] })).toEqual([
      ...['Tracing', '', '00:00:01', '500 1'],
      ...['', '00:00:02', '600 1'],
      ...['', '00:00:02', '500 1'],
    ]);
  });

  test('after so many intervals the run ends', () => {
    expect(play(counter, { args: ['1', '2'] }).slice(-3)).toEqual(['', '00:00:02', '600 1']);
  });
});

describe('in virtual time', () => {
  const watched = (period: number) =>
    defineTool({
      name: 'watched',
      summary: 'opens, as Observables',
      scenario: 'opens',
      start(setup) {
        const bpf = new BPF(setup.kernel, {
          text: 'BPF_HISTOGRAM(dist); int kprobe__sys_openat(struct pt_regs *ctx) { dist.increment(1); return 0; }',
        });
        const rows = setup.rows({ noun: 'count', columns: { TIME: '%-8s', COUNT: '%5d' } });
        bpf.histogram('dist', setup.every(period)).subscribe((slots) => {
          rows.print({ TIME: setup.timeOfDay(), COUNT: slots[1] });
        });
        return { bpf, view: rows };
      },
    });

  test('counts at each period, and what is left at the end', () => {
    expect(play(watched(sec(1)))).toEqual(['TIME     COUNT', '00:00:01     1', '00:00:02     1', '00:00:02     1']);
  });

  test('a period that is none is refused', () => {
    expect(() => play(watched(0))).toThrow(/nothing happens every 0 ns/);
  });
});
