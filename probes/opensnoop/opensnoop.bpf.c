// Files that are opened: open(2), openat(2) and openat2(2), told when they return.
//
// Set by the tool's options:
//   PROCESS  only this process (a tgid)     THREAD  only this thread
//   UID      only this user                 FLAGS   only calls with one of these flags
//   FULL_PATH  tell the folders of a relative path too

#include <uapi/linux/ptrace.h>
#include <uapi/linux/openat2.h>
#include "../container-filter.h"

#define FILE_OPENED 0
#define FOLDER 1

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
    u32 type;
    char comm[16];
    char name[255];
};
BPF_PERF_OUTPUT(events);

static inline int begin(const char *name, u32 flags)
{
    u64 id = bpf_get_current_pid_tgid();
    if (unwanted_container())
        return 0;
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

#ifdef FULL_PATH
#include <linux/fs_struct.h>

#define MOST_FOLDERS 32

BPF_PERCPU_ARRAY(folders, struct event, 1);

// The folder that the task is in and those above it, from the innermost, a record each; before the record of the call.
static inline void submit_folders(struct pt_regs *ctx, u64 id)
{
    int zero = 0;
    struct event *folder = folders.lookup(&zero);
    if (!folder)
        return;
    folder->id = id;
    folder->type = FOLDER;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct dentry *dentry = task->fs->pwd.dentry;
    for (int i = 0; i < MOST_FOLDERS; i++) {
        if (!dentry)
            return;
        const unsigned char *name = dentry->d_name.name;
        bpf_probe_read_kernel_str(folder->name, sizeof(folder->name), name);
        events.perf_submit(ctx, folder, sizeof(*folder));
        struct dentry *above = dentry->d_parent;
        if (above == dentry)
            return;     // the root is its own parent
        dentry = above;
    }
}
#endif

int open_returned(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    if (!call)
        return 0;       // begun before this tool, or unwanted
    struct event event = {};
    event.ret = PT_REGS_RC(ctx);
    event.ts = bpf_ktime_get_ns();
    event.id = id;
    event.uid = bpf_get_current_uid_gid();
    event.flags = call->flags;
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    bpf_probe_read_user_str(event.name, sizeof(event.name), call->name);
    calls.delete(&id);
#ifdef FULL_PATH
    if (event.name[0] != '/')
        submit_folders(ctx, id);
#endif
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
