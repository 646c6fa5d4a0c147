import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import { decode } from '../../src/isa/index.ts';
import { helpers } from '../../src/uapi/index.ts';
import { verified } from '../conformance/bcc-texts.ts';

const profile = loadProfile('6.18');
const probeReads: ReadonlySet<number> = new Set([helpers.probe_read_kernel.id, helpers.probe_read_user.id]);

/** Probe reads of the first program, and what the verifier says of it. */
function judged(text: string): { probeReads: number; verdict: string } {
  const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
  const program = object?.programs[0];
  if (!object || !program) throw new Error(renderDiagnostics(diagnostics));
  const { instructions } = decode(program.code);
  const calls = instructions.filter((one) => one.kind === 'call' && probeReads.has(one.imm));
  const { verdict, log } = verified(object, program, profile.btf);
  return { probeReads: calls.length, verdict: verdict === 'accept' ? verdict : log };
}

const use = 'bpf_trace_printk("%d", x); return 0;';

describe('a pointer whose type the verifier knows is read directly', () => {
  test.each([
    ['an argument', `KFUNC_PROBE(tcp_connect, struct sock *sk) { int x = sk->__sk_common.skc_dport; ${use} }`],
    ['through several', `KFUNC_PROBE(tcp_connect, struct sock *sk) { int x = sk->sk_net.net->ns.inum; ${use} }`],
    ['the result', `KRETFUNC_PROBE(sock_alloc, struct socket *ret) { int x = ret->state; ${use} }`],
    ['of an LSM hook', `LSM_PROBE(file_open, struct file *file) { int x = file->f_flags; ${use} }`],
    [
      'a cast to what lies within',
      `KFUNC_PROBE(tcp_connect, void *p) { int x = ((struct sock *)p)->sk_family; ${use} }`,
    ],
    [
      'a word of the context',
      `SEC("fentry/tcp_connect") int f(u64 *ctx) { struct sock *sk = (void *)ctx[0]; int x = sk->sk_family; ${use} }`,
    ],
    [
      'a raw tracepoint with types',
      `SEC("tp_btf/sched_switch") int f(u64 *ctx) { struct task_struct *t = (void *)ctx[2]; int x = t->pid; ${use} }`,
    ],
    [
      'the current task',
      `int f(struct pt_regs *ctx) { struct task_struct *t = (void *)bpf_get_current_task_btf(); int x = t->real_parent->tgid; ${use} }`,
    ],
    [
      'an address of four words',
      `KFUNC_PROBE(tcp_connect, struct sock *sk) { struct in6_addr a = sk->sk_v6_daddr; int x = a.in6_u.u6_addr8[3]; ${use} }`,
    ],
    [
      'one of two of a kind',
      `KFUNC_PROBE(vfs_rename, struct renamedata *r) { struct dentry *d = r->old_dentry; if (r->flags) d = r->new_dentry; int x = d->d_flags; ${use} }`,
    ],
    [
      'a pointer of no trust',
      `LSM_PROBE(file_open, struct file *file) { int x = file->f_path.dentry->d_inode->i_uid.val; ${use} }`,
    ],
    [
      'an argument that may be NULL, compared first',
      `SEC("tp_btf/kfree_skb") int f(u64 *ctx) { struct sock *k = (void *)ctx[3]; if (!k) return 0; int x = k->sk_family; ${use} }`,
    ],
  ])('%s', (_name, text) => {
    expect(judged(text)).toEqual({ probeReads: 0, verdict: 'accept' });
  });
});

describe('a probe read stays where the verifier wants one', () => {
  test.each([
    [
      'a cast to what is larger',
      1,
      `KFUNC_PROBE(tcp_connect, struct sock *sk) { int x = ((struct tcp_sock *)sk)->snd_cwnd; ${use} }`,
    ],
    [
      'an address out of a number',
      1,
      `KFUNC_PROBE(tcp_connect, u64 p) { int x = *(int *)(bpf_get_current_task() + 16); ${use} }`,
    ],
    [
      'text behind a char pointer',
      1,
      `KFUNC_PROBE(vfs_rename, struct renamedata *r) { int x = r->old_dentry->d_name.name[0]; ${use} }`,
    ],
    ['before the struct', 1, `KFUNC_PROBE(tcp_connect, struct sock *sk) { int x = ((int *)sk)[-1]; ${use} }`],
    [
      "a table's value",
      1,
      `BPF_HASH(socks, u32, struct sock *); KFUNC_PROBE(tcp_connect, struct sock *sk) { u32 k = 0; struct sock **p = socks.lookup(&k); if (!p) return 0; int x = (*p)->sk_family; ${use} }`,
    ],
    [
      "another probe's argument",
      1,
      `int kprobe__tcp_connect(struct pt_regs *ctx, struct sock *sk) { int x = sk->sk_family; ${use} }`,
    ],
    [
      'a large copy',
      1,
      `KFUNC_PROBE(tcp_connect, struct sock *sk) { struct task_struct *t = (void *)bpf_get_current_task_btf(); struct { char c[16]; } n = *(typeof(n) *)t->comm; int x = n.c[3]; ${use} }`,
    ],
  ])('%s', (_name, calls, text) => {
    expect(judged(text)).toEqual({ probeReads: calls, verdict: 'accept' });
  });
});
