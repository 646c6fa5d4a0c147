/** Floor 1: the instruction set: encode, decode, assemble, disassemble. */
export {};
