BPF_HASH(start, u32, u64);
BPF_RINGBUF_OUTPUT(events, 8);
struct ev { u64 a; u64 b; };
int kprobe__tcp_sendmsg(struct pt_regs *ctx) {
  u32 key = bpf_get_current_pid_tgid() >> 32;
  u64 *value = start.lookup(&key);
  if (key > 5)
    return 0;
  *value += 1;
  return 0;
}
int kprobe__tcp_recvmsg(struct pt_regs *ctx) {
  struct ev *e = events.ringbuf_reserve(sizeof(struct ev));
  if (!e) return 0;
  e->a = 1;
  if (ctx->di == 0) return 1;
  events.ringbuf_submit(e, 0);
  return 0;
}
int kprobe__tcp_close(struct pt_regs *ctx) {
  char buf[16] = {};
  int n = PT_REGS_PARM3(ctx);
  bpf_probe_read_kernel(buf, n, (void *)PT_REGS_PARM2(ctx));
  return buf[2];
}
