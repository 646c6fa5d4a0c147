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
export { type KfuncFlag, type KfuncInfo, kfuncAllowed, kfuncByName, kfuncFlags, kfuncNames } from './kfuncs.ts';
export { limits } from './limits.ts';
export { type IteratorArgument, iteratorArguments, tracepointMayGiveNull } from './nullable.ts';
export {
  hardwareEvents,
  type PerfCounter,
  perfCounter,
  perfCounters,
  perfTypes,
  sampleFormats,
  softwareEvents,
} from './perf.ts';
export {
  type ArgumentKind,
  argumentKinds,
  type HelperArgument,
  type HelperPrototype,
  type HelperReturn,
  helperPrototype,
  prototypes,
  type ReturnKind,
  returnKinds,
} from './prototypes.ts';
export { type Architecture, type RegisterSet, registerSets } from './registers.ts';
export { addressFamilies, type TcpState, tcpStateName, tcpStates } from './tcp.ts';
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
  directActions,
  flowDissectorVerdicts,
  lwtActions,
  netfilterVerdicts,
  redirectFlags,
  type SeccompAction,
  seccompAction,
  seccompActions,
  seccompData,
  skActions,
  type TcAction,
  tcActions,
  tcDirectAction,
  type XdpAction,
  xdpAction,
  xdpActions,
  xdpFlags,
} from './verdicts.ts';
export { featuresSince, mapTypesSince, programTypesSince, releaseAtLeast } from './versions.ts';
