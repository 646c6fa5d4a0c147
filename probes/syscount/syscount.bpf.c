// System calls as they return, counted by number or by process, with LATENCY also how long they took.
//
// Set by the tool's options:
//   PROCESS, THREAD, PARENT  only this process, thread, or children of this process (tgid, pid, tgid)
//   NUMBER   only this system call          FAILED      only those that fail
//   ERRNO    only those with this errno     BY_PROCESS  count by process

#include <linux/sched.h>

struct amount {
    u64 count;
    u64 total_ns;
};
BPF_HASH(data, u32, struct amount);

#ifdef LATENCY
BPF_HASH(begun, u64, u64);
#endif

#ifdef BY_PROCESS
// What a process is called, which is its first thread's name, for when it is gone.
struct name {
    char comm[16];
};
BPF_HASH(names, u32, struct name);
#endif

static inline int unwanted(u64 id, long number)
{
#ifdef NUMBER
    if (number != NUMBER)
        return 1;
#endif
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return 1;
#endif
#ifdef THREAD
    if ((u32)id != THREAD)
        return 1;
#endif
#ifdef PARENT
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    if (task->real_parent->tgid != PARENT)
        return 1;
#endif
    return 0;
}

#ifdef LATENCY
TRACEPOINT_PROBE(raw_syscalls, sys_enter)
{
    u64 id = bpf_get_current_pid_tgid();
    if (unwanted(id, args->id))
        return 0;
    u64 now = bpf_ktime_get_ns();
    begun.update(&id, &now);
    return 0;
}
#endif

TRACEPOINT_PROBE(raw_syscalls, sys_exit)
{
    u64 id = bpf_get_current_pid_tgid();
    if (unwanted(id, args->id))
        return 0;
#ifdef FAILED
    if (args->ret >= 0)
        return 0;
#endif
#ifdef ERRNO
    if (args->ret != -ERRNO)
        return 0;
#endif
    u64 took = 0;
#ifdef LATENCY
    u64 *begin = begun.lookup(&id);
    if (!begin)
        return 0;       // begun before this tool
    took = bpf_ktime_get_ns() - *begin;
#endif
#ifdef BY_PROCESS
    u32 key = id >> 32;
    struct name name = {};
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    bpf_probe_read_kernel_str(name.comm, sizeof(name.comm), task->group_leader->comm);
    names.update(&key, &name);
#else
    u32 key = args->id;
#endif
    struct amount none = {};
    struct amount *amount = data.lookup_or_try_init(&key, &none);
    if (amount) {
        lock_xadd(&amount->count, 1);
        lock_xadd(&amount->total_ns, took);
    }
    return 0;
}
