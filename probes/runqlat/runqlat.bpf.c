// How long tasks wait for a CPU: from their waking, or from when they lost the CPU and could have run on, to the switch
// that gives it to them.
//
// Set by the tool's options:
//   FACTOR  ns in one unit: 1000 or 1000000     PROCESS  only this process (a tgid)
//   BY_PROCESS, BY_THREAD, BY_NAMESPACE         a histogram for each

#include <linux/sched.h>
#include <linux/pid_namespace.h>

BPF_HASH(waiting, u32, u64);

#if defined(BY_PROCESS) || defined(BY_THREAD) || defined(BY_NAMESPACE)
#define BY
struct id_slot {
    u64 id;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct id_slot);
#else
BPF_HISTOGRAM(dist);
#endif

static inline int unwanted(struct task_struct *task)
{
#ifdef PROCESS
    if (task->tgid != PROCESS)
        return 1;
#endif
    return task->pid == 0;      // the idle task waits for nothing
}

static inline int begins_to_wait(struct task_struct *task)
{
    if (unwanted(task))
        return 0;
    u32 pid = task->pid;
    u64 now = bpf_ktime_get_ns();
    waiting.update(&pid, &now);
    return 0;
}

#ifdef BY
static inline u64 id_of(struct task_struct *task)
{
#if defined(BY_PROCESS)
    return task->tgid;
#elif defined(BY_THREAD)
    return task->pid;
#else
    // As task_active_pid_ns(): the innermost namespace that the task has a number in.
    struct pid *pid = task->thread_pid;
    u32 level = pid->level;
    struct upid upid = {};
    bpf_probe_read_kernel(&upid, sizeof(upid), &pid->numbers[level]);
    return upid.ns->ns.inum;
#endif
}
#endif

RAW_TRACEPOINT_PROBE(sched_wakeup)
{
    return begins_to_wait((struct task_struct *)ctx->args[0]);
}

RAW_TRACEPOINT_PROBE(sched_wakeup_new)
{
    return begins_to_wait((struct task_struct *)ctx->args[0]);
}

RAW_TRACEPOINT_PROBE(sched_switch)
{
    struct task_struct *prev = (struct task_struct *)ctx->args[1];
    struct task_struct *next = (struct task_struct *)ctx->args[2];
    if (ctx->args[3] == TASK_RUNNING)       // its state when the switch began
        begins_to_wait(prev);
    if (unwanted(next))
        return 0;
    u32 pid = next->pid;
    u64 *begin = waiting.lookup(&pid);
    if (!begin)
        return 0;       // woken before this tool
    u64 delta = (bpf_ktime_get_ns() - *begin) / FACTOR;
    waiting.delete(&pid);
#ifdef BY
    struct id_slot key = {};
    key.id = id_of(next);
    key.slot = bpf_log2l(delta);
    dist.atomic_increment(key);
#else
    dist.atomic_increment(bpf_log2l(delta));
#endif
    return 0;
}
