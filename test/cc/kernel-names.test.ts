import { describe, expect, test } from 'vitest';
import { loadProfile, profileNames } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';
import { engines } from '../vm/engines.ts';
import { compiled, runCode } from './run-c.ts';
import { input } from './snippets.ts';

/** Names of kernel headers that trimmed BTF does not have, as tools use them: each has the value that it has in C. */
const profiles = new Map(profileNames.map((name) => [name, loadProfile(name)] as const));

const values: readonly (readonly [expression: string, on618: bigint, on61: bigint])[] = [
  ['NR_SOFTIRQS + RCU_SOFTIRQ', 19n, 19n],
  ['ITER_UBUF', 0n, 6n],
  ['ITER_IOVEC', 1n, 0n],
  ['NFPROTO_IPV6 + NF_INET_POST_ROUTING', 14n, 14n],
  ['sizeof(struct sockaddr_storage)', 128n, 128n],
  ['offsetof(struct rdma_cm_id, route.addr.dst_addr)', 160n, 160n],
  ['sizeof(((struct sock *)0)->__sk_common.skc_v6_daddr.s6_addr32)', 16n, 16n],
  ['(unsigned long)&((struct in6_addr *)0)->s6_addr[3]', 3n, 3n],
  ['(unsigned long)folio_page((struct folio *)0, 2) - (unsigned long)&((struct folio *)0)->page', 128n, 128n],
];

describe.each(engines)('on the $name', (engine) => {
  test.each(values)('%s', (expression, on618, on61) => {
    for (const [name, value] of [
      ['6.18', on618],
      ['6.1', on61],
    ] as const) {
      const code = compiled(`u64 run(u64 *in) { return ${expression}; }`, profiles.get(name)!);
      expect([name, runCode(code, input, engine)]).toEqual([name, value]);
    }
  });
});

test('a struct of the text is its own where it is named before it is defined', () => {
  const text = `struct list { struct hlist_node *first; };
    struct hlist_node { int mine; };
    int kprobe__vfs_read(struct pt_regs *ctx) {
      struct hlist_node node = { 3 };
      struct list list = { &node };
      return list.first->mine;
    }`;
  expect(compileC(text, { profile: loadProfile('6.18') }).diagnostics).toEqual([]);
});

test.each([
  ['bpf_dext_pk(s, 0, 0, 8)', `did you mean 'bpf_dext_pkt'?`],
  ['__tracebed_log(3)', undefined],
])('near %s there is no name of the headers that texts may not use', (call, hint) => {
  const text = `int kprobe__vfs_read(void *s) { if (s) return ${call}; return 0; }`;
  expect(compileC(text, { profile: loadProfile('6.18') }).diagnostics[0]?.hint).toBe(hint);
});
