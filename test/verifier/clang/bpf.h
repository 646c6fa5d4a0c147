/* What the programs beside it need of the kernel's interface; facts of include/uapi/linux/bpf.h. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE static __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable)")

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, PERF_EVENT_ARRAY = 4, PERCPU_HASH = 5, PERCPU_ARRAY = 6, STACK_TRACE = 7,
       LRU_HASH = 9, LPM_TRIE = 11, DEVMAP = 14, QUEUE = 22, STACK = 23, RINGBUF = 27 };

/* A map; its symbol's address is the map. `lock` is 1 for a value { int count; struct bpf_spin_lock lock; }. */
struct map { u32 type, key, value, entries, flags, lock; };
#define MAP(name, ...) struct map SEC("maps") name = { __VA_ARGS__ }

static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*erase)(void *map, const void *key) = (void *)3;
static u64 (*ktime)(void) = (void *)5;
static u32 (*prandom)(void) = (void *)7;
static u32 (*this_cpu)(void) = (void *)8;
static long (*skb_store_bytes)(void *skb, u32 at, const void *from, u32 size, u64 flags) = (void *)9;
static long (*l3_csum_replace)(void *skb, u32 at, u64 from, u64 to, u64 size) = (void *)10;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*pid_tgid)(void) = (void *)14;
static long (*comm)(void *to, u32 size) = (void *)16;
static long (*redirect)(u32 ifindex, u64 flags) = (void *)23;
static long (*perf_output)(void *ctx, void *map, u64 flags, void *data, u64 size) = (void *)25;
static long (*skb_load_bytes)(const void *skb, u32 at, void *to, u32 size) = (void *)26;
static long (*stackid)(void *ctx, void *map, u64 flags) = (void *)27;
static s64 (*csum_diff)(u32 *from, u32 from_size, u32 *to, u32 to_size, u32 seed) = (void *)28;
static long (*xdp_adjust_head)(void *ctx, int delta) = (void *)44;
static long (*redirect_map)(void *map, u64 key, u64 flags) = (void *)51;
static long (*push)(void *map, const void *value, u64 flags) = (void *)87;
static long (*pop)(void *map, void *value) = (void *)88;
static long (*spin_lock)(void *lock) = (void *)93;
static long (*spin_unlock)(void *lock) = (void *)94;
static long (*probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
static void *(*ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*ringbuf_discard)(void *data, u64 flags) = (void *)133;
static long (*for_each)(void *map, void *callback, void *with, u64 flags) = (void *)164;
static long (*loop)(u32 times, void *callback, void *with, u64 flags) = (void *)181;

struct regs { u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig, ip, cs, flags, sp, ss; };
struct xdp { u32 data, data_end, data_meta, ingress, queue, egress; };
struct skb { u32 len, pkt_type, mark, queue, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress, ifindex,
             tc_index, cb[5], hash, tc_classid, data, data_end; };
struct ethernet { u8 to[6], from[6]; u16 type; } __attribute__((packed));
struct ipv4 { u8 version_ihl, tos; u16 length, id, fragment; u8 ttl, protocol; u16 check; u32 from, to; };
struct ipv6 { u32 version; u16 length; u8 next, hops; u32 from[4], to[4]; };
struct tcp { u16 source, dest; u32 seq, ack; u8 offset, flags; u16 window, check, urgent; };
struct udp { u16 source, dest, length, check; };

#define htons(x) ((u16)__builtin_bswap16(x))
#define DATA(ctx) ((void *)(u64)(ctx)->data)
#define DATA_END(ctx) ((void *)(u64)(ctx)->data_end)
