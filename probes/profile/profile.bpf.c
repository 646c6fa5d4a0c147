// Samples what each CPU is doing and counts equal stacks. The kernel's stack begins with the instruction that was
// interrupted, so none is put in front of it.
//
// Set by the tool's options:
//   WANTED        a condition on tgid and pid (the thread); not defined: all
//   IDLE          also the idle tasks
//   USER_ONLY     no kernel stacks
//   KERNEL_ONLY   no user stacks

#include <uapi/linux/ptrace.h>
#include <uapi/linux/bpf_perf_event.h>
#include <linux/sched.h>
#include "../container-filter.h"

#define NOT_ASKED -1        // a stack that is not wanted

struct sample {
    u32 tgid;
    int user_stack;         // ids in stacks, or a negative errno
    int kernel_stack;
    char comm[TASK_COMM_LEN];
};

BPF_HASH(counts, struct sample);
BPF_STACK_TRACE(stacks, 16384);

int take_sample(struct bpf_perf_event_data *ctx)
{
    u64 pid_tgid = bpf_get_current_pid_tgid();
    u32 tgid = pid_tgid >> 32;
    u32 pid = pid_tgid;
#ifndef IDLE
    if (pid == 0)
        return 0;
#endif
    if (unwanted_container())
        return 0;
#ifdef WANTED
    if (!(WANTED))
        return 0;
#endif
    struct sample sample = {};
    sample.tgid = tgid;
    bpf_get_current_comm(&sample.comm, sizeof(sample.comm));
    sample.user_stack = NOT_ASKED;
    sample.kernel_stack = NOT_ASKED;
#ifndef KERNEL_ONLY
    sample.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
#endif
#ifndef USER_ONLY
    sample.kernel_stack = stacks.get_stackid(ctx, 0);
#endif
    counts.increment(sample);
    return 0;
}
