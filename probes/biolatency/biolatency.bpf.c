// How long block I/O takes: from the driver, or with QUEUED from its submission, to its completion.
//
// Set by the tool's options:
//   FACTOR    ns in one unit: 1000 or 1000000
//   BY_DISK   a histogram for each disk     BY_FLAGS  for each operation with its flags
//   AVERAGE   sum up values too             DISK      only this disk

#include "../block-io.h"

BPF_HASH(begun, struct request *, u64);

#if defined(BY_DISK)
struct disk_slot {
    char disk[DISK_NAME_LEN];
    u64 slot;
};
BPF_HISTOGRAM(dist, struct disk_slot);
#elif defined(BY_FLAGS)
struct flags_slot {
    u64 flags;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct flags_slot);
#else
BPF_HISTOGRAM(dist);
#endif

#ifdef AVERAGE
struct sums {
    u64 total;
    u64 count;
};
BPF_ARRAY(sums, struct sums, 1);
#endif

int request_begins(struct pt_regs *ctx, struct request *req)
{
    if (unwanted_disk(req))
        return 0;
    u64 now = bpf_ktime_get_ns();
    begun.update(&req, &now);
    return 0;
}

int request_done(struct pt_regs *ctx, struct request *req)
{
    u64 *begin = begun.lookup(&req);
    if (!begin)
        return 0;       // begun before this tool, or unwanted
    u64 delta = (bpf_ktime_get_ns() - *begin) / FACTOR;
    begun.delete(&req);
#if defined(BY_DISK)
    struct disk_slot key = {};
    key.slot = bpf_log2l(delta);
    bpf_probe_read_kernel_str(key.disk, sizeof(key.disk), req->q->disk->disk_name);
    dist.atomic_increment(key);
#elif defined(BY_FLAGS)
    struct flags_slot key = {};
    key.slot = bpf_log2l(delta);
    key.flags = req->cmd_flags;
    dist.atomic_increment(key);
#else
    dist.atomic_increment(bpf_log2l(delta));
#endif
#ifdef AVERAGE
    int first = 0;
    struct sums *all = sums.lookup(&first);
    if (all) {
        lock_xadd(&all->total, delta);
        lock_xadd(&all->count, 1);
    }
#endif
    return 0;
}
