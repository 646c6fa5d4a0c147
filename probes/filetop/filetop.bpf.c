// Reads and writes of files, counted by thread and file with the bytes that are asked for.
//
// Set by the tool's options: PROCESS (a tgid); ALL_FILES counts sockets, pipes and devices too.

#include <uapi/linux/ptrace.h>
#include <linux/fs.h>
#include <linux/stat.h>

#define NAME_SIZE 32

struct use {
    u64 inode;
    u32 dev;
    u32 rdev;
    u32 tid;
    u32 name_length;        // of the whole name
    char comm[16];
    char name[NAME_SIZE];   // its begin
    u8 type;
    u8 unused[7];           // no hole in a key
};

struct amount {
    u64 reads;
    u64 writes;
    u64 read_bytes;
    u64 written_bytes;
};
BPF_HASH(counts, struct use, struct amount);

static inline void count_use(struct file *file, size_t bytes, int reading)
{
    u64 id = bpf_get_current_pid_tgid();
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return;
#endif
    struct inode *inode = file->f_inode;
    u16 mode = inode->i_mode;
    struct dentry *dentry = file->f_path.dentry;
    u32 length = dentry->d_name.len;
    if (length == 0)
        return;
#ifndef ALL_FILES
    if (!S_ISREG(mode))
        return;
#endif
    struct use use = {};
    use.inode = inode->i_ino;
    use.dev = inode->i_sb->s_dev;
    use.rdev = inode->i_rdev;
    use.tid = id;
    use.name_length = length;
    bpf_get_current_comm(&use.comm, sizeof(use.comm));
    // No more than the name: what lies behind it would tell one file from itself.
    if (length > NAME_SIZE)
        length = NAME_SIZE;
    bpf_probe_read_kernel(use.name, length, dentry->d_name.name);
    use.type = S_ISREG(mode) ? 'R' : S_ISSOCK(mode) ? 'S' : 'O';

    struct amount none = {};
    struct amount *amount = counts.lookup_or_try_init(&use, &none);
    if (!amount)
        return;
    if (reading) {
        amount->reads++;
        amount->read_bytes += bytes;
    } else {
        amount->writes++;
        amount->written_bytes += bytes;
    }
}

int read_begins(struct pt_regs *ctx, struct file *file, char __user *buf, size_t count)
{
    count_use(file, count, 1);
    return 0;
}

int write_begins(struct pt_regs *ctx, struct file *file, char __user *buf, size_t count)
{
    count_use(file, count, 0);
    return 0;
}
