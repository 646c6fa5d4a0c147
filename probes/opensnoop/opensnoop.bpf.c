// Files that are opened: open(2), openat(2) and openat2(2), told when they return.
//
// Set by the tool's options:
//   PROCESS  only this process (a tgid)     THREAD  only this thread
//   UID      only this user                 FLAGS   only calls with one of these flags
//   FAILED   only calls that fail

#include <uapi/linux/ptrace.h>
#include <uapi/linux/openat2.h>

struct call {
    const char *name;
    u32 flags;
};
BPF_HASH(calls, u64, struct call);

struct event {
    u64 ts;
    u64 id;
    u32 uid;
    u32 flags;
    s32 ret;
    char comm[16];
    char name[255];
};
BPF_PERF_OUTPUT(events);

static inline int begin(const char *name, u32 flags)
{
    u64 id = bpf_get_current_pid_tgid();
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return 0;
#endif
#ifdef THREAD
    if ((u32)id != THREAD)
        return 0;
#endif
#ifdef UID
    if ((u32)bpf_get_current_uid_gid() != UID)
        return 0;
#endif
#ifdef FLAGS
    if (!(flags & FLAGS))
        return 0;
#endif
    struct call call = {};
    call.name = name;
    call.flags = flags;
    calls.update(&id, &call);
    return 0;
}

int syscall__open(struct pt_regs *ctx, const char __user *filename, int flags)
{
    return begin(filename, flags);
}

int syscall__openat(struct pt_regs *ctx, int dfd, const char __user *filename, int flags)
{
    return begin(filename, flags);
}

int syscall__openat2(struct pt_regs *ctx, int dfd, const char __user *filename, struct open_how *how)
{
    u64 flags = 0;
    bpf_probe_read_user(&flags, sizeof(flags), &how->flags);
    return begin(filename, flags);
}

int open_returned(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    if (!call)
        return 0;       // begun before this tool, or unwanted
    struct event event = {};
    event.ret = PT_REGS_RC(ctx);
#ifdef FAILED
    if (event.ret >= 0) {
        calls.delete(&id);
        return 0;
    }
#endif
    event.ts = bpf_ktime_get_ns();
    event.id = id;
    event.uid = bpf_get_current_uid_gid();
    event.flags = call->flags;
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    bpf_probe_read_user_str(event.name, sizeof(event.name), call->name);
    calls.delete(&id);
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
