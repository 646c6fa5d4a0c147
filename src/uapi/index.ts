/** Floor 1: the kernel's vocabulary as tables. */
export { helperAllowed, helpersFor, onlyFor, typesCalling } from './availability.ts';
export { type HelperInfo, type HelperName, helperById, helperByName, helperNames, helpers } from './helpers.ts';
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
