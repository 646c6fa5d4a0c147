/** Floor 1: the kernel's vocabulary as tables. */
export { type AttachType, attachTypes, expectedAttachTypes, placeAttachTypes } from './attach.ts';
export { helperAllowed, helpersFor, onlyFor, typesCalling } from './availability.ts';
export {
  type ContextLayout,
  type ContextName,
  contextField,
  contextOf,
  contexts,
  type FieldPlace,
} from './contexts.ts';
export {
  type HelperInfo,
  type HelperName,
  helperById,
  helperByName,
  helperNames,
  helpers,
  isGplCompatible,
} from './helpers.ts';
export { type KfuncFlag, type KfuncInfo, kfuncAllowed, kfuncByName } from './kfuncs.ts';
export { limits } from './limits.ts';
export { type IteratorArgument, iteratorArguments, tracepointMayGiveNull } from './nullable.ts';
export {
  type PerfCounter,
  perfCounter,
  perfCounters,
  perfTypes,
} from './perf.ts';
export {
  type ArgumentKind,
  type HelperArgument,
  type HelperPrototype,
  type HelperReturn,
  helperPrototype,
  prototypes,
  type ReturnKind,
} from './prototypes.ts';
export { type RegisterSet, registerSets } from './registers.ts';
export { type TcpState, tcpStateName, tcpStates } from './tcp.ts';
export {
  currentCpu,
  type MapType,
  mapFlags,
  mapTypes,
  type ProgramType,
  programFlags,
  programTypes,
  ringbufFlags,
  ringbufQueries,
  stackFlags,
  updateFlags,
} from './types.ts';
export {
  redirectFlags,
  type SeccompAction,
  seccompAction,
  type TcAction,
  tcActions,
  tcDirectAction,
  type XdpAction,
  xdpAction,
  xdpActions,
  xdpFlags,
} from './verdicts.ts';
export { mapTypesSince, programTypesSince, releaseAtLeast } from './versions.ts';
