// Functions of Linux 6.1 that are not in the BTF of the bundled vmlinux: those of modules, and static ones.
// block/blk-mq.c
void blk_account_io_start(struct request *req);
// mm/readahead.c
void do_page_cache_ra(struct readahead_control *ractl, long unsigned int nr_to_read, long unsigned int lookahead_size);
// fs/ext4/file.c, fs/ext4/fsync.c
ssize_t ext4_file_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t ext4_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
int ext4_file_open(struct inode *inode, struct file *filp);
int ext4_sync_file(struct file *file, loff_t start, loff_t end, int datasync);
// fs/xfs/xfs_file.c
ssize_t xfs_file_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t xfs_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
int xfs_file_open(struct inode *inode, struct file *file);
int xfs_file_fsync(struct file *file, loff_t start, loff_t end, int datasync);
// fs/btrfs/file.c
ssize_t btrfs_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
int btrfs_sync_file(struct file *file, loff_t start, loff_t end, int datasync);
// fs/nfs/file.c, fs/nfs/nfs4file.c, fs/nfs/inode.c
ssize_t nfs_file_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t nfs_file_write(struct kiocb *iocb, struct iov_iter *from);
int nfs_file_open(struct inode *inode, struct file *filp);
int nfs4_file_open(struct inode *inode, struct file *filp);
int nfs_getattr(struct user_namespace *mnt_userns, const struct path *path, struct kstat *stat, u32 request_mask, unsigned int query_flags);
tracepoint nfs_initiate_commit(const struct nfs_commit_data *data);
tracepoint nfs_commit_done(const struct rpc_task *task, const struct nfs_commit_data *data);
// drivers/md/md.c
bool md_flush_request(struct mddev *mddev, struct bio *bio);
// drivers/virtio/virtio_ring.c
int virtqueue_add_sgs(struct virtqueue *_vq, struct scatterlist **sgs, unsigned int out_sgs, unsigned int in_sgs, void *data, gfp_t gfp);
int virtqueue_add_outbuf(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, gfp_t gfp);
int virtqueue_add_inbuf(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, gfp_t gfp);
int virtqueue_add_inbuf_ctx(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, void *ctx, gfp_t gfp);
// arch/x86/kvm/trace.h
tracepoint kvm_exit(struct kvm_vcpu *vcpu, u32 isa);
