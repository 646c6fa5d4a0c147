/* cgroup_storage */
BPF_CGROUP_STORAGE(s, u64);
int f(struct __sk_buff *ctx)
{
    struct x {
        u64 a;
    };
    u64 *p = s.get_local_storage(0);
    if (p)
        *p += 1;
    return 0;
}

/* cgrouparr */
BPF_CGROUP_ARRAY(c, 1);
int f(struct pt_regs *ctx)
{
    return c.check_current_task(0);
}

/* csum */
int f(struct __sk_buff *ctx)
{
    u64 a = 1;
    bpf_l3_csum_replace(ctx, 10, a, 2, 2);
    bpf_l4_csum_replace_(ctx, 10, a, 2, 2);
    bpf_l3_csum_replace_(ctx, 10, a, 2, 2);
    return 0;
}

/* dext */
int f(struct __sk_buff *ctx)
{
    u64 v = bpf_dext_pkt(ctx, 0, 0, 8);
    return v;
}

/* helpers */
int f(struct pt_regs *ctx)
{
    u64 a = bpf_ktime_get_ns() + bpf_ktime_get_boot_ns() + bpf_get_current_pid_tgid() +
            bpf_get_current_uid_gid() + bpf_get_current_cgroup_id() + bpf_get_prandom_u32() +
            bpf_get_smp_processor_id() + bpf_get_numa_node_id() + bpf_get_current_ancestor_cgroup_id(1) +
            bpf_jiffies64();
    char c[16];
    bpf_get_current_comm(&c, sizeof(c));
    struct bpf_pidns_info n;
    bpf_get_ns_current_pid_tgid(1, 2, &n, sizeof(n));
    struct task_struct *t = (void *)bpf_get_current_task();
    bpf_probe_read(c, 4, t);
    bpf_probe_read_kernel_str(c, 4, t->comm);
    bpf_probe_read_user(c, 4, (void *)1);
    return a;
}

/* hist */
struct k {
    u64 s;
    u32 p;
};
BPF_HISTOGRAM(h);
BPF_HISTOGRAM(g, struct k, 100);
int f(struct pt_regs *ctx)
{
    h.increment(bpf_log2l(5));
    struct k z = {};
    g.increment(z, 2);
    return 0;
}

/* incr */
#include <bcc/proto.h>
int f(struct __sk_buff *ctx)
{
    u8 *cursor = 0;
    struct ethernet_t *e = cursor_advance(cursor, sizeof(*e));
    struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
    incr_cksum_l3(&ip->hchecksum, 1, 2);
    return 0;
}

/* inode_storage */
BPF_INODE_STORAGE(s, u64);
LSM_PROBE(inode_unlink, struct inode *dir, struct dentry *d)
{
    u64 z = 0;
    u64 *p = s.inode_storage_get(d->d_inode, &z, 1);
    if (p)
        (*p)++;
    return 0;
}

/* kfunc */
KFUNC_PROBE(vfs_read, struct file *f)
{
    return 0;
}
KRETFUNC_PROBE(vfs_read, struct file *f, char *buf, size_t n, loff_t *pos, int ret)
{
    return ret;
}
MODULE_KFUNC_PROBE(kernel, vfs_write)
{
    return 0;
}

/* kprobe_long */
int kprobe__vfs_read(struct pt_regs *ctx, struct file *file, char *buf, size_t n)
{
    return n;
}
int kretprobe__vfs_read(struct pt_regs *ctx)
{
    return PT_REGS_RC(ctx);
}

/* load_dword */
int f(struct __sk_buff *ctx)
{
    u64 v = load_dword(ctx, 4) + load_byte(ctx, 0) + load_half(ctx, 0) + load_word(ctx, 0);
    return v;
}

/* logs */
int f(struct pt_regs *ctx)
{
    return bpf_log2(5) + bpf_log2l(6);
}

/* lookup_ */
BPF_HASH(t);
int f(struct pt_regs *ctx)
{
    u64 k = 1;
    u64 *v = bpf_map_lookup_elem_((uintptr_t)&t, &k);
    bpf_map_update_elem(&t, &k, &k, BPF_ANY);
    bpf_map_delete_elem(&t, &k);
    return 0;
}

/* lookupinit */
BPF_HASH(h);
int f(struct pt_regs *ctx)
{
    u64 k = 1, z = 0;
    u64 *v = h.lookup_or_init(&k, &z);
    if (v)
        lock_xadd(v, 1);
    v = h.lookup_or_try_init(&k, &z);
    h.insert(&k, &z);
    h.update(&k, &z);
    h.delete(&k);
    return 0;
}

/* lru */
struct l {
    u32 p;
    u32 d;
};
BPF_LRU_HASH(a);
BPF_LRU_PERCPU_HASH(b);
BPF_TABLE("lru_hash", u64, u64, z, 10);
BPF_LPM_TRIE(c, struct l);
int f(struct pt_regs *ctx)
{
    u64 k = 1;
    a.increment(k);
    b.increment(k);
    struct lk {
        u32 p;
        u32 d;
    } x = {32, 1};
    c.lookup(&x);
    return 0;
}

/* lsm */
LSM_PROBE(file_open, struct file *file)
{
    return 0;
}

/* maps_in_maps */
BPF_TABLE("hash", int, u64, in1, 10);
BPF_ARRAY_OF_MAPS(o, "in1", 4);
BPF_HASH_OF_MAPS(h, int, "in1", 4);
int f(struct pt_regs *ctx)
{
    int k = 0;
    void *inner = o.lookup(&k);
    if (!inner)
        return 0;
    u64 *v = bpf_map_lookup_elem(inner, &k);
    if (v)
        return *v;
    inner = h.lookup(&k);
    return 0;
}

/* ntoh128 */
int f(struct pt_regs *ctx)
{
    unsigned __int128 v = 5;
    v = bpf_ntoh128(v);
    v = bpf_hton128(v);
    bpf_trace_printk("%llu", (u64)v);
    return 0;
}

/* ntohll */
int f(struct pt_regs *ctx)
{
    u64 v = bpf_ntohll(4) + bpf_htonll(5) + ntohs(4) + htonl(5) + bpf_ntohs(5) + bpf_ntohl(6);
    bpf_trace_printk("%llu", v);
    return 0;
}

/* numcpus */
int f(struct pt_regs *ctx)
{
    int n = bpf_num_cpus();
    return n;
}

/* percpu_cgroup_storage */
BPF_PERCPU_CGROUP_STORAGE(s, u64);
int f(struct __sk_buff *ctx)
{
    u64 *p = s.get_local_storage(0);
    if (p)
        *p += 1;
    return 0;
}

/* perf */
BPF_PERF_ARRAY(p, 4);
int f(struct pt_regs *ctx)
{
    struct bpf_perf_event_value v;
    p.perf_counter_value(0, &v, sizeof(v));
    u64 x = p.perf_read(CUR_CPU_IDENTIFIER);
    return x;
}

/* printk_long */
int f(struct pt_regs *ctx)
{
    bpf_trace_printk("%d %d %s\n", 1, 2, "x");
    return 0;
}

/* prog */
BPF_PROG_ARRAY(p, 10);
int f(struct pt_regs *ctx)
{
    p.call(ctx, 2);
    bpf_tail_call(ctx, &p, 1);
    return 0;
}

/* queuestack */
BPF_QUEUESTACK("queue", q, u64, 10, 0);
int f(struct pt_regs *ctx)
{
    u64 v = 1;
    q.push(&v, 0);
    q.pop(&v);
    q.peek(&v);
    return 0;
}

/* queuestack_pinned */
BPF_QUEUESTACK_PINNED("queue", q, u64, 10, 0, "/sys/fs/bpf/q");
int f(struct pt_regs *ctx)
{
    u64 v = 1;
    q.push(&v, 0);
    return 0;
}

/* queuestack_shared */
BPF_QUEUESTACK_SHARED("stack", q, u64, 10, 0);
BPF_QUEUESTACK_PUBLIC("queue", r, u64, 10, 0);
int f(struct pt_regs *ctx)
{
    u64 v = 1;
    q.push(&v, 0);
    r.push(&v, 0);
    return 0;
}

/* rawtp */
RAW_TRACEPOINT_PROBE(sched_switch)
{
    struct task_struct *p = (struct task_struct *)ctx->args[1];
    return p->pid;
}

/* redirect_map */
BPF_XDP_REDIRECT_MAP("devmap", int, m, 4);
int f(struct xdp_md *ctx)
{
    return m.redirect_map(0, 0);
}

/* ring */
BPF_RINGBUF_OUTPUT(b, 8);
int f(struct pt_regs *ctx)
{
    u64 *r = b.ringbuf_reserve(8);
    if (!r)
        return 1;
    *r = b.ringbuf_query(BPF_RB_AVAIL_DATA);
    b.ringbuf_submit(r, BPF_RB_NO_WAKEUP);
    u64 q = 1;
    b.ringbuf_output(&q, 8, 0);
    return 0;
}

/* roundup */
int f(struct pt_regs *ctx)
{
    return roundup_pow_of_two(100) + rounddown_pow_of_two(100) + ilog2(64) + is_power_of_2(4);
}

/* sendsignal */
int f(struct pt_regs *ctx)
{
    bpf_send_signal(9);
    bpf_send_signal_thread(9);
    bpf_override_return(ctx, -1);
    bpf_spin_lock(0);
    return 0;
}

/* skb_submit */
BPF_PERF_OUTPUT(e);
int f(struct __sk_buff *ctx)
{
    int m = 5;
    e.perf_submit_skb(ctx, ctx->len, &m, sizeof(m));
    return 0;
}

/* skhelpers */
int f(struct __sk_buff *ctx)
{
    u64 c = bpf_get_socket_cookie(ctx) + bpf_get_socket_uid(ctx) + bpf_get_cgroup_classid(ctx) +
            bpf_get_route_realm(ctx) + bpf_get_hash_recalc(ctx) + bpf_skb_cgroup_id(ctx);
    bpf_skb_vlan_push(ctx, 1, 2);
    bpf_skb_vlan_pop(ctx);
    char b[8];
    bpf_skb_load_bytes(ctx, 0, b, 8);
    bpf_skb_load_bytes_relative(ctx, 0, b, 8, 0);
    bpf_clone_redirect(ctx, 1, 0);
    bpf_redirect(1, 0);
    return c;
}

/* stackdepth */
int f(struct pt_regs *ctx)
{
    u64 x = BPF_MAX_STACK_DEPTH;
    return x;
}

/* stacktrace_struct */
int f(struct pt_regs *ctx)
{
    struct bpf_stacktrace *s = 0;
    return sizeof(*s) + sizeof(struct bpf_stacktrace_buildid);
}

/* storage */
BPF_TASK_STORAGE(s, u64);
int kfunc__vfs_read(unsigned long long *ctx)
{
    struct task_struct *t = bpf_get_current_task_btf();
    u64 z = 0;
    u64 *p = s.task_storage_get(t, &z, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (p)
        (*p)++;
    s.task_storage_delete(t);
    return 0;
}

/* strcmp */
int f(struct pt_regs *ctx)
{
    char a[4] = "ab";
    return bpf_strncmp(a, 4, "ab");
}

/* syscall */
int syscall__openat(struct pt_regs *ctx, int dfd, const char *name, int flags)
{
    char c[8];
    bpf_probe_read_user_str(c, 8, name);
    return flags;
}

/* table_forms */
BPF_TABLE("hash", u64, u64, a, 10);
BPF_F_TABLE("hash", u64, u64, b, 10, BPF_F_NO_PREALLOC);
BPF_TABLE_PINNED("hash", u64, u64, c, 10, "/sys/fs/bpf/c");
BPF_TABLE_PUBLIC("hash", u64, u64, d, 10);
BPF_TABLE_SHARED("hash", u64, u64, e, 10);
BPF_TABLE_PINNED("hash", u64, u64, g, 10, "/sys/fs/bpf/g", BPF_F_NO_PREALLOC);
int f(struct pt_regs *ctx)
{
    u64 k = 0;
    a.increment(k);
    b.increment(k);
    c.increment(k);
    d.increment(k);
    e.atomic_increment(k);
    g.atomic_increment(k, 3);
    return 0;
}

/* tp_data_loc */
TRACEPOINT_PROBE(sched, sched_process_exec)
{
    char f[32];
    TP_DATA_LOC_READ_STR(f, filename, 32);
    TP_DATA_LOC_READ_CONST(f, filename, 16);
    return 0;
}

/* usdtlike */
int f(struct pt_regs *ctx)
{
    return PT_REGS_PARM1(ctx) + PT_REGS_PARM6(ctx) + PT_REGS_FP(ctx) + PT_REGS_IP(ctx) + PT_REGS_SP(ctx) +
           PT_REGS_RET(ctx) + PT_REGS_PARM4_SYSCALL((struct pt_regs *)PT_REGS_SYSCALL_CTX(ctx));
    return 0;
}
