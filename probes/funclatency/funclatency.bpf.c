// Times functions: the entry keeps the time, the return takes the difference into a log2 histogram.
//
// Set by the tool's options:
//   FACTOR   ns in one unit: 1, 1000 or 1000000
//   PROCESS  only this process (a tgid); not defined: any
//   BY_NAME  1: a histogram for each function, 0: one for all

#include <uapi/linux/ptrace.h>

struct one_call {
    u64 pid_tgid;
    u64 ip;             // the function's address
};

struct hist_key {
    u64 ip;             // 0 when all functions share one histogram
    u64 slot;
};

BPF_HASH(start, struct one_call, u64);
BPF_HISTOGRAM(dist, struct hist_key);
BPF_ARRAY(avg, u64, 2);     // 0: ns in all, 1: calls

int function_entry(struct pt_regs *ctx)
{
    struct one_call call = {};
    call.pid_tgid = bpf_get_current_pid_tgid();
#ifdef PROCESS
    if (call.pid_tgid >> 32 != PROCESS)
        return 0;
#endif
    call.ip = bpf_get_func_ip(ctx);
    u64 now = bpf_ktime_get_ns();
    start.update(&call, &now);
    return 0;
}

int function_return(struct pt_regs *ctx)
{
    struct one_call call = {};
    call.pid_tgid = bpf_get_current_pid_tgid();
    call.ip = bpf_get_func_ip(ctx);
    u64 now = bpf_ktime_get_ns();
    u64 *begin = start.lookup(&call);
    if (!begin)
        return 0;       // entered before the probe, or in a process that is not wanted
    u64 delta = now - *begin;
    start.delete(&call);
    avg.atomic_increment(0, delta);
    avg.atomic_increment(1);
    struct hist_key key = {};
    key.ip = BY_NAME ? call.ip : 0;
    key.slot = bpf_log2l(delta / FACTOR);
    dist.atomic_increment(key);
    return 0;
}
