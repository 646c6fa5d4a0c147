// For sessions that include a header of their own.
static inline int min_size(u64 size)
{
    return size < 100 ? 0 : 100;
}
