// New programs: what execve(2) is called with, one record for each argument, and what it returns.
//
// Set by the tool's options:
//   UID       only this user          PARENT   only children of this process (a tgid)
//   MAX_ARGS  arguments at most, the name included

#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include "../container-filter.h"

#define ARGUMENT_SIZE 128

#define ARGUMENT 0
#define RETURNED 1

struct event {
    u64 ts;
    u32 pid;
    u32 ppid;
    u32 uid;
    s32 retval;
    u32 type;
    char comm[16];
    char argument[ARGUMENT_SIZE];
};
BPF_PERF_OUTPUT(events);

// Whether the call is wanted; what every record has is filled in.
static inline int begin(struct event *event)
{
    if (unwanted_container())
        return 0;
    event->uid = bpf_get_current_uid_gid();
#ifdef UID
    if (event->uid != UID)
        return 0;
#endif
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    event->ppid = task->real_parent->tgid;
#ifdef PARENT
    if (event->ppid != PARENT)
        return 0;
#endif
    event->ts = bpf_ktime_get_ns();
    event->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&event->comm, sizeof(event->comm));
    return 1;
}

static inline void submit_argument(struct pt_regs *ctx, struct event *event, const char *argument)
{
    bpf_probe_read_user_str(event->argument, sizeof(event->argument), argument);
    events.perf_submit(ctx, event, sizeof(*event));
}

int syscall__execve(struct pt_regs *ctx, const char __user *filename, const char __user *const __user *argv)
{
    struct event event = {};
    if (!begin(&event))
        return 0;
    event.type = ARGUMENT;
    // The program's own name may be anything; the file says what is run.
    submit_argument(ctx, &event, filename);
#pragma unroll
    for (int i = 1; i < MAX_ARGS; i++) {
        const char *argument = NULL;
        bpf_probe_read_user(&argument, sizeof(argument), &argv[i]);
        if (!argument)
            return 0;
        submit_argument(ctx, &event, argument);
    }
    __builtin_memset(event.argument, 0, sizeof(event.argument));
    event.argument[0] = event.argument[1] = event.argument[2] = '.';
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}

int execve_returned(struct pt_regs *ctx)
{
    struct event event = {};
    if (!begin(&event))
        return 0;
    event.type = RETURNED;
    event.retval = PT_REGS_RC(ctx);
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
