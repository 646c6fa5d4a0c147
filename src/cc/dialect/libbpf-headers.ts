/**
 * What texts of libbpf's form include: `vmlinux.h` and the headers of <bpf/…>. Types are the kernel's own, and a pointer of
 * the kernel is followed by a probe read without being asked, so the macros of CO-RE are plain accesses here: offsets are
 * those of the kernel that the text is compiled for.
 */
export function isLibbpfHeader(path: string): boolean {
  return /^bpf\/|(^|\/)vmlinux\.h$/.test(path);
}

export const libbpfHeaders = `
#ifndef __tracebed_libbpf
#define __tracebed_libbpf
#define __uint(name, value) int (*name)[value]
#define __ulong(name, value) unsigned long (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
enum libbpf_tristate { TRI_NO = 0, TRI_MODULE = 1, TRI_YES = 2 };
#define __hidden
#define __weak __attribute__((weak))
#define __kptr
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __arg_ctx
#define LIBBPF_PIN_NONE 0
#define LIBBPF_PIN_BY_NAME 1
#define bpf_printk(format, args...) bpf_trace_printk(format, ##args)
#define bpf_htobe16 bpf_htons
#define BPF_KPROBE(name, args...) name(struct pt_regs *ctx, ##args)
#define BPF_KRETPROBE(name, args...) name(struct pt_regs *ctx, ##args)
#define BPF_UPROBE(name, args...) name(struct pt_regs *ctx, ##args)
#define BPF_URETPROBE(name, args...) name(struct pt_regs *ctx, ##args)
#define BPF_KSYSCALL(name, args...) name(struct pt_regs *ctx, ##args)
#define BPF_PROG(name, args...) name(unsigned long long *ctx, ##args)
#define PT_REGS_PARM1_CORE(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_CORE(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_CORE(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_CORE(x) PT_REGS_PARM4(x)
#define PT_REGS_PARM5_CORE(x) PT_REGS_PARM5(x)
#define PT_REGS_RC_CORE(x) PT_REGS_RC(x)
#define PT_REGS_IP_CORE(x) PT_REGS_IP(x)
#define PT_REGS_SP_CORE(x) PT_REGS_SP(x)
#define __tracebed_nth(_1, _2, _3, _4, _5, _6, _7, _8, _9, n, ...) n
#define __tracebed_count(...) __tracebed_nth(__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1)
#define __tracebed_join(a, b) __tracebed_joined(a, b)
#define __tracebed_joined(a, b) a##b
#define __tracebed_path1(a) a
#define __tracebed_path2(a, b) a->b
#define __tracebed_path3(a, b, c) a->b->c
#define __tracebed_path4(a, b, c, d) a->b->c->d
#define __tracebed_path5(a, b, c, d, e) a->b->c->d->e
#define __tracebed_path6(a, b, c, d, e, f) a->b->c->d->e->f
#define __tracebed_path7(a, b, c, d, e, f, g) a->b->c->d->e->f->g
#define __tracebed_path8(a, b, c, d, e, f, g, h) a->b->c->d->e->f->g->h
#define __tracebed_path9(a, b, c, d, e, f, g, h, i) a->b->c->d->e->f->g->h->i
#define __tracebed_path(args...) __tracebed_join(__tracebed_path, __tracebed_count(args))(args)
#define BPF_CORE_READ(source, path...) ((source)->__tracebed_path(path))
#define BPF_PROBE_READ(source, path...) BPF_CORE_READ(source, path)
#define BPF_CORE_READ_INTO(to, source, path...) bpf_probe_read_kernel(to, sizeof(*(to)), &BPF_CORE_READ(source, path))
#define BPF_PROBE_READ_INTO(to, source, path...) BPF_CORE_READ_INTO(to, source, path)
#define BPF_CORE_READ_STR_INTO(to, source, path...) bpf_probe_read_kernel_str(to, sizeof(*(to)), &BPF_CORE_READ(source, path))
#define BPF_CORE_READ_BITFIELD(source, field) ((source)->field)
#define BPF_CORE_READ_BITFIELD_PROBED(source, field) ((source)->field)
#define bpf_core_read(to, size, from) bpf_probe_read_kernel(to, size, from)
#define bpf_core_read_str(to, size, from) bpf_probe_read_kernel_str(to, size, from)
#define bpf_core_read_user(to, size, from) bpf_probe_read_user(to, size, from)
#define bpf_core_read_user_str(to, size, from) bpf_probe_read_user_str(to, size, from)
#define bpf_core_cast(pointer, type) ((type *)(pointer))
#endif
`;
