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
export {
  type DataStart,
  type HeaderPlaces,
  headerPlaces,
  netDevice,
  type SkBuffSpec,
  type SockSpec,
  skBuff,
  sock,
  taskOf,
} from './objects.ts';
export * from './packet.ts';
export {
  etherTypeName,
  etherTypes,
  icmpTypeName,
  icmpTypes,
  icmpv6TypeName,
  icmpv6Types,
  ipProtocolName,
  ipProtocols,
  type TcpFlag,
  tcpFlagBits,
  tcpFlagNames,
  tcpFlags,
} from './protocols.ts';
export { syscallKernelName, syscallNumbers } from './syscalls.ts';
