import { expect, test } from 'vitest';
import { loadProfile, profileNames } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';
import { bpfStructs } from '../../src/cc/types/bpf-structs.ts';

/** sizeof in bytes, by the BTF of Linux 6.18. */
const sizes: Readonly<Record<string, number>> = {
  bpf_spin_lock: 4,
  bpf_timer: 16,
  bpf_dynptr: 16,
  btf_ptr: 16,
  bpf_pidns_info: 8,
  bpf_sock_ops: 224,
  bpf_tunnel_key: 44,
  bpf_sock: 80,
  bpf_perf_event_value: 24,
  bpf_fib_lookup: 64,
  sk_msg_md: 80,
  bpf_redir_neigh: 20,
  bpf_sock_addr: 72,
  bpf_sysctl: 8,
  bpf_cgroup_dev_ctx: 12,
  bpf_xfrm_state: 28,
  bpf_tcp_sock: 112,
  bpf_devmap_val: 8,
  bpf_cpumap_val: 8,
  bpf_sk_lookup: 72,
  bpf_sockopt: 40,
  bpf_flow_keys: 56,
  bpf_sock_tuple: 36,
  sk_reuseport_md: 56,
};

test.each(profileNames)('structs of bpf.h have the sizes that the kernel says, with the types of %s', (name) => {
  expect(Object.keys(sizes)).toEqual(Object.keys(bpfStructs));
  const asserts = Object.entries(sizes).map(
    ([tag, size]) => `_Static_assert(sizeof(struct ${tag}) == ${size}, "${tag}");`,
  );
  const { diagnostics } = compileC(`${asserts.join('\n')}\nint kprobe__vfs_read(void *ctx) { return 0; }`, {
    file: 'sizes.c',
    profile: loadProfile(name),
  });
  expect(diagnostics).toEqual([]);
});
