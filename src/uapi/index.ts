/** Floor 1: the kernel's vocabulary as tables. */
export {
  currentCpu,
  type MapType,
  mapFlags,
  mapTypes,
  type ProgramType,
  programTypes,
  stackFlags,
  updateFlags,
} from './types.ts';
