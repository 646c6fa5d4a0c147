// Set by --cgroupmap and --mntnsmap: paths of pinned hash maps whose keys are cgroup ids, or the numbers of mount
// namespaces. A map that is not there is made and pinned there, empty: then nothing is wanted until somebody fills it.
#include <linux/sched.h>
#include <linux/nsproxy.h>

#ifdef CGROUP_MAP
BPF_TABLE_PINNED("hash", u64, u64, wanted_cgroups, 1024, CGROUP_MAP);
#endif
#ifdef MNTNS_MAP
BPF_TABLE_PINNED("hash", u64, u32, wanted_namespaces, 1024, MNTNS_MAP);
#endif

static inline int unwanted_container(void)
{
#ifdef CGROUP_MAP
    u64 cgroup = bpf_get_current_cgroup_id();
    if (!wanted_cgroups.lookup(&cgroup))
        return 1;
#endif
#ifdef MNTNS_MAP
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    u64 namespace = task->nsproxy->mnt_ns->ns.inum;
    if (!wanted_namespaces.lookup(&namespace))
        return 1;
#endif
    return 0;
}
