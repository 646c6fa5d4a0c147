/** `goto -1`, as Linux has it: whoever came there would stay. */
const stay = new Uint8Array([0x05, 0, 0xff, 0xff, 0, 0, 0, 0]);
const wide = 0x18;

/**
 * Overwrites the instructions that no path reaches: the verifier has not looked at them, and an engine need not be able
 * to run them (kernel/bpf/verifier.c: sanitize_dead_code).
 * @param reached 1 for each slot that a path reaches; of an instruction of two slots the first
 */
export function sanitizeDeadCode(code: Uint8Array, reached: Uint8Array): void {
  for (let slot = 0; slot < code.length / 8; slot++) {
    if (reached[slot] !== 1) code.set(stay, slot * 8);
    else if (code[slot * 8] === wide) slot++;
  }
}
