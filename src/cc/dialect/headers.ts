import type { KernelProfile } from '../../btf/index.ts';
import { isLibbpfHeader, libbpfHeaders } from './libbpf-headers.ts';
import { packetHeaders } from './packet-headers.ts';
import { targetMacros } from './target-macros.ts';

/**
 * What BTF does not hold: the macros and small inline functions of kernel headers that tools use, and BCC's own. All of
 * it is one text that stands before every program; any `#include` of a kernel header finds nothing more to add.
 */

/** Folders whose headers BTF and the text below replace. */
const kernelFolders =
  /^(?:uapi\/)?(?:linux|net|asm|asm-generic|bcc|bpf|scsi|sound|rdma|trace|crypto|drm|media|uapi|xen|kvm|generated|kernel|fs|mm|block|drivers|include|\.\.\/)\b|^(?:vmlinux|stddef|stdint|stdbool|string|errno|limits)\.h$|^(?:uapi|linux|net)\//;

export function isKernelHeader(path: string): boolean {
  return kernelFolders.test(path);
}

/** What a kernel header adds: the types of the others are the kernel's own. */
export function kernelHeader(path: string): string {
  if (isLibbpfHeader(path)) return configurationUndefined + libbpfHeaders;
  return path === 'bcc/proto.h' ? packetHeaders : '';
}

/** `5.10.11` as LINUX_VERSION_CODE counts it: the sublevel in the low byte, at most 255. */
export function versionCode(release: string): number {
  const [major = 0, minor = 0, sub = 0] = release.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return major * 65536 + minor * 256 + Math.min(sub, 255);
}

/** The options of Debian's kernels that tools ask for. */
const configuration = [
  'X86_64',
  'X86',
  '64BIT',
  'SMP',
  'NUMA',
  'NET',
  'NET_NS',
  'INET',
  'IPV6',
  'PID_NS',
  'CGROUPS',
  'SLUB',
  'MMU',
  'ARCH_HAS_SYSCALL_WRAPPER',
  'DYNAMIC_MEMORY_LAYOUT',
  'FS_DAX',
  'BLOCK',
  'BPF',
  'BPF_SYSCALL',
  'BPF_EVENTS',
  'KPROBES',
  'UPROBES',
  'TRACEPOINTS',
  'STACKTRACE',
  'PREEMPTION',
  'MEMCG',
  'HIGH_RES_TIMERS',
  'SECURITY',
  'THREAD_INFO_IN_TASK',
  'DEBUG_INFO_BTF',
  'FAIR_GROUP_SCHED',
  'CGROUP_BPF',
  'VIRTUAL_MEM_MAP',
  'ZONE_DMA',
];

/** Texts of libbpf's form have the options as externs, and no macros of them. */
const configurationUndefined = configuration.map((option) => `#undef CONFIG_${option}\n`).join('');

/** Options with another value than `y`, as Debian's kernels have them, and what libbpf adds to them. */
const optionValues: Readonly<Record<string, string>> = {
  CONFIG_HZ: '250',
  CONFIG_NR_CPUS: '8192',
  CONFIG_DEFAULT_HOSTNAME: '"(none)"',
  LINUX_HAS_BPF_COOKIE: '1',
  LINUX_HAS_SYSCALL_WRAPPER: '1',
};

/** An option of the kernel's configuration as its text has it; undefined where it is not set. */
export function kernelOption(profile: KernelProfile, name: string): string | undefined {
  if (name === 'LINUX_KERNEL_VERSION') return String(versionCode(profile.release));
  if (Object.hasOwn(optionValues, name)) return optionValues[name];
  return name.startsWith('CONFIG_') && configuration.includes(name.slice('CONFIG_'.length)) ? 'y' : undefined;
}

/** `NAME` to what `-D` would give it. */
export function predefined(profile: KernelProfile): Record<string, string> {
  const macros: Record<string, string> = {
    ...targetMacros,
    LINUX_VERSION_CODE: String(versionCode(profile.release)),
    __KERNEL__: '1',
    __x86_64__: '1',
    __TARGET_ARCH_x86: '1',
    __LITTLE_ENDIAN: '1234',
    BCC_SEC: '__attribute__((section))',
    // Where the kernel's direct mapping begins with and without five-level paging (Documentation/arch/x86/x86_64/mm.rst).
    __PAGE_OFFSET_BASE_L4: '0xffff888000000000ULL',
    __PAGE_OFFSET_BASE_L5: '0xff11000000000000ULL',
    PAGE_OFFSET: '0xffff888000000000ULL',
  };
  for (const option of configuration) macros[`CONFIG_${option}`] = '1';
  return macros;
}

export const headerText = `
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#define NULL ((void *)0)
#define true 1
#define false 0
#define __user __attribute__((address_space(1)))
#define __kernel
#define __percpu
#define __rcu
#define __iomem
#define __force
#define __always_unused
#define __maybe_unused
#define __unused
#define __init
#define __must_check
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __always_inline inline
#define __noinline __attribute__((__noinline__))
#define noinline __attribute__((__noinline__))
#define asmlinkage
#define likely(x) (x)
#define unlikely(x) (x)
#define barrier() asm volatile("" : : : "memory")
#define SEC(name) __attribute__((section(name)))
#define BITS_PER_LONG 64
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b) ({ typeof(a) __min1 = (a); typeof(b) __min2 = (b); __min1 < __min2 ? __min1 : __min2; })
#define max(a, b) ({ typeof(a) __max1 = (a); typeof(b) __max2 = (b); __max1 > __max2 ? __max1 : __max2; })
#define ilog2(n) (63 - __builtin_clzll(n))
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n) - 1)) == 0)
#define roundup_pow_of_two(n) ((n) == 1 ? 1 : 1UL << (ilog2((n) - 1) + 1))
#define rounddown_pow_of_two(n) (1UL << ilog2(n))
#define min_t(type, a, b) ({ type __min1 = (a); type __min2 = (b); __min1 < __min2 ? __min1 : __min2; })
#define max_t(type, a, b) ({ type __max1 = (a); type __max2 = (b); __max1 > __max2 ? __max1 : __max2; })
#define clamp(value, low, high) min(max(value, low), high)
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define FIELD_SIZEOF(type, member) sizeof(((type *)0)->member)
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ALIGN(x, a) (((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (BITS_PER_LONG - 1 - (h))))
#define GENMASK_ULL(h, l) GENMASK(h, l)
#define upper_32_bits(n) ((u32)((n) >> 32))
#define lower_32_bits(n) ((u32)(n))
#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(void *)(x) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR(ptr) IS_ERR_VALUE((unsigned long)(ptr))
#define IS_ERR_OR_NULL(ptr) (!(ptr) || IS_ERR(ptr))
#define PTR_ERR(ptr) ((long)(ptr))
#define ERR_PTR(error) ((void *)(long)(error))
#define IS_ENABLED(option) __tracebed_enabled(option)
#define __tracebed_enabled(value) __tracebed_taken(__tracebed_first_##value)
#define __tracebed_first_1 0,
#define __tracebed_taken(...) __tracebed_second(__VA_ARGS__ 1, 0)
#define __tracebed_second(ignored, value, ...) value
#define div_u64(n, base) ((u64)(n) / (u32)(base))
#define div64_u64(n, base) ((u64)(n) / (u64)(base))
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define memmove __builtin_memmove
#define memcmp __builtin_memcmp
#define swab16 __builtin_bswap16
#define swab32 __builtin_bswap32
#define swab64 __builtin_bswap64
#define ntohs __builtin_bswap16
#define htons __builtin_bswap16
#define ntohl __builtin_bswap32
#define htonl __builtin_bswap32
#define bpf_ntohs __builtin_bswap16
#define bpf_htons __builtin_bswap16
#define bpf_ntohl __builtin_bswap32
#define bpf_htonl __builtin_bswap32
#define be16_to_cpu __builtin_bswap16
#define be32_to_cpu __builtin_bswap32
#define be64_to_cpu __builtin_bswap64
#define cpu_to_be16 __builtin_bswap16
#define cpu_to_be32 __builtin_bswap32
#define cpu_to_be64 __builtin_bswap64
#define bpf_ntohll __builtin_bswap64
#define bpf_htonll __builtin_bswap64
#define bpf_ntoh128(v) ((unsigned __int128)__builtin_bswap64((unsigned long)(v)) << 64 | __builtin_bswap64((unsigned long)((v) >> 64)))
#define bpf_hton128(v) bpf_ntoh128(v)
#define bpf_l3_csum_replace_ bpf_l3_csum_replace
#define bpf_l4_csum_replace_ bpf_l4_csum_replace
#define bpf_map_lookup_elem_ bpf_map_lookup_elem
#define bpf_map_update_elem_ bpf_map_update_elem
#define bpf_map_delete_elem_ bpf_map_delete_elem
#define load_dword(skb, off) (load_word(skb, off) << 32 | load_word(skb, (off) + 4))
#define cpu_to_le32(x) (x)
#define le32_to_cpu(x) (x)
#define lock_xadd(ptr, val) ((void)__sync_fetch_and_add(ptr, val))

#define PT_REGS_PARM1(x) ((x)->di)
#define PT_REGS_PARM2(x) ((x)->si)
#define PT_REGS_PARM3(x) ((x)->dx)
#define PT_REGS_PARM4(x) ((x)->cx)
#define PT_REGS_PARM5(x) ((x)->r8)
#define PT_REGS_PARM6(x) ((x)->r9)
#define PT_REGS_RET(x) ((x)->sp)
#define PT_REGS_FP(x) ((x)->bp)
#define PT_REGS_RC(x) ((x)->ax)
#define PT_REGS_SP(x) ((x)->sp)
#define PT_REGS_IP(x) ((x)->ip)
#define PT_REGS_PARM1_SYSCALL(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_SYSCALL(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_SYSCALL(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_SYSCALL(x) ((x)->r10)
#define PT_REGS_PARM5_SYSCALL(x) PT_REGS_PARM5(x)
#define PT_REGS_PARM6_SYSCALL(x) PT_REGS_PARM6(x)
#define PT_REGS_SYSCALL_CTX(x) ((struct pt_regs *)PT_REGS_PARM1(x))
#define bpf_target_x86 1

#define TRACEPOINT_PROBE(category, event) int tracepoint__##category##__##event(struct tracepoint__##category##__##event *args)
#define RAW_TRACEPOINT_PROBE(event) int raw_tracepoint__##event(struct bpf_raw_tracepoint_args *ctx)
#define KFUNC_PROBE(event, args...) int kfunc__##event(unsigned long long *ctx, ##args)
#define KRETFUNC_PROBE(event, args...) int kretfunc__##event(unsigned long long *ctx, ##args)
#define MODULE_KFUNC_PROBE(module, event, args...) int kfunc__##module##__##event(unsigned long long *ctx, ##args)
#define MODULE_KRETFUNC_PROBE(module, event, args...) int kretfunc__##module##__##event(unsigned long long *ctx, ##args)
#define KMOD_RET(event, args...) int kmod_ret__##event(unsigned long long *ctx, ##args)
#define LSM_PROBE(event, args...) int lsm__##event(unsigned long long *ctx, ##args)
#define TP_DATA_LOC_READ_CONST(dst, field, length) do { unsigned short __offset = args->data_loc_##field & 0xFFFF; bpf_probe_read((void *)dst, length, (char *)args + __offset); } while (0)
#define TP_DATA_LOC_READ(dst, field) do { unsigned short __offset = args->data_loc_##field & 0xFFFF; unsigned short __length = args->data_loc_##field >> 16; bpf_probe_read((void *)dst, __length, (char *)args + __offset); } while (0)
#define TP_DATA_LOC_READ_STR(dst, field, length) do { unsigned short __offset = args->data_loc_##field & 0xFFFF; bpf_probe_read_str((void *)dst, length, (char *)args + __offset); } while (0)
#define bpf_get_current_task_ptr() ((struct task_struct *)bpf_get_current_task())
#define cursor_advance(_cursor, _len) ({ void *_tmp = _cursor; _cursor += _len; _tmp; })
#define CUR_CPU_IDENTIFIER BPF_F_CURRENT_CPU
#define bpf_tail_call_(map, ctx, index) bpf_tail_call(ctx, map, index)

#define BPF_MAX_STACK_DEPTH 127
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define USEC_PER_SEC 1000000L
#define MSEC_PER_SEC 1000L
#define HZ 250
#define REQ_OP_MASK ((1 << REQ_OP_BITS) - 1)
#define CAP_OPT_NONE 0
#define CAP_OPT_NOAUDIT 2
#define CAP_OPT_INSETID 4
#define TCP_NEW_SYN_RECV 12
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)
#define MINORBITS 20
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & ((1U << MINORBITS) - 1)))
#define MKDEV(ma, mi) (((ma) << MINORBITS) | (mi))

#define tcp_sk(ptr) ((struct tcp_sock *)(ptr))
#define inet_sk(ptr) ((struct inet_sock *)(ptr))
#define inet_csk(ptr) ((struct inet_connection_sock *)(ptr))
#define udp_sk(ptr) ((struct udp_sock *)(ptr))
#define unix_sk(ptr) ((struct unix_sock *)(ptr))
#define TCP_SKB_CB(skb) ((struct tcp_skb_cb *)&((skb)->cb[0]))
#define task_active_pid_ns(task) ((task)->thread_pid->numbers[(task)->thread_pid->level].ns)
#define skb_transport_header(skb) ((skb)->head + (skb)->transport_header)
#define skb_network_header(skb) ((skb)->head + (skb)->network_header)
#define tcp_hdr(skb) ((struct tcphdr *)skb_transport_header(skb))
#define udp_hdr(skb) ((struct udphdr *)skb_transport_header(skb))
#define ip_hdr(skb) ((struct iphdr *)skb_network_header(skb))
#define ipv6_hdr(skb) ((struct ipv6hdr *)skb_network_header(skb))
#define skb_headlen(skb) ((skb)->len - (skb)->data_len)
#define skb_rx_queue_recorded(skb) ((skb)->queue_mapping != 0)
#define skb_get_rx_queue(skb) ((u16)((skb)->queue_mapping - 1))
#define skb_get_queue_mapping(skb) ((skb)->queue_mapping)
#define file_inode(file) ((file)->f_inode)
#define d_inode(dentry) ((dentry)->d_inode)
#define d_backing_inode(dentry) ((dentry)->d_inode)
#define i_size_read(inode) ((inode)->i_size)
#define imajor(inode) MAJOR((inode)->i_rdev)
#define iminor(inode) MINOR((inode)->i_rdev)
#define op_is_write(op) ((op) & 1)
#define req_op(req) ((req)->cmd_flags & REQ_OP_MASK)
#define rq_data_dir(req) (op_is_write(req_op(req)) ? WRITE : READ)
#define blk_rq_pos(req) ((req)->__sector)
#define blk_rq_bytes(req) ((req)->__data_len)
#define task_pid_nr(task) ((task)->pid)
#define task_tgid_nr(task) ((task)->tgid)
#define sock_net(sk) ((sk)->__sk_common.skc_net.net)
#define nth_page(page, n) ((page) + (n))
#define folio_page(folio, n) nth_page(&(folio)->page, n)
#define SG_CHAIN 0x01UL
#define SG_END 0x02UL
#define sg_is_chain(sg) ((sg)->page_link & SG_CHAIN)
#define sg_is_last(sg) ((sg)->page_link & SG_END)
#define sg_chain_ptr(sg) ((struct scatterlist *)((sg)->page_link & ~(SG_CHAIN | SG_END)))
#define bpf_log2(v) __tracebed_log2(v)
#define bpf_log2l(v) __tracebed_log2l(v)

/* One more than the number of the highest bit: a value's row in a power-of-two histogram. */
static inline unsigned int __tracebed_log2(unsigned int v)
{
  unsigned int row = (v > 0xffff) << 4, step;
  v >>= row;
  step = (v > 0xff) << 3; v >>= step; row |= step;
  step = (v > 0xf) << 2; v >>= step; row |= step;
  step = (v > 0x3) << 1; v >>= step; row |= step;
  return row | (v >> 1);
}
/* bsz bits of a packet, from bit bofs of the byte at off; the highest bit is number 0, as in network order. */
static inline u64 bpf_dext_pkt(void *skb, u64 off, u64 bofs, u64 bsz)
{
  u64 end = bofs + bsz;
  u64 mask = bsz < 64 ? (1ULL << bsz) - 1 : ~0ULL;
  if (end <= 8)
    return load_byte(skb, off) >> (8 - end) & mask;
  if (end <= 16)
    return load_half(skb, off) >> (16 - end) & mask;
  if (end <= 32)
    return load_word(skb, off) >> (32 - end) & mask;
  if (end <= 64)
    return load_dword(skb, off) >> (64 - end) & mask;
  return 0;
}
static inline u8 __builtin_rotateleft8(u8 v, u8 n) { return v << (n & 7) | v >> (-n & 7); }
static inline u16 __builtin_rotateleft16(u16 v, u16 n) { return v << (n & 15) | v >> (-n & 15); }
static inline u32 __builtin_rotateleft32(u32 v, u32 n) { return v << (n & 31) | v >> (-n & 31); }
static inline u64 __builtin_rotateleft64(u64 v, u64 n) { return v << (n & 63) | v >> (-n & 63); }
static inline u8 __builtin_rotateright8(u8 v, u8 n) { return v >> (n & 7) | v << (-n & 7); }
static inline u16 __builtin_rotateright16(u16 v, u16 n) { return v >> (n & 15) | v << (-n & 15); }
static inline u32 __builtin_rotateright32(u32 v, u32 n) { return v >> (n & 31) | v << (-n & 31); }
static inline u64 __builtin_rotateright64(u64 v, u64 n) { return v >> (n & 63) | v << (-n & 63); }
static inline u64 __builtin_bitreverse64(u64 v)
{
  v = (v & 0x5555555555555555) << 1 | (v >> 1 & 0x5555555555555555);
  v = (v & 0x3333333333333333) << 2 | (v >> 2 & 0x3333333333333333);
  v = (v & 0x0f0f0f0f0f0f0f0f) << 4 | (v >> 4 & 0x0f0f0f0f0f0f0f0f);
  return __builtin_bswap64(v);
}
static inline u32 __builtin_bitreverse32(u32 v) { return __builtin_bitreverse64(v) >> 32; }
static inline u16 __builtin_bitreverse16(u16 v) { return __builtin_bitreverse64(v) >> 48; }
static inline u8 __builtin_bitreverse8(u8 v) { return __builtin_bitreverse64(v) >> 56; }
static inline long __builtin_labs(long v) { return v < 0 ? -v : v; }
static inline long long __builtin_llabs(long long v) { return v < 0 ? -v : v; }
static inline int __builtin_clzs(u16 v) { return __builtin_clz(v) - 16; }
static inline int __builtin_ctzs(u16 v) { return __builtin_ctz(v); }
static inline int __builtin_clrsb(int v) { return __builtin_clz(v < 0 ? ~v : v) - 1; }
static inline int __builtin_clrsbl(long v) { return __builtin_clzl(v < 0 ? ~v : v) - 1; }
static inline int __builtin_clrsbll(long long v) { return __builtin_clzll(v < 0 ? ~v : v) - 1; }
static inline unsigned int __tracebed_log2l(unsigned long v)
{
  unsigned int high = v >> 32;
  if (high)
    return __tracebed_log2(high) + 32 + 1;
  return __tracebed_log2(v) + 1;
}
`;
