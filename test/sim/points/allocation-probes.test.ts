import { describe } from 'vitest';
import { allocatesNothing, connect, connected, dropFields, location, onConnect, skb } from './allocation.ts';

describe('an event allocates nothing', () => {
  allocatesNothing([
    ['kprobe', 'int f(struct pt_regs *ctx) { return PT_REGS_PARM3(ctx); }', onConnect, [connect]],
    [
      'kretprobe',
      'int f(struct pt_regs *ctx) { return PT_REGS_RC(ctx) == 0; }',
      (bpf) => bpf.attachKretprobe({ event: 'tcp_v4_connect', fnName: 'f' }),
      [connect, connected],
    ],
    [
      'fentry and fexit',
      `KFUNC_PROBE(tcp_v4_connect, struct sock *sk) { return 0; }
     KRETFUNC_PROBE(tcp_v4_connect, struct sock *sk, struct sockaddr *a, int n, int ret) { return 0; }`,
      () => {},
      [connect, connected],
    ],
    [
      'tracepoint',
      'TRACEPOINT_PROBE(skb, kfree_skb) { return args->reason; }',
      () => {},
      [{ kind: 'tracepoint', name: 'skb:kfree_skb', fields: dropFields }],
    ],
    [
      'raw tracepoint',
      'RAW_TRACEPOINT_PROBE(kfree_skb) { return ctx->args[2]; }',
      () => {},
      [{ kind: 'rawTracepoint', name: 'kfree_skb', args: { skb, location, reason: 2, rx_sk: null } }],
    ],
    [
      'uprobe and uretprobe',
      'int f(struct pt_regs *ctx) { return 0; }',
      (bpf) => {
        bpf.attachUprobe({ name: 'app', sym: 'main', fnName: 'f' });
        bpf.attachUretprobe({ name: 'app', sym: 'main', fnName: 'f' });
      },
      [
        { kind: 'userEntry', binary: '/usr/bin/app', function: 'main', args: [1] },
        { kind: 'userExit', binary: '/usr/bin/app', function: 'main', returns: 0 },
      ],
    ],
  ]);
});
