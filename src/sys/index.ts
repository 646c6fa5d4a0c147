/** Floor 4: the seam. What a process may ask of a kernel. */
export type {
  AttachTarget,
  Fd,
  Kernel,
  LinkInfo,
  MapCreate,
  PerfEventOpen,
  ProgramLoad,
  Symbols,
} from './kernel.ts';
