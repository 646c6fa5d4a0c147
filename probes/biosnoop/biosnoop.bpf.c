// Block I/O, one record each when it is done. Who asked for it is known when it begins to be accounted for; its size
// when it is given to the disk, for nothing is left of it when it is done.
//
// Set by the tool's options: DISK; PATTERN tells whether a request goes on where the one before on its disk ended.

#include "../block-io.h"

struct asked {
    u64 ts;
    u32 pid;
    char comm[16];
};
BPF_HASH(asked, struct request *, struct asked);

struct issued {
    u64 ts;
    u64 bytes;
};
BPF_HASH(issued, struct request *, struct issued);

#ifdef PATTERN
struct device {
    u32 major;
    u32 minor;
};
BPF_HASH(ends, struct device, u64);

#define SEQUENTIAL 1
#define RANDOM 2
#endif

struct event {
    u64 ts;
    u64 queued;
    u64 delta;
    u64 sector;
    u64 bytes;
    u32 pid;
    u16 write;
    u16 pattern;
    char comm[16];
    char disk[DISK_NAME_LEN];
};
BPF_PERF_OUTPUT(events);

int request_asked(struct pt_regs *ctx, struct request *req)
{
    if (unwanted_disk(req))
        return 0;
    struct asked who = {};
    who.ts = bpf_ktime_get_ns();
    who.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&who.comm, sizeof(who.comm));
    asked.update(&req, &who);
    return 0;
}

int request_issued(struct pt_regs *ctx, struct request *req)
{
    if (unwanted_disk(req))
        return 0;
    struct issued given = {};
    given.ts = bpf_ktime_get_ns();
    given.bytes = req->__data_len;
    issued.update(&req, &given);
    return 0;
}

int request_done(struct pt_regs *ctx, struct request *req)
{
    struct issued *given = issued.lookup(&req);
    if (!given)
        return 0;       // issued before this tool, or unwanted
    struct event event = {};
    event.ts = bpf_ktime_get_ns();
    event.delta = event.ts - given->ts;
    event.bytes = given->bytes;
    event.write = (req->cmd_flags & REQ_OP_MASK) == REQ_OP_WRITE;
    struct asked *who = asked.lookup(&req);
    if (who) {
        event.queued = given->ts - who->ts;
        event.pid = who->pid;
        event.sector = req->__sector;
        __builtin_memcpy(event.comm, who->comm, sizeof(event.comm));
        bpf_probe_read_kernel_str(event.disk, sizeof(event.disk), req->q->disk->disk_name);
    } else {
        event.comm[0] = '?';
    }
#ifdef PATTERN
    struct device device = {};
    device.major = req->q->disk->major;
    device.minor = req->q->disk->first_minor;
    u64 *end = ends.lookup(&device);
    if (end)
        event.pattern = *end == req->__sector ? SEQUENTIAL : RANDOM;
    u64 next = req->__sector + event.bytes / 512;
    ends.update(&device, &next);
#endif
    events.perf_submit(ctx, &event, sizeof(event));
    issued.delete(&req);
    asked.delete(&req);
    return 0;
}
