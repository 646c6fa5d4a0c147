// How often the kernel does what makes the page cache's hits and misses: one counter for each.

#include <uapi/linux/ptrace.h>

#define ACCESSED 0          // a page that is there is used
#define ADDED 1             // a page comes into the cache
#define DIRTIED 2           // a page becomes dirty
#define BUFFER_DIRTIED 3    // a block buffer does

BPF_ARRAY(counts, u64, 4);

int page_accessed(void *ctx)
{
    counts.atomic_increment(ACCESSED);
    return 0;
}

int page_added(void *ctx)
{
    counts.atomic_increment(ADDED);
    return 0;
}

int page_dirtied(void *ctx)
{
    counts.atomic_increment(DIRTIED);
    return 0;
}

int buffer_dirtied(void *ctx)
{
    counts.atomic_increment(BUFFER_DIRTIED);
    return 0;
}
