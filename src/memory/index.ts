/** Floor 1: the one linear memory, its address spaces, allocator and guarded copy. */
export { kernelSpace, Memory, type PageKind, pageKinds, pageSize, userSpace, wholePages } from './memory.ts';
