/** Floor 3: what can happen in a kernel, as plain data; building and decoding of the packets in it. */
export type {
  Argument,
  Arguments,
  CodeAddress,
  FunctionEntry,
  FunctionExit,
  KernelEvent,
  KernelObject,
  KernelStack,
  Moment,
  NetDevice,
  SkBuff,
  Sock,
  StructObject,
  Task,
  TracepointEvent,
  UserMemory,
} from './event.ts';
