// Functions of all kernels that their BTF leaves out: system calls without arguments, whose one parameter is unused.
long int __x64_sys_fork(const struct pt_regs *regs);
long int __x64_sys_getegid(const struct pt_regs *regs);
long int __x64_sys_geteuid(const struct pt_regs *regs);
long int __x64_sys_getgid(const struct pt_regs *regs);
long int __x64_sys_getpgrp(const struct pt_regs *regs);
long int __x64_sys_getpid(const struct pt_regs *regs);
long int __x64_sys_getppid(const struct pt_regs *regs);
long int __x64_sys_gettid(const struct pt_regs *regs);
long int __x64_sys_getuid(const struct pt_regs *regs);
long int __x64_sys_pause(const struct pt_regs *regs);
long int __x64_sys_restart_syscall(const struct pt_regs *regs);
long int __x64_sys_rt_sigreturn(const struct pt_regs *regs);
long int __x64_sys_sched_yield(const struct pt_regs *regs);
long int __x64_sys_setsid(const struct pt_regs *regs);
long int __x64_sys_sync(const struct pt_regs *regs);
long int __x64_sys_vfork(const struct pt_regs *regs);
long int __x64_sys_vhangup(const struct pt_regs *regs);
// Under the name that its symbol has: gcc took its result apart (kernel/sched/core.c).
struct rq *finish_task_switch.isra.0(struct task_struct *prev);
