// Counts how often each of many places is passed. The one program runs at all of them: a place's number is the cookie
// that the program is attached there with.
//
// Set by the tool's options:
//   PROCESS  only this process (a tgid); not defined: any
//   CPU      only this CPU; not defined: all

#include <uapi/linux/ptrace.h>

BPF_ARRAY(counts, u64, 1);      // as large as there are places

int count_place(void *ctx)
{
#ifdef PROCESS
    if (bpf_get_current_pid_tgid() >> 32 != PROCESS)
        return 0;
#endif
#ifdef CPU
    if (bpf_get_smp_processor_id() != CPU)
        return 0;
#endif
    int place = bpf_get_attach_cookie(ctx);
    counts.atomic_increment(place);
    return 0;
}
