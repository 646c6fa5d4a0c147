/** What the kernel allows a program (include/linux/bpf.h, include/linux/bpf_verifier.h, include/linux/filter.h). */
export const limits = {
  /** MAX_BPF_STACK: bytes of stack of a program with all functions that it is in. */
  stack: 512,
  /** MAX_CALL_FRAMES: functions within each other, the main one included. */
  callFrames: 8,
  /** BPF_MAX_SUBPROGS */
  subprograms: 256,
  /** MAX_USED_MAPS */
  maps: 64,
  /** BPF_MAXINSNS: instructions of an unprivileged program, of any before 5.2, and of a classic one. */
  instructions: 4096,
  /** BPF_COMPLEXITY_LIMIT_INSNS: instructions that a privileged program may have, and that the verifier looks at. */
  complexity: 1_000_000,
  /** BPF_COMPLEXITY_LIMIT_JMP_SEQ: branches on the way that are not yet looked at. */
  jumpSequence: 8192,
  /** BPF_COMPLEXITY_LIMIT_STATES: states at one instruction before pruning is given up. */
  states: 64,
  /** BPF_MAX_LOOPS: turns of bpf_loop. */
  loops: 1 << 23,
  /** MAX_TAIL_CALL_CNT: tail calls in a row. */
  tailCalls: 33,
  /** BPF_OBJ_NAME_LEN: bytes of the name of a program or map, with its NUL. */
  name: 16,
  /** TASK_COMM_LEN: bytes of a task's name, with its NUL. */
  comm: 16,
  /** PERF_MAX_STACK_DEPTH: frames of a stack trace. */
  stackDepth: 127,
  /** BPF_MAX_VAR_OFF: how far a pointer may be moved. */
  pointerOffset: 1 << 29,
  /** BPF_MAX_VAR_SIZ: bytes that a helper may be given. */
  memorySize: 1 << 29,
  /** BPF_MAX_TRAMP_LINKS: fentry and fexit programs at one function. */
  trampolineLinks: 38,
  /** MAX_BPF_FUNC_ARGS: parameters of a function that fentry can tell. */
  functionArguments: 12,
} as const;
