// What the tools of block I/O share. Set by the option -d: DISK, the wanted disk's name as a string.
#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>

// Whether a request is for another disk than the one that is wanted.
static inline int unwanted_disk(struct request *req)
{
#ifdef DISK
    char wanted[DISK_NAME_LEN] = DISK;
    char name[DISK_NAME_LEN] = {};
    bpf_probe_read_kernel_str(name, sizeof(name), req->q->disk->disk_name);
#pragma unroll
    for (int i = 0; i < DISK_NAME_LEN; i++) {
        if (name[i] != wanted[i])
            return 1;
    }
#endif
    return 0;
}
