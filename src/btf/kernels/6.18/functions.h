// Functions of Linux 6.18 that the trimmed BTF of the bundled vmlinux leaves out.
// net/socket.c: what a socket's protocol is made of; a program may change it (net/mptcp/bpf.c)
int update_socket_protocol(int family, int type, int protocol);
