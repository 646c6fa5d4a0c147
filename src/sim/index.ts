/** Floor 5: the simulated kernel behind the seam; plays events. */
export { boot } from './boot.ts';
export type { BootOptions, LossLedger, Machine, OpenMachine, SentSignal } from './machine.ts';
