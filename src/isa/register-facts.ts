/**
 * What is known of registers before each instruction of a program: the words in which a verifier tells an engine what
 * it proved. Both speak of instruction slots and register numbers and may not know each other, so the words are here.
 */

/**
 * What is known of a register's 64 bits whenever control reaches a slot. A pointer's high half is that of the kernel's
 * space; a register that nothing reads any more is unknown.
 */
export const registerFacts = { unknown: 0, below2to32: 1, pointer: 2, pointerOrNull: 3 } as const;
export type RegisterFactName = keyof typeof registerFacts;

/** Registers r0–r9: those that a fact is kept of. r10 is always the frame's end. */
export const factRegisters = 10;

export interface RegisterFacts {
  /** Ten bytes a slot, one a register r0–r9, of `registerFacts`. */
  readonly registers: Uint8Array;
  /**
   * A byte a slot: 1 where a load goes through a kernel object's pointer, which may lead nowhere. Linux lets such a
   * load read 0 instead of faulting (BPF_PROBE_MEM, kernel/bpf/verifier.c: convert_ctx_accesses).
   */
  readonly mayFault: Uint8Array;
}
