// Answers of name servers, as a task takes them from its socket: what udp_recvmsg copies that came from port 53.
#include <linux/uio.h>
#include <linux/socket.h>

#define DNS_PORT 53
#define MOST_ANSWER 512     // more than that does not come without EDNS

// enum iter_type (include/linux/uio.h) is anonymous to BTF.
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define ONE_BUFFER 0
#define BUFFERS 1
#else
#define ONE_BUFFER 6
#define BUFFERS 0
#endif

// A task that asks for an answer, and where it wants it: the call moves the iterator on.
BPF_HASH(asking, u64, void *);

struct answer {
    u64 ts;
    u32 size;
    u8 bytes[MOST_ANSWER];
};
BPF_PERCPU_ARRAY(answer_space, struct answer, 1);
BPF_PERF_OUTPUT(answers);

int answer_asked(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg)
{
    u16 port = sk->__sk_common.skc_dport;
    if (port != htons(DNS_PORT))
        return 0;
    u64 id = bpf_get_current_pid_tgid();
    u8 type = msg->msg_iter.iter_type;
    void *space = NULL;
    if (type == ONE_BUFFER) {
        space = msg->msg_iter.ubuf;
    } else if (type == BUFFERS) {
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
        space = msg->msg_iter.__iov->iov_base;
#else
        space = msg->msg_iter.iov->iov_base;
#endif
    }
    if (space)
        asking.update(&id, &space);
    return 0;
}

int answer_taken(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    void **space = asking.lookup(&id);
    if (!space)
        return 0;
    int size = PT_REGS_RC(ctx);
    int zero = 0;
    struct answer *answer = answer_space.lookup(&zero);
    if (answer && size > 0) {
        answer->ts = bpf_ktime_get_ns();
        answer->size = size > MOST_ANSWER ? MOST_ANSWER : size;
        bpf_probe_read_user(answer->bytes, MOST_ANSWER, *space);
        answers.perf_submit(ctx, answer, sizeof(*answer));
    }
    asking.delete(&id);
    return 0;
}
