// Times functions: the entry keeps the time, the return takes the difference into a log2 histogram.
//
// Set by the tool's options:
//   FACTOR      ns in one unit: 1, 1000 or 1000000
//   PROCESS     only this process (a tgid); not defined: any
//   BY_NAME     1: a histogram for each function, 0: one for all
//   BY_PROCESS  1: and for each process
//   LEVEL       calls of one function inside each other that are timed; not defined: the innermost

#include <uapi/linux/ptrace.h>

struct one_call {
    u64 pid_tgid;
    u64 ip;             // the function's address
};

struct section {
    u64 ip;             // 0 when all functions share one histogram
    u64 tgid;           // 0 when all processes do
};

struct hist_key {
    struct section section;
    u64 slot;
};

#ifdef LEVEL
struct calls {
    u64 depth;
    u64 begin[LEVEL];
};
BPF_HASH(start, struct one_call, struct calls);
BPF_PERCPU_ARRAY(none, struct calls, 1);
#else
BPF_HASH(start, struct one_call, u64);
#endif
BPF_HISTOGRAM(dist, struct hist_key);
BPF_ARRAY(avg, u64, 2);     // 0: ns in all, 1: calls

static inline void begin_call(struct one_call *call, u64 now)
{
#ifdef LEVEL
    int zero = 0;
    struct calls *empty = none.lookup(&zero);
    if (!empty)
        return;
    struct calls *calls = start.lookup_or_try_init(call, empty);
    if (!calls)
        return;
    u64 depth = calls->depth++;
    if (depth < LEVEL)
        calls->begin[depth] = now;
#else
    start.update(call, &now);
#endif
}

// When the call that returns began; 0 where that is not known.
static inline u64 end_call(struct one_call *call)
{
#ifdef LEVEL
    struct calls *calls = start.lookup(call);
    if (!calls || calls->depth == 0)
        return 0;
    u64 depth = --calls->depth;
    u64 begin = depth < LEVEL ? calls->begin[depth] : 0;
    if (depth == 0)
        start.delete(call);
    return begin;
#else
    u64 *kept = start.lookup(call);
    if (!kept)
        return 0;
    u64 begin = *kept;
    start.delete(call);
    return begin;
#endif
}

int function_entry(struct pt_regs *ctx)
{
    struct one_call call = {};
    call.pid_tgid = bpf_get_current_pid_tgid();
#ifdef PROCESS
    if (call.pid_tgid >> 32 != PROCESS)
        return 0;
#endif
    call.ip = bpf_get_func_ip(ctx);
    begin_call(&call, bpf_ktime_get_ns());
    return 0;
}

int function_return(struct pt_regs *ctx)
{
    struct one_call call = {};
    call.pid_tgid = bpf_get_current_pid_tgid();
    call.ip = bpf_get_func_ip(ctx);
    u64 now = bpf_ktime_get_ns();
    u64 begin = end_call(&call);
    if (begin == 0)
        return 0;       // entered before the probe, or in a process that is not wanted
    u64 delta = now - begin;
    avg.atomic_increment(0, delta);
    avg.atomic_increment(1);
    struct hist_key key = {};
    key.section.ip = BY_NAME ? call.ip : 0;
    key.section.tgid = BY_PROCESS ? call.pid_tgid >> 32 : 0;
    key.slot = bpf_log2l(delta / FACTOR);
    dist.atomic_increment(key);
    return 0;
}
